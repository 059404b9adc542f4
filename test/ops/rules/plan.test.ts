import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecisionRecord } from '../../../src/model/stores.ts';
import { RulesWorld } from './world.ts';

const LI = 'li@partner.example';
const NORA = 'nora@corp.example';

function note(world: RulesWorld, more: Partial<DecisionRecord>, daysAgo = 1): void {
  const at = world.clock.now() - daysAgo * 86_400_000;
  world.store.decisions.note({
    at,
    eventId: `e${Math.random()}`,
    kind: 'im.sent',
    from: LI,
    to: NORA,
    network: 'xmpp',
    proof: 'certificate',
    allowed: true,
    ...more,
  });
}

function edit(world: RulesWorld, path: string, from: string, to: string): void {
  const text = world.read(path);
  assert.ok(text.includes(from), `${from} in ${path}`);
  world.write(path, text.replace(from, to));
}

test('plan says key by key what would change, with the line of both', async () => {
  using world = new RulesWorld();
  await world.run('apply');
  edit(world, 'routes/partners/partner.example.yaml', 'theySee: [availability, note]', 'theySee: [availability]');
  edit(world, 'isthmus.yaml', 'tls://203.0.113.5:5061', 'tls://203.0.113.5:5062');
  world.write('routes/partners/new.example.yaml', '');
  const report = await world.run('plan');
  assert.equal(report.exit, 0, report.text);
  assert.match(report.text, /^ {2}\+ partner new\.example \(routes\/partners\/new\.example\.yaml:1\)$/m);
  assert.match(
    report.text,
    /^ {2}~ partner partner\.example: allow\.theySee: \[availability, note\] \(routes\/partners\/partner\.example\.yaml:5\) -> \[availability\] \(routes\/partners\/partner\.example\.yaml:5\)$/m,
  );
  assert.match(report.text, /isthmus\.yaml: edge\.sip: .*5061.* -> .*5062.*with the next start$/m);
});

test('plan asks the decisions on record again: who would be cut off, by which line; exit 1', async () => {
  using world = new RulesWorld();
  // Without the tests inside, which would refuse such a set.
  world.write('routes/policy.yaml', world.read('routes/policy.yaml').replace(/^tests:.*/ms, ''));
  await world.run('apply');
  for (let n = 0; n < 3; n++) note(world, {});
  note(world, { from: 'ann@old.example', proof: 'dialback' });
  note(world, {}, 20);
  world.store.flush();
  edit(world, 'routes/partners/partner.example.yaml', 'messages: both', 'messages: toThem');
  const report = await world.run('plan');
  assert.equal(report.exit, 1, report.text);
  assert.match(report.text, /4 decisions of the last 7 days asked again/);
  assert.match(report.text, /would be cut off: 1 pair\n {4}li@partner\.example -> nora@corp\.example {2}messages, 3 times/);
  assert.match(
    report.text,
    /now allowed \(routes\/partners\/partner\.example\.yaml:5\); then refused POLICY_MESSAGES_OFF \(routes\/partners\/partner\.example\.yaml:5\)/,
  );
  assert.match((await world.run('plan', { days: 30 })).text, /5 decisions .*\n.*\n.*messages, 4 times/);
});

test('plan: who would be newly allowed, and a stranger who is known is no stranger', async () => {
  using world = new RulesWorld();
  world.write('routes/policy.yaml', world.read('routes/policy.yaml').replace(/^tests:.*/ms, ''));
  await world.run('apply');
  note(world, { from: 'zoe@new.example', allowed: false, code: 'POLICY_PARTNER_UNLISTED' });
  note(world, {});
  await world.store.requests.learn(NORA, LI);
  world.store.flush();
  world.write('routes/partners/new.example.yaml', '');
  edit(world, 'routes/partners/partner.example.yaml', 'firstContact: anyone', 'firstContact: localUserInvites');
  const report = await world.run('plan');
  assert.equal(report.exit, 0, report.text);
  assert.match(report.text, /would be newly allowed: 1 pair\n {4}zoe@new\.example -> nora@corp\.example/);
  assert.doesNotMatch(report.text, /cut off/);
});

test('plan with a fault is exit 2; without a change, or before the first set, it says so', async () => {
  using world = new RulesWorld();
  assert.match((await world.run('plan')).text, /nothing is in force yet/);
  await world.run('apply');
  assert.match((await world.run('plan')).text, /^nothing to do: the files are set 1/);
  world.write('routes/partners/new.example.yaml', 'nte: 1\n');
  assert.equal((await world.run('plan')).exit, 2);
});

test('comments and notes change no rule', async () => {
  using world = new RulesWorld();
  await world.run('apply');
  world.write('routes/partners/old.example.yaml', `# moved\n${world.read('routes/partners/old.example.yaml')}`);
  assert.match((await world.run('plan')).text, /no rule changes: notes, comments/);
});
