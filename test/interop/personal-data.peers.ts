// Pictures, cards, nodes, bookmarks and the search for people, with clients on slixmpp and a real Isthmus.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { coreWorld, DOMAIN, PASSWORDS } from '../support/core-world.ts';
import { enterNamespace } from '../support/namespace.ts';
import { Profanity } from '../support/peers/profanity.ts';
import { until } from '../support/wait.ts';

const ADDRESS = '127.0.22.1';
const SCRIPT = fileURLToPath(new URL('../support/peers/slixmpp-personal.py', import.meta.url));
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const HASH = createHash('sha1').update(Buffer.from(PNG, 'base64')).digest('hex');

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('personal data of people of the core', { skip: noWorld });
} else {
  describe('personal data of people of the core', async () => {
    const { world, home } = await coreWorld({
      address: ADDRESS,
      clients: { xmpp: [`starttls://${ADDRESS}:5222`] },
    });
    await world.start(home.isthmus);

    world.scene('three people with slixmpp share what they want to share', async () => {
      const args = [SCRIPT, ADDRESS, world.rootsFile, PASSWORDS.nora, PASSWORDS.omar, PASSWORDS.li];
      const { stdout } = await promisify(execFile)('/usr/bin/python3', args, { timeout: 50_000 });
      const nora = `nora@${DOMAIN}`;
      assert.deepEqual(JSON.parse(stdout), {
        // The contact is told of the picture, and so is the own client; data, presence and card agree.
        told: [nora, HASH],
        own: [nora, HASH],
        data: HASH,
        hash: HASH,
        card: ['nora', HASH],
        // A client that comes later is told what was published last.
        late: [nora, HASH],
        // A picture in a card is on the node.
        converted: [`omar@${DOMAIN}`, HASH],
        nick: [nora, 'Norrie'],
        // Not a contact: refused where presence is asked for, answered where the node is open.
        stranger: 'not-authorized',
        devices: 1,
        precondition: 'conflict',
        // Bookmarks in the old storage are items of the node.
        bookmarks: [['room@rooms.example', 'true']],
        rooms: ['room@rooms.example'],
        search: [['directory/user'], [nora]],
        everybody: 'not-acceptable',
        account: [true, true],
      });
    });

    world.scene('two people with Profanity write encrypted: lists of devices and their keys are nodes', async () => {
      const profanity = (user: 'nora' | 'omar'): Profanity => {
        const person = new Profanity({
          ...{ folder: world.room(`profanity-${user}`), jid: `${user}@${DOMAIN}`, password: PASSWORDS[user], resource: 'terminal' },
          ...{ address: ADDRESS, rootsFile: world.rootsFile },
        });
        world.atEnd(() => person.close());
        return person;
      };
      const [nora, omar] = [profanity('nora'), profanity('omar')];
      for (const [user, person] of [
        ['nora', nora],
        ['omar', omar],
      ] as const) {
        await person.signIn();
        person.type('/omemo gen');
        await person.shows(/materials generated\. Your Device ID is/);
        person.type('/omemo trustmode blind');
        // Its own list comes back to it, as it has asked for.
        const own = new RegExp(`RECV: <message [^>]*from="${user}@.*axolotl\\.devicelist`);
        await until('the list of devices to be told', () => own.test(person.ownLog()) || undefined);
      }
      nora.type(`/msg omar@${DOMAIN}`);
      nora.type('/omemo start');
      await nora.shows(/\[OMEMO\]/);
      nora.type('nobody else reads this');
      await omar.shows(/nora@people\.example \(1\)/);
      omar.type('/win 2');
      await omar.shows(/nobody else reads this/);
      assert.match(omar.ownLog(), /RECV: <message .*<encrypted xmlns="eu\.siacs\.conversations\.axolotl"/);
    });

    world.scene('what is kept is sealed on disk', async () => {
      const data = join(home.folder, 'var');
      for (const name of readdirSync(data).filter((one) => one.startsWith('isthmus.db'))) {
        const bytes = readFileSync(join(data, name), 'latin1');
        for (const words of ['Norrie', 'The room', PNG]) assert.equal(bytes.includes(words), false, `${name}: ${words}`);
      }
    });
  });
}
