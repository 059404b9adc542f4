// The journal mailbox with a real mail server: what two people say arrives as mails over TLS, also when the mail server or
// Isthmus is killed in between; and never over a connection that is not proven.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeCa } from '../support/ca.ts';
import { coreWorld, DOMAIN } from '../support/core-world.ts';
import { enterNamespace } from '../support/namespace.ts';
import { mailServer } from '../support/peers/mail-server.ts';
import { until } from '../support/wait.ts';

const ADDRESS = '127.0.9.1';
const MAIL = { host: 'mail.people.example', address: '127.0.9.2', port: 587 } as const;
const PASSWORDS = { nora: 'n0ra-secret', omar: '0mar-secret' } as const;
const SCRIPT = fileURLToPath(new URL('../support/peers/slixmpp-archive.py', import.meta.url));
/** What the script has them say, each time. */
const SAID = Array.from({ length: 7 }, (_, i) => [`to omar ${i}`, `to nora ${i}`]).flat();

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('the journal mailbox', { skip: noWorld });
} else {
  describe('the journal mailbox', async () => {
    const inside = makeCa('Inside Only');
    const { world, home } = await coreWorld({
      address: ADDRESS,
      clients: { xmpp: [`starttls://${ADDRESS}:5222`] },
      passwords: PASSWORDS,
      hosts: { [MAIL.host]: MAIL.address },
      files: {
        'records/archive.yaml': [
          'everyone: { internal: true }',
          `journal: { server: "starttls://${MAIL.host}:${MAIL.port}", from: isthmus@${DOMAIN}, to: journal@${DOMAIN}, user: isthmus, password: { secret: smtp } }`,
          '',
        ].join('\n'),
      },
      secrets: { smtp: 'mail-secret' },
      trustInside: { inside: inside.rootPem },
    });
    const good = world.certificate({ names: [MAIL.host] }, inside);
    const wrong = world.certificate({ names: [MAIL.host] }, makeCa('Nobody We Know'));
    const server = (name: string, pair: typeof good) =>
      mailServer(world.room(name), MAIL.address, MAIL.port, pair, 'isthmus', 'mail-secret');
    const mail = server('mail', good);
    await world.start(mail.process);
    await world.start(home.isthmus);

    const talk = (): Promise<unknown> =>
      promisify(execFile)('/usr/bin/python3', [SCRIPT, 'talk', ADDRESS, world.rootsFile, PASSWORDS.nora, PASSWORDS.omar], {
        timeout: 40_000,
      });
    const idsOf = (mails: readonly string[]): string[] =>
      mails.map((one) => /^Message-ID: <(.+)@edge\.people\.example>\r?$/m.exec(one)?.[1] ?? '');
    const have = (count: number): Promise<unknown> =>
      until(`${count} different mails`, () => new Set(idsOf(mail.mails())).size === count, 60_000);

    world.scene('what two people say arrives in order, over TLS, to the mailbox of the file', async () => {
      await talk();
      await have(SAID.length);
      const [first, ...more] = mail.mails();
      assert.match(first ?? '', /^X-Envelope: isthmus@people\.example journal@people\.example\r?\n/);
      assert.match(first ?? '', /^From: <nora@people\.example>\r?\nTo: <omar@people\.example>\r?$/m);
      assert.match(first ?? '', /^X-Isthmus-Scope: internal\r?$/m);
      assert.deepEqual(
        [first, ...more].map((one) => SAID.find((words) => one?.includes(`\n${words}\r\n`) || one?.includes(`\n${words}\n`))),
        SAID,
      );
    });

    world.scene('a mail server that is away for a while gets everything afterwards', async () => {
      await mail.process.kill();
      await talk();
      await until('the failure', () => home.log().some(({ event }) => event === 'journal.failed'), 30_000);
      const { code, out } = await home.command('archive', 'status');
      assert.equal(code, 1);
      assert.match(out, /journal +to journal@people\.example: 14 sent since the start, about 14 lines behind, .*; FAILS for /);
      await mail.process.start();
      await have(2 * SAID.length);
    });

    world.scene('killed while it sends, it goes on where it was; a mail that comes twice is the same mail', async () => {
      await mail.process.kill();
      await talk();
      await home.isthmus.kill();
      await mail.process.start();
      await home.isthmus.start();
      await until('the first mails', () => mail.mails().length > 2 * SAID.length, 30_000);
      await home.isthmus.kill();
      await home.isthmus.start();
      await have(3 * SAID.length);
      const byId = new Map<string, string>();
      for (const [index, id] of idsOf(mail.mails()).entries()) {
        const text = mail.mails()[index] ?? '';
        assert.equal(byId.get(id) ?? text, text);
        byId.set(id, text);
      }
    });

    world.scene('nothing is said to a server that cannot prove its name', async () => {
      await mail.process.kill();
      const thief = server('thief', wrong);
      await world.start(thief.process);
      const mark = home.isthmus.logSize();
      await talk();
      await until('the failure', () => home.log(mark).some(({ event }) => event === 'journal.failed'), 30_000);
      assert.deepEqual(thief.mails(), []);
      await thief.process.kill();
      await mail.process.start();
      await have(4 * SAID.length);
    });
  });
}
