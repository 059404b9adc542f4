import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { csvCell } from '../../../src/ops/partner/list.ts';
import { RulesWorld } from '../rules/world.ts';

const NEW = 'routes/partners/new.example.yaml';

test('partner add writes the shortest useful file, shows the diff, and says what comes next', async () => {
  using world = new RulesWorld();
  const report = await world.run('partner add', {
    domain: 'New.Example',
    note: 'ticket 1',
    review: '2027-06-01',
    owner: 'edge@corp.example',
  });
  assert.equal(report.exit, 0, report.text);
  assert.match(world.read(NEW), /^# Added on \d{4}-\d\d-\d\d\..*\nowner: edge@corp\.example\nreviewBefore: 2027-06-01\nnote: ticket 1\n$/);
  assert.match(report.text, /^\+\+\+ b\/routes\/partners\/new\.example\.yaml$/m);
  assert.match(report.text, /not in force yet: isthmus plan shows the effect, isthmus apply takes it$/);
  const again = await world.run('partner add', { domain: 'new.example' });
  assert.equal(again.exit, 2);
  assert.match(again.text, /is a partner already \(routes\/partners\/new\.example\.yaml\)/);
});

test('partner add of an example that is switched off says how to switch it on', async () => {
  using world = new RulesWorld();
  world.write(NEW, 'enabled: false\n');
  const report = await world.run('partner add', { domain: 'new.example' });
  assert.equal(report.exit, 2);
  assert.match(report.text, /is switched off \(enabled: false\)\. Take that line out, or first isthmus partner remove new\.example$/);
});

const kinds: readonly [given: Readonly<Record<string, unknown>>, text: RegExp][] = [
  [
    { protocol: 'xmpp', host: '10.0.0.7:5269', name: 'x.new.example' },
    /^xmpp: \{ hosts: \[10\.0\.0\.7:5269\], names: \[x\.new\.example\] \}$/m,
  ],
  [{ protocol: ['sip', 'xmpp'] }, /^prefer: \[sip, xmpp\]$/m],
  [{ protocol: 'sip' }, /^prefer: \[sip\]$/m],
  [{ dialect: 'lync', host: 'sip.new.example:5061' }, /^sip: \{ dialect: lync, hosts: \[sip\.new\.example:5061\] \}$/m],
  [{ proof: 'dialback' }, /^xmpp: \{ proof: dialback \}$/m],
  [{ also: 'conference.new.example' }, /^domains: \[new\.example, conference\.new\.example\]$/m],
];
for (const [given, text] of kinds)
  test(`partner add ${JSON.stringify(given)}`, async () => {
    using world = new RulesWorld();
    const report = await world.run('partner add', { domain: 'new.example', ...given });
    assert.equal(report.exit, 0, report.text);
    assert.match(world.read(NEW), text);
  });

test('partner add refuses what cannot be meant, and what would be a fault, and writes nothing', async () => {
  using world = new RulesWorld();
  for (const [given, said] of [
    [{ domain: 'new.example', host: 'a.example:1' }, /belong to one protocol/],
    [{ domain: 'new.example', dialect: 'lync', protocol: 'xmpp' }, /--dialect lync is about SIP/],
    [{ domain: 'new.example', protocol: 'xmpp', host: 'https://x' }, /would make a fault/],
    [{ domain: 'corp.example' }, /is a domain of ours/],
  ] as const) {
    const report = await world.run('partner add', given);
    assert.equal(report.exit, 2, report.text);
    assert.match(report.text, said);
    assert.ok(!existsSync(join(world.dir, NEW)));
  }
});

test('block --now is in force at once and alone: what waits for apply goes on waiting', async () => {
  using world = new RulesWorld();
  const rules = world.start();
  world.write(NEW, '');
  const before = world.read('routes/policy.yaml');
  const report = await world.run('partner block', { target: 'evil.example', until: '2h', note: 'ticket 2', now: true }, 'ticket 2');
  assert.equal(report.exit, 0, report.text);
  const until = new Date(world.clock.now() + 7_200_000).toISOString().replace(/\.\d+Z/, 'Z');
  assert.ok(world.read('routes/policy.yaml').includes(`  - { domain: evil.example, until: ${until}, note: ticket 2 }\n`));
  assert.equal(world.read('routes/policy.yaml').replace(/^.*evil\.example.*\n/m, ''), before, 'everything else stays');
  const block = rules.table().policy.blocked.find(({ domain }) => domain === 'evil.example');
  assert.equal(block?.untilMs, Date.parse(until));
  assert.ok(!rules.table().partners.has('new.example'));
  assert.deepEqual(world.accepted().differing, [NEW]);
  const off = await world.run('partner unblock', { target: 'EVIL.example', now: true });
  assert.equal(off.exit, 0, off.text);
  assert.equal(world.read('routes/policy.yaml'), before);
  assert.ok(!rules.table().policy.blocked.some(({ domain }) => domain === 'evil.example'));
});

test('block: users, addresses, twice, and a near miss', async () => {
  using world = new RulesWorld();
  await world.run('partner block', { target: 'Eve@Partner.Example' });
  await world.run('partner block', { target: '192.0.2.7', subdomains: false });
  assert.match(world.read('routes/policy.yaml'), /- \{ user: eve@partner\.example \}\n {2}- \{ address: 192\.0\.2\.7\/32 \}\n/);
  assert.match(
    (await world.run('partner block', { target: 'spam.example', subdomains: true, note: 'ticket 99' })).text,
    /is blocked already/,
  );
  await world.run('partner block', { target: 'spam.example', until: '2030-01-01T00:00:00Z' });
  assert.match(world.read('routes/policy.yaml'), /domain: spam\.example, subdomains: true, note: ticket 99, until: 2030-01-01T00:00:00Z/);
  assert.match((await world.run('partner unblock', { target: 'spam.exampel' })).text, /is not blocked\. Did you mean "spam\.example"\?/);
  assert.match((await world.run('partner unblock', { target: 'a.spam.example' })).text, /blocked by spam\.example with subdomains/);
});

test('pause and resume write and remove one line', async () => {
  using world = new RulesWorld();
  const rules = world.start();
  const path = 'routes/partners/partner.example.yaml';
  const before = world.read(path);
  const paused = await world.run('partner pause', { domain: 'conference.partner.example', until: '2030-01-01T00:00:00Z', now: true });
  assert.equal(paused.exit, 0, paused.text);
  assert.match(world.read(path), /^paused: \{ until: 2030-01-01T00:00:00Z, messages: hold \}$/m);
  assert.deepEqual(rules.table().partners.get('partner.example')?.paused, {
    untilMs: Date.parse('2030-01-01T00:00:00Z'),
    messages: 'hold',
  });
  await world.run('partner resume', { domain: 'partner.example', now: true });
  assert.equal(world.read(path), before);
  assert.equal(rules.table().partners.get('partner.example')?.paused, undefined);
  assert.match((await world.run('partner resume', { domain: 'partner.example' })).text, /is not paused/);
  const unknown = await world.run('partner pause', { domain: 'partner.exampel' });
  assert.equal(unknown.exit, 2);
  assert.match(unknown.text, /Did you mean "partner\.example"\?/);
});

test('partner remove takes the file away; with --now its people are no partners any more', async () => {
  using world = new RulesWorld();
  const rules = world.start();
  assert.match(
    (await world.run('partner remove', { domain: 'conference.partner.example' })).text,
    /is one of the domains of routes\/partners\/partner\.example\.yaml/,
  );
  const report = await world.run('partner remove', { domain: 'old.example', now: true });
  assert.equal(report.exit, 0, report.text);
  assert.match(report.text, /^-xmpp: \{ proof: dialback \}$/m);
  assert.ok(!existsSync(join(world.dir, 'routes/partners/old.example.yaml')));
  assert.ok(!rules.table().partners.has('old.example'));
  assert.equal((await world.run('undo')).exit, 0);
  assert.ok(existsSync(join(world.dir, 'routes/partners/old.example.yaml')));
});

test('partner remove does not leave roots behind that mean nothing', async () => {
  using world = new RulesWorld();
  mkdirSync(join(world.dir, 'certs/trust/partners/old.example'), { recursive: true });
  world.write('certs/trust/partners/old.example/README.md', 'words');
  const report = await world.run('partner remove', { domain: 'old.example' });
  assert.equal(report.exit, 2);
  assert.match(report.text, /has roots of its own .*--trust removes them too/);
  assert.equal((await world.run('partner remove', { domain: 'old.example', trust: true })).exit, 0);
});

test('partner list: states, last seen, unused, review; and the report as CSV', async () => {
  using world = new RulesWorld();
  await world.run('partner add', { domain: 'new.example', note: '=1+1, "quoted"', review: '2020-01-01' }, 'contract 5');
  await world.run('partner block', { target: 'old.example' });
  const hourAgo = world.clock.now() - 3_600_000;
  const record = {
    eventId: 'e',
    kind: 'im.sent',
    from: 'li@partner.example',
    to: 'nora@corp.example',
    network: 'xmpp',
    proof: 'certificate',
    allowed: true,
  } as const;
  world.store.decisions.note({ ...record, at: hourAgo });
  world.store.flush();
  const all = await world.run('partner list');
  assert.match(
    all.text,
    /^partner\.example \+1 +on +xmpp, sip +both, availability\+note +60 min ago +edge-team@corp\.example +2027-06-01$/m,
  );
  assert.match(all.text, /^old\.example +blocked /m);
  const unused = await world.run('partner list', { unused: '90d' });
  assert.doesNotMatch(unused.text, /^partner\.example/m);
  assert.match(unused.text, /^lync\.example .* never /m);
  assert.match((await world.run('partner list', { reviewDue: true })).text, /^new\.example .* 2020-01-01 due$/m);
  const csv = (await world.run('partner list', { csv: true })).text.split('\n');
  assert.match(
    csv[0]!,
    /^partner,domains,state,protocols,proof,messages,theySee,weSee,firstContact,owner,contact,since,approvedBy,why,reviewBefore,/,
  );
  const line = csv.find((one) => one.startsWith('new.example,'))!;
  assert.match(line, /,contract 5,2020-01-01,yes,,"'=1\+1, ""quoted""",routes\/partners\/new\.example\.yaml$/);
  assert.equal(csvCell('@x'), "'@x");
});

test('the report names who approved a partner whose file was written with an editor and applied', async () => {
  using world = new RulesWorld();
  await world.run('apply', {}, 'ticket 1');
  world.write('routes/partners/byhand.example.yaml', 'note: x\n');
  await world.run('apply', {}, 'ticket 2');
  world.write('routes/partners/byhand.example.yaml', 'note: changed\n');
  await world.run('apply', {}, 'ticket 3');
  const csv = (await world.run('partner list', { csv: true })).text.split('\n');
  const cells = (name: string): string[] => csv.find((one) => one.startsWith(`${name},`))!.split(',');
  const [since, by, why] = ['since', 'approvedBy', 'why'].map((head) => csv[0]!.split(',').indexOf(head)) as [number, number, number];
  assert.equal(cells('byhand.example')[why], 'ticket 2', 'who let it in, not who changed it last');
  assert.notEqual(cells('byhand.example')[by], '');
  assert.match(cells('byhand.example')[since]!, /^20\d\d-/);
  assert.equal(cells('lync.example')[why], 'ticket 1', 'what stood in the first set came with it');
});

test('partner show --effective: every value with the line it comes from', async () => {
  using world = new RulesWorld();
  const report = await world.run('partner show', { domain: 'conference.partner.example', effective: true });
  assert.equal(report.exit, 0, report.text);
  assert.match(report.text, /^allow\.theySee +\[availability, note\] +routes\/partners\/partner\.example\.yaml:5$/m);
  assert.match(report.text, /^limits\.messageSize +64KiB +routes\/policy\.yaml:9$/m);
  assert.match(report.text, /^sip\.queuedAnswer +202 +default$/m);
  assert.match(report.text, /^domains +\[partner\.example, conference\.partner\.example\] +routes\/partners\/partner\.example\.yaml:2$/m);
  assert.match(report.text, /last seen +never/);
  assert.equal((await world.run('partner show', { domain: 'nobody.example' })).exit, 2);
});
