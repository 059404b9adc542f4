// What two people say with slixmpp stands in their archives after a kill, page by page, and in no file as it was said.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { coreWorld, DOMAIN } from '../support/core-world.ts';
import { enterNamespace } from '../support/namespace.ts';

const ADDRESS = '127.0.9.1';
const PASSWORDS = { nora: 'n0ra-secret', omar: '0mar-secret' } as const;
const SCRIPT = fileURLToPath(new URL('../support/peers/slixmpp-archive.py', import.meta.url));

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('histories of people of the core', { skip: noWorld });
} else {
  describe('histories of people of the core', async () => {
    const { world, home } = await coreWorld({
      address: ADDRESS,
      clients: { xmpp: [`starttls://${ADDRESS}:5222`] },
      passwords: PASSWORDS,
    });
    await world.start(home.isthmus);

    const people = async (what: 'talk' | 'read'): Promise<unknown> => {
      const args = [SCRIPT, what, ADDRESS, world.rootsFile, PASSWORDS.nora, PASSWORDS.omar];
      const { stdout } = await promisify(execFile)('/usr/bin/python3', args, { timeout: 40_000 });
      return JSON.parse(stdout);
    };
    const said = Array.from({ length: 7 }, (_, i) => [`to omar ${i}`, `to nora ${i}`]).flat();
    let ids: unknown;

    world.scene('two people talk, and each message has the id of its line', async () => {
      ids = await people('talk');
      assert(Array.isArray(ids) && new Set(ids).size === said.length);
    });

    world.scene('after a kill both read all of it, forward and from the end', async () => {
      await home.isthmus.kill();
      await home.isthmus.start();
      assert(Array.isArray(ids));
      const lines = ids.map((id, i) => [id, said[i]]);
      assert.deepEqual(await people('read'), [lines, [...lines].reverse()]);
    });

    world.scene('an operator finds it by words beside the running process, and it stands in no file as it was said', async () => {
      const found = await home.command('user', 'history', `nora@${DOMAIN}`, '--find', 'OMAR 3', '--why', 'case 4711');
      assert.match(found.out, /-> {2}omar@people\.example: to omar 3\n\n1 message of nora@/);
      const data = join(home.folder, 'var');
      for (const name of readdirSync(data).filter((one) => one.startsWith('isthmus.db')))
        assert.equal(readFileSync(join(data, name), 'latin1').includes('to omar 3'), false, name);
    });
  });
}
