// The archive at the border, where the core is not used: Kamailio inside, Prosody outside. What passes in either direction is one
// line each, as it went on; with blockOnFailure nothing passes that cannot be archived, and both senders are told. Beside it a
// domain of the core: its users among themselves, with the SIP server, and with the partner.

import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { importPeople } from '../support/core-world.ts';
import { Home } from '../support/home.ts';
import { enterNamespace } from '../support/namespace.ts';
import {
  certificateOf,
  EDGE,
  INSIDE,
  organisation,
  records,
  sipUser,
  startKamailio,
  startProsody,
  xmppUser,
} from '../support/organisations.ts';
import { header, status } from '../support/sip-message.ts';
import { World } from '../support/world.ts';
import { conditionOf } from '../support/xmpp-user.ts';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('the archive at the border', { skip: noWorld });
} else {
  describe('the archive at the border', async () => {
    const CORP = organisation('corp.test', '127.0.2.1', 'nora', 'omar');
    const PROSODY = organisation('prosody.test', '127.0.3.1', 'juliet');
    const PEOPLE = organisation('people.test', '127.0.9.1', 'li', 'kim');
    const world = await World.open(records([PROSODY], [], [CORP.domain, PEOPLE.domain], [CORP, PEOPLE]));
    const good = (of: typeof CORP) => certificateOf(world, of);
    const folder = world.room('home');
    const home = new Home(folder, {
      isthmus: {
        edge: { host: EDGE.host, sip: `tls://${EDGE.address}:5061`, xmpp: `starttls://${EDGE.address}:5269` },
        inside: { host: INSIDE.host, sip: `tls://${INSIDE.address}:5061` },
        clients: { xmpp: [`starttls://${PEOPLE.address}:5222`] },
      },
      domains: {
        [CORP.domain]: { served: 'sip', nextHop: `tls://${CORP.host}:5061`, acceptFrom: CORP.host },
        [PEOPLE.domain]: { served: 'core' },
      },
      partners: { [PROSODY.domain]: { prefer: 'xmpp', allowPrivateAddresses: true } },
      own: { corp: world.certificate({ names: [CORP.domain, PEOPLE.domain, EDGE.host, INSIDE.host] }) },
      trustEdge: { world: world.ca.rootPem },
      trustInside: { world: world.ca.rootPem },
    });
    const rules = `users: { omar@${CORP.domain}: { external: false } }\neveryone: { external: true }\n`;
    home.file('records/archive.yaml', rules);
    home.file('routes/filters.yaml', 'disclaimer: { text: Messages with us are archived. }\n');
    await importPeople(home, PEOPLE.domain, PEOPLE.users);
    const through = { kind: 'through', host: INSIDE.host, port: 5061, transport: 'tls' } as const;
    await Promise.all([
      startKamailio(world, CORP, good(CORP), through, [CORP.domain]),
      startProsody(world, PROSODY, good(PROSODY)),
      world.start(home.isthmus),
    ]);
    const nora = await sipUser(world, CORP, 'nora');
    const omar = await sipUser(world, CORP, 'omar');
    const juliet = await xmppUser(world, PROSODY, 'juliet');

    const archived = async (...words: readonly string[]): Promise<string[]> => {
      const { out, code } = await home.command('archive', 'list', '--why', 'a test', '--json', ...words);
      assert.equal(code, 0, out);
      // What the command prints for programs.
      const { lines } = JSON.parse(out) as { lines: { scope: string; from: string; to: string; body: string }[] };
      return lines.map(({ scope, from, to, body }) => `${scope} ${from} > ${to}: ${body}`);
    };

    world.scene('what cannot be archived is refused in the words of both protocols, and passes once it can', async () => {
      home.file('records/archive.yaml', `${rules}blockOnFailure: true\n`);
      await home.reload();
      const key = join(folder, 'var/records.key');
      mkdirSync(key); // nothing was archived yet, and now no key can be made
      const answer = await nora.message(juliet.jid, 'not archived');
      assert.equal(status(answer), 480);
      assert.match(header(answer, 'warning'), /STORE_NOT_ARCHIVED|archived/);
      await juliet.write(nora.aor, 'not archived either');
      assert.equal(conditionOf(await juliet.message(nora.aor, (stanza) => stanza.attrs.type === 'error', 20_000)), 'resource-constraint');
      await home.logged('archive.failed', juliet.jid, 'records.key');
      const { out, code } = await home.command('archive', 'status');
      assert.deepEqual([code, /FAILS .*records\.key/.test(out)], [1, true], out);
      assert.deepEqual([nora.messages.waiting(), juliet.messages.waiting()], [[], []]);

      rmdirSync(key);
      assert.equal(status(await nora.message(juliet.jid, 'hello')), 200);
      assert.match((await juliet.message(nora.aor)).getChildText('body') ?? '', /^hello\n\nMessages with us are archived\.$/);
      await juliet.write(nora.aor, 'hello back');
      assert.equal((await nora.messageFrom(juliet.jid)).body, 'hello back');
      assert.deepEqual(await archived(), [
        `external ${nora.aor} > ${juliet.jid}: hello\n\nMessages with us are archived.`,
        `external ${juliet.jid} > ${nora.aor}: hello back`,
      ]);
      assert.equal((await home.command('archive', 'status')).code, 0);
    });

    world.scene('whom the file leaves out has no line, until a hold says otherwise', async () => {
      assert.equal(status(await omar.message(juliet.jid, 'between us')), 200);
      await juliet.message(omar.aor);
      assert.deepEqual(await archived('--user', omar.aor), []);
      assert.equal((await home.command('hold', 'add', '4711', '--who', omar.aor, '--why', 'a letter')).code, 0);
      await juliet.write(omar.aor, 'held');
      await omar.messageFrom(juliet.jid);
      assert.deepEqual(await archived('--user', omar.aor), [`external ${juliet.jid} > ${omar.aor}: held`]);
      const { out } = await home.command('archive', 'status', omar.aor);
      assert.match(out, /not archived \(records\/archive\.yaml:\d\); held, so all of it: 4711/);
      const { out: audit } = await home.command('audit', 'list');
      assert.match(audit, /hold add/);
      assert.match(audit, /archive list[\s\S]*a test/);
    });

    world.scene('users of the core: what they say to each other, and to others, is one line each', async () => {
      home.file('records/archive.yaml', `${rules}domains: { ${PEOPLE.domain}: { internal: true } }\n`);
      await home.reload();
      const [li, kim] = [await xmppUser(world, PEOPLE, 'li'), await xmppUser(world, PEOPLE, 'kim')];
      await li.write(kim.jid, 'among us');
      await kim.message(li.jid);
      await li.write(nora.aor, 'to the SIP server');
      assert.equal((await nora.messageFrom(li.jid)).body, 'to the SIP server');
      assert.equal(status(await nora.message(li.jid, 'from the SIP server')), 200);
      await li.message(nora.aor);
      await li.write(juliet.jid, 'to the partner');
      await juliet.message(li.jid);
      await juliet.write(li.jid, 'from the partner');
      await li.message(juliet.jid);
      assert.deepEqual(await archived('--user', li.jid), [
        `internal ${li.jid} > ${kim.jid}: among us`,
        `internal ${li.jid} > ${nora.aor}: to the SIP server`,
        `internal ${nora.aor} > ${li.jid}: from the SIP server`,
        `external ${li.jid} > ${juliet.jid}: to the partner\n\nMessages with us are archived.`,
        `external ${juliet.jid} > ${li.jid}: from the partner`,
      ]);
    });

    world.scene('words are found, and a program that is killed has lost no line of what it took', async () => {
      for (let i = 0; i < 5; i += 1) assert.equal(status(await nora.message(juliet.jid, `number ${i}`)), 200);
      const { out } = await home.command('archive', 'search', 'NUMBER', '3', '--why', 'a test', '--json');
      assert.match(out, /number 3/);
      await home.isthmus.kill();
      const lines = await archived('--user', nora.aor);
      assert.deepEqual(
        lines.filter((line) => line.includes('number')).map((line) => line.slice(-1)),
        ['0', '1', '2', '3', '4'],
      );
    });
  });
}
