import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { test } from 'node:test';
import { credentialsOf, PasswordSignIn, saltsOf } from '../../../src/core/sign-in/sign-in.ts';
import { digestHa1, scramKeys } from '../../../src/core/sign-in/verifiers.ts';
import { SILENT } from '../../../src/log.ts';
import type { Person, SignInFrom } from '../../../src/model/core.ts';
import { tempStore } from '../../store/temp-store.ts';

const NORA = { local: 'nora', domain: 'people.example' };
const FROM: SignInFrom = { face: 'xmpp', address: '192.0.2.7', connection: 'c1' };

/** scrypt is slow by design: once is enough. */
const credentials = credentialsOf({ address: NORA, name: 'Nora', disabled: false, groups: [], createdAt: 0 }, 'open sesame', 0);

async function world(more: Partial<Person> = {}) {
  const temp = tempStore();
  const person: Person = { address: NORA, name: 'Nora', disabled: false, groups: [], createdAt: temp.clock.now(), ...more };
  const { people } = temp.store;
  await people.put(person);
  await people.putCredentials('nora@people.example', '', await credentials);
  const signIn = new PasswordSignIn({ people, clock: temp.clock, log: SILENT, secret: Buffer.from('secret of the home') });
  return { temp, people, person, signIn };
}

test('SCRAM keys are those of RFC 5802 §5 and RFC 7677 §3', async () => {
  // The exchanges printed there, as StoredKey and ServerKey of user `user`, password `pencil`.
  for (const [hash, salt, proof, auth] of [
    [
      'SHA-1',
      'QSXCR+Q6sek8bf92',
      'v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
      'n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j',
    ],
    [
      'SHA-256',
      'W22ZaJ0SNY7soEsUEjb6gQ==',
      'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
      'n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    ],
  ] as const) {
    const { storedKey } = await scramKeys(hash, 'pencil', Buffer.from(salt, 'base64'), 4096);
    const digest = hash === 'SHA-1' ? 'sha1' : 'sha256';
    const signature = createHmac(digest, storedKey).update(auth).digest();
    const clientKey = Buffer.from(proof, 'base64').map((octet, index) => octet ^ signature[index]!);
    assert.deepEqual(createHash(digest).update(clientKey).digest(), Buffer.from(storedKey), hash);
  }
});

test('HA1 is that of RFC 7616 §3.9.1', () => {
  const digest = (algorithm: 'MD5' | 'SHA-256'): string => digestHa1(algorithm, 'Mufasa', 'http-auth@example.org', 'Circle of Life');
  const hash = algorithmHash('md5');
  assert.equal(digest('MD5'), hash('Mufasa:http-auth@example.org:Circle of Life'));
  assert.equal(digest('SHA-256'), algorithmHash('sha256')('Mufasa:http-auth@example.org:Circle of Life'));
});
const algorithmHash = (name: string) => (text: string) => createHash(name).update(text).digest('hex');

test('the right password signs in, a wrong one, a disabled user and an unknown one hear the same', async () => {
  const { temp, people, person, signIn } = await world();
  const good = await signIn.password(NORA, 'open sesame', FROM);
  assert.equal(good.ok && good.person.name, 'Nora');
  const wrong = await signIn.password(NORA, 'open barley', FROM);
  const unknown = await signIn.password({ local: 'nobody', domain: 'people.example' }, 'open sesame', FROM);
  await people.put({ ...person, disabled: true });
  const disabled = await signIn.password(NORA, 'open sesame', FROM);
  assert.equal(wrong.ok, false);
  assert.deepEqual(unknown, wrong);
  assert.deepEqual(disabled, wrong);
  await temp[Symbol.asyncDispose]();
});

test('a SIP client that writes the whole address as its user name signs in like one that writes the name', async () => {
  const { temp, signIn } = await world();
  for (const algorithm of ['MD5', 'SHA-256'] as const) {
    const { ha1s } = await signIn.digest(NORA, NORA.domain, algorithm);
    for (const username of ['nora', 'nora@people.example'])
      assert.ok(ha1s.includes(digestHa1(algorithm, username, NORA.domain, 'open sesame')), `${algorithm} ${username}`);
  }
  await temp[Symbol.asyncDispose]();
});

test('a challenge for nobody looks like one for somebody, and is the same each time', async () => {
  const { temp, signIn } = await world();
  const nobody = { local: 'nobody', domain: 'people.example' };
  const [real, first, second] = [
    await signIn.scram(NORA, 'SHA-256'),
    await signIn.scram(nobody, 'SHA-256'),
    await signIn.scram(nobody, 'SHA-256'),
  ];
  assert.deepEqual(first, second);
  assert.deepEqual([first.salt.length, first.iterations, first.keys.length], [real.salt.length, real.iterations, real.keys.length]);
  assert.notDeepEqual(first.salt, real.salt);
  assert.equal((await signIn.digest(nobody, 'people.example', 'SHA-256')).ha1s[0]?.length, 64);
  await temp[Symbol.asyncDispose]();
});

test('ten failures lock a user out, also with the right password, and only for a while', async () => {
  const { temp, signIn } = await world();
  for (let i = 0; i < 10; i += 1) await signIn.finish(NORA, false, FROM);
  const locked = await signIn.finish(NORA, true, FROM);
  assert.equal(!locked.ok && locked.reason.code, 'LIMIT_SIGN_IN');
  temp.clock.advance(15 * 60_000);
  assert.equal((await signIn.finish(NORA, true, FROM)).ok, true);
  await temp[Symbol.asyncDispose]();
});

test('a password for a device signs in beside the main one, and can be taken away alone', async () => {
  const { temp, people, person, signIn } = await world();
  const key = 'nora@people.example';
  await people.putCredentials(
    key,
    'phone',
    await credentialsOf(person, 'phone only', temp.clock.now(), saltsOf(await people.credentials(key))),
  );
  const verifier = await signIn.scram(NORA, 'SHA-256');
  assert.equal(verifier.keys.length, 2);
  for (const password of ['open sesame', 'phone only']) {
    const salted = pbkdf2Sync(password, verifier.salt, verifier.iterations, 32, 'sha256');
    const stored = createHash('sha256').update(createHmac('sha256', salted).update('Client Key').digest()).digest();
    assert.ok(
      verifier.keys.some((one) => stored.equals(one.storedKey)),
      password,
    );
  }
  assert.equal((await signIn.password(NORA, 'phone only', FROM)).ok, true);
  await people.putCredentials(key, 'phone', []);
  assert.equal((await signIn.password(NORA, 'phone only', FROM)).ok, false);
  assert.equal((await signIn.password(NORA, 'open sesame', FROM)).ok, true);
  await temp[Symbol.asyncDispose]();
});

test('what is kept of a password does not hold it, and opens for no other user', async () => {
  const { temp, people } = await world();
  await people.put({ address: { local: 'omar', domain: 'people.example' }, name: 'Omar', disabled: false, groups: [], createdAt: 0 });
  const kept = await people.credentials('nora@people.example');
  assert.equal(kept.length, 5);
  assert.ok(kept.every(({ data }) => !Buffer.from(data).includes('open sesame')));
  await temp[Symbol.asyncDispose]();
});

test('a wrong password costs the same for somebody with many devices, with one, and for nobody', async () => {
  const { temp, people, signIn } = await world();
  for (let device = 0; device < 15; device++) await people.putCredentials('nora@people.example', `device ${device}`, await credentials);
  const li: Person = { address: { ...NORA, local: 'li' }, name: 'Li', disabled: false, groups: [], createdAt: 0 };
  await people.put(li);
  await people.putCredentials('li@people.example', '', await credentials);
  const cost = async (local: string): Promise<number> => {
    const before = process.cpuUsage();
    assert.equal((await signIn.password({ ...NORA, local }, 'wrong', FROM)).ok, false);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const costs = [await cost('nora'), await cost('li'), await cost('nobody')];
  // Each device's password tried was sixteen times as much.
  assert.ok(Math.max(...costs) < 5 * Math.min(...costs), costs.join(', '));
  assert.equal((await signIn.password(NORA, 'open sesame', FROM)).ok, true);
  await temp[Symbol.asyncDispose]();
});
