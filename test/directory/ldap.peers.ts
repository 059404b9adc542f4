// A directory that people come from, against OpenLDAP's slapd with the attribute names of Active Directory: rounds, groups,
// and the sign-in with its passwords.

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Attribute, Change } from 'ldapts';
import { signInOf, takeRound, watchDirectory } from '../../src/assembly/people/directory.ts';
import { loadHome } from '../../src/config/load.ts';
import { SILENT } from '../../src/log.ts';
import type { SignInFrom } from '../../src/model/core.ts';
import { openStore } from '../../src/store/store.ts';
import { PeopleHome } from '../ops/user/people-home.ts';
import { makeCa } from '../support/ca.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { enterNamespace } from '../support/namespace.ts';
import { BASE, ROOT_DN, ROOT_PASSWORD, startSlapd } from '../support/peers/slapd.ts';
import { until } from '../support/wait.ts';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('a directory', { skip: noWorld });
} else {
  describe('a directory', async () => {
    const ca = makeCa('Corp');
    const folder = mkdtempSync(join(tmpdir(), 'isthmus-slapd-'));
    const slapd = await startSlapd(folder, '127.0.0.1', ca.issue({ names: ['localhost'], ips: ['127.0.0.1'] }));
    after(async () => {
      await slapd.process.stop();
      rmSync(folder, { recursive: true });
    });
    const JPEG = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]);
    const PEOPLE = `ou=People,${BASE}`;
    const dn = (cn: string): string => `cn=${cn},${PEOPLE}`;
    await slapd.admin(async (client) => {
      await client.add(BASE, { objectClass: ['dcObject', 'organization'], dc: 'corp', o: 'Corp' });
      await client.add(PEOPLE, { objectClass: 'organizationalUnit', ou: 'People' });
      await client.add(dn('Nora Berg'), {
        objectClass: ['user'],
        instanceType: '4',
        nTSecurityDescriptor: 'x',
        objectCategory: dn('Nora Berg'),
        cn: 'Nora Berg',
        sn: 'Berg',
        userPrincipalName: 'Nora@corp.local',
        displayName: 'Nora Bérg',
        telephoneNumber: '+49 30 1',
        title: 'Head',
        userAccountControl: '512',
        userPassword: 'of nora',
      });
      await client.add(dn('omar'), {
        objectClass: 'inetOrgPerson',
        cn: 'omar',
        sn: 'Omar',
        uid: 'omar',
        mail: 'omar@people.example',
        userPassword: 'of omar',
      });
      await client.modify(dn('omar'), new Change({ operation: 'add', modification: new Attribute({ type: 'jpegPhoto', values: [JPEG] }) }));
      await client.add(dn('stray'), { objectClass: 'inetOrgPerson', cn: 'stray', sn: 'x', uid: 'x@elsewhere.example' });
      await client.add(`cn=Traders\\, North,${BASE}`, { objectClass: 'groupOfNames', cn: 'Traders, North', member: dn('Nora Berg') });
    });

    const homeFiles = (url: string): Record<string, string> => ({
      'people/directory.yaml': [
        'ldap:',
        `  url: ${url}`,
        `  bindDn: "${ROOT_DN}"`,
        '  password: { secret: directory }',
        `  base: "${PEOPLE}"`,
        '  domains: { corp.local: people.example }',
        'signIn: ldap',
        '',
      ].join('\n'),
      'routes/policy.yaml': `groups:\n  traders: { ldap: "(memberOf=cn=Traders\\\\5c2C North,${BASE})" }\n`,
      'certs/trust/inside/corp.pem': ca.rootPem + ca.issuingPem,
    });
    const home = new PeopleHome(homeFiles('ldaps://127.0.0.1'));
    home.write('secrets/directory', `${ROOT_PASSWORD}\n`);
    chmodSync(join(home.dir, 'secrets/directory'), 0o600);
    const loaded = loadHome(home.dir);
    assert.ok(loaded.ok, JSON.stringify(loaded.faults));
    const { home: settings, table } = loaded;
    const clock = new ManualClock();
    after(() => home[Symbol.dispose]());
    const from: SignInFrom = { face: 'xmpp', address: '192.0.2.1', connection: 'c' };
    const NORA = { local: 'nora', domain: 'people.example' };
    const modify = (name: string, type: string, values: string[]): Promise<void> =>
      slapd.admin((client) => client.modify(dn(name), new Change({ operation: 'replace', modification: new Attribute({ type, values }) })));

    test('user import --ldap over TLS: a dry run, then people with their fields, photo and groups; strays are told', async () => {
      const dry = await home.run('user import', { ldap: true, dryRun: true });
      assert.match(dry.text, /nora@people\.example would be added/);
      assert.equal(((await home.run('user list')).json as { total: number }).total, 0);
      const done = await home.run('user import', { ldap: true });
      assert.match(done.text, /2 users in the directory: 2 added, 0 changed, 0 disabled, 0 enabled, 1 left out/);
      assert.match(done.text, /left out, cn=stray.*elsewhere\.example is not served: core/);
      const shown = await home.run('user show', { address: 'nora@people.example' });
      assert.match(
        shown.text,
        /name +Nora Bérg[\s\S]*phone +\+49 30 1[\s\S]*title +Head\n +groups +Traders, North[\s\S]*directory +cn=Nora Berg/,
      );
      assert.match((await home.run('user show', { address: 'omar@people.example' })).text, /photo +image\/jpeg, 7 bytes/);
      assert.deepEqual(JSON.parse(readFileSync(join(home.dir, 'var/directory/groups.json'), 'utf8')), { traders: ['nora@people.example'] });
      const again = loadHome(home.dir);
      assert.deepEqual(again.ok && [...(again.table.policy.groups.get('traders') ?? [])], ['nora@people.example']);
    });

    test('the process follows: changed, disabled, enabled, gone; what an operator switched off stays off', async () => {
      const store = openStore({ folder: join(home.dir, 'var'), clock, mode: 'visit' });
      const told: Readonly<Record<string, unknown>>[] = [];
      const line = (fields: Readonly<Record<string, unknown>>): void => void told.push(fields);
      const groups: unknown[] = [];
      const watch = watchDirectory({
        ...{ home: () => settings, table: () => table, store, clock, log: { ...SILENT, info: line, warn: line } },
        groupsChanged: (now) => groups.push([...(now.get('traders') ?? [])]),
      });
      const nora = async () => (await store.people.get('nora@people.example'))!;
      const round = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
        await until(what, async () => {
          clock.advance(settings.people.directory!.refreshMs);
          await new Promise((done) => setTimeout(done, 20));
          return holds();
        });
      };
      try {
        await modify('Nora Berg', 'title', ['Chair']);
        await modify('Nora Berg', 'whenChanged', ['20260101000000.0Z']);
        // The groups are told once the people are written.
        await round('the new title', async () => (await nora()).title === 'Chair' && groups.length > 0);
        assert.deepEqual(groups[0], ['nora@people.example']);
        await modify('Nora Berg', 'userAccountControl', ['514']);
        const isTold = (): boolean => told.some(({ event, user }) => event === 'user.disabled' && user === 'nora@people.example');
        await round('disabled, and told', async () => (await nora()).disabled && isTold());
        await modify('Nora Berg', 'userAccountControl', ['512']);
        await round('enabled', async () => !(await nora()).disabled);

        await home.run('user disable', { address: 'nora@people.example' });
        await modify('Nora Berg', 'title', ['Founder']);
        await modify('Nora Berg', 'whenChanged', ['20260102000000.0Z']);
        await round('the title after', async () => (await nora()).title === 'Founder');
        assert.equal((await nora()).disabled, true);
        await home.run('user enable', { address: 'nora@people.example' });

        await slapd.admin((client) => client.del(dn('omar')));
        await round('gone', async () => (await store.people.get('omar@people.example'))?.disabled === true);
      } finally {
        watch.stop();
        store.close();
      }
    });

    test("the directory's password signs in by PLAIN, a device's by every mechanism, and nothing else", async () => {
      const store = openStore({ folder: join(home.dir, 'var'), clock, mode: 'visit' });
      try {
        const signIn = signInOf({ home: () => settings, store, clock, log: SILENT, secret: Buffer.from('x') });
        assert.equal((await signIn.password(NORA, 'of nora', from)).ok, true);
        assert.equal((await signIn.password(NORA, 'of omar', from)).ok, false);
        assert.equal((await signIn.password(NORA, '', from)).ok, false);
        const decoy = (await signIn.scram(NORA, 'SHA-256')).salt;
        const { json } = await home.run('user password', { address: 'nora@people.example', device: 'phone', generate: true });
        assert.equal((await signIn.password(NORA, (json as { password: string }).password, from)).ok, true);
        assert.notDeepEqual((await signIn.scram(NORA, 'SHA-256')).salt, decoy);
        const main = await home.run('user password', { address: 'nora@people.example', generate: true });
        assert.match(main.text, /directory/);
        assert.equal(main.exit, 2);
        for (let i = 0; i < 10; i += 1) await signIn.finish(NORA, false, from);
        const locked = await signIn.password(NORA, 'of nora', from);
        assert.equal(!locked.ok && locked.reason.code, 'LIMIT_SIGN_IN');
      } finally {
        store.close();
      }
    });

    test('most users gone at once is a fault of the directory: nobody is disabled, and it is told', async () => {
      await slapd.admin(async (client) => {
        for (let i = 0; i < 12; i += 1) await client.add(dn(`u${i}`), { objectClass: 'inetOrgPerson', cn: `u${i}`, sn: 'x', uid: `u${i}` });
      });
      const store = openStore({ folder: join(home.dir, 'var'), clock, mode: 'visit' });
      try {
        const round = (filter: string) =>
          takeRound({
            ...{ dir: home.dir, data: join(home.dir, 'var'), store, clock, table, full: false, dryRun: false },
            settings: { ...settings.people.directory!, filter },
          });
        assert.equal((await round('(objectClass=person)')).added.length, 12);
        const { spared, disabled } = await round('(uid=u1)');
        assert.deepEqual([spared, disabled], [12, []]);
        const few = await round('(|(objectClass=user)(uid=u1*))');
        assert.equal(few.spared, 0);
        assert.deepEqual(
          few.disabled,
          [0, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => `u${i}@people.example`),
        );
      } finally {
        store.close();
      }
    });

    test('a server that our roots do not know is not believed, and nobody changes; STARTTLS is', async () => {
      const store = openStore({ folder: join(home.dir, 'var'), clock, mode: 'visit' });
      try {
        const round = (url: 'ldaps' | 'ldap', host: string): Promise<unknown> =>
          takeRound({
            ...{ dir: home.dir, data: join(home.dir, 'var'), store, clock, table, full: true, dryRun: true },
            settings: { ...settings.people.directory!, servers: [{ scheme: url, host, port: url === 'ldap' ? 389 : 636 }] },
          });
        await round('ldap', '127.0.0.1');
        home.write('certs/trust/inside/corp.pem', makeCa('Other').rootPem);
        for (const scheme of ['ldaps', 'ldap'] as const)
          await assert.rejects(round(scheme, '127.0.0.1'), /could not be asked: .*certificate/i);
        const failed = await home.run('user import', { ldap: true });
        assert.deepEqual([failed.exit, /could not be asked/.test(failed.text)], [2, true]);
      } finally {
        store.close();
      }
    });
  });
}
