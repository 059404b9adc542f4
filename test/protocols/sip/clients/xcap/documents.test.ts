import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, bareKey, fromBareKey } from '../../../../../src/model/address.ts';
import type { Contact, ContactDesk } from '../../../../../src/model/core.ts';
import { delivered } from '../../../../../src/model/outcome.ts';
import { applyLists, checkLists, currentLists, printServices } from '../../../../../src/protocols/sip/clients/xcap/lists.ts';
import { applyRules, checkRules, currentRules } from '../../../../../src/protocols/sip/clients/xcap/rules.ts';
import { rootOf } from '../../../../../src/protocols/sip/clients/xcap/tree.ts';

const nora: Address = { local: 'nora', domain: 'example.com' };
const contact = (key: string, more: Partial<Contact> = {}): Contact => ({
  ...{ address: fromBareKey(key), groups: [], subscription: 'to', ask: false, approved: false, favourite: false },
  ...more,
});

/** A list in memory that writes down what was asked of it. */
class Desk implements ContactDesk {
  readonly user = nora;
  readonly did: string[] = [];
  list: Contact[];
  blocks: string[] = [];

  constructor(list: readonly Contact[] = []) {
    this.list = [...list];
  }
  async contacts() {
    return { contacts: this.list, version: '1' };
  }
  async putContact({ address, level, ...rest }: Parameters<ContactDesk['putContact']>[0]) {
    const key = bareKey(address);
    this.did.push(`put ${key} ${rest.name ?? '-'} [${rest.groups.join()}]${level === undefined ? '' : ` ${level}`}`);
    const {
      name: _,
      level: known,
      ...before
    } = this.list.find((one) => bareKey(one.address) === key) ?? contact(key, { subscription: 'none' });
    const next = level === null ? undefined : (level ?? known);
    this.list = [...this.list.filter((one) => bareKey(one.address) !== key), { ...before, ...rest, ...(next && { level: next }) }];
    return delivered('put');
  }
  async removeContact(address: Address) {
    this.did.push(`remove ${bareKey(address)}`);
    this.list = this.list.filter((one) => bareKey(one.address) !== bareKey(address));
    return delivered('removed');
  }
  async subscription(verb: string, to: Address) {
    this.did.push(`${verb} ${bareKey(to)}`);
    return delivered(verb);
  }
  async blocked() {
    return this.blocks;
  }
  async block(keys: readonly string[]) {
    this.did.push(`block ${keys.join()}`);
    this.blocks.push(...keys);
  }
  async unblock(keys: readonly string[]) {
    this.did.push(`unblock ${keys.join()}`);
    this.blocks = this.blocks.filter((key) => !keys.includes(key));
  }
}

/** RFC 4826 §3.3. */
const FRIENDS = `<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <list name="friends">
  <entry uri="sip:bill@example.com">
   <display-name>Bill Doe</display-name>
  </entry>
  <entry-ref ref="resource-lists/users/sip:bill@example.com/index/~~/resource-lists/list%5b@name=%22list1%22%5d/entry%5b@uri=%22sip:petri@example.com%22%5d"/>
  <list name="close-friends">
   <display-name>Close Friends</display-name>
   <entry uri="sip:joe@example.com"><display-name>Joe Smith</display-name></entry>
   <entry uri="sip:nancy@example.com"><display-name>Nancy Gross</display-name></entry>
   <external anchor="http://xcap.example.org/resource-lists/users/sip:a@example.org/index/~~/resource-lists/list%5b@name=%22mkting%22%5d">
    <display-name>Marketing</display-name>
   </external>
  </list>
 </list>
</resource-lists>`;
const BILL = contact('bill@example.com', { name: 'Bill Doe', groups: ['friends'] });
const JOE = contact('joe@example.com', { name: 'Joe Smith', groups: ['friends'] });
const NANCY = contact('nancy@example.com', { name: 'Nancy Gross', groups: ['friends'] });

test('the example of RFC 4826 becomes a contact list, whose people are asked', async () => {
  const desk = new Desk([contact('old@example.com'), contact('watcher@example.com', { subscription: 'both', name: 'W' })]);
  assert.equal(checkLists(rootOf(FRIENDS)), undefined);
  assert.equal(await applyLists(rootOf(FRIENDS), desk.list, desk), undefined);
  assert.deepEqual(desk.did, [
    'put bill@example.com Bill Doe [friends]',
    'subscribe bill@example.com',
    'put joe@example.com Joe Smith [friends]',
    'subscribe joe@example.com',
    'put nancy@example.com Nancy Gross [friends]',
    'subscribe nancy@example.com',
    'remove old@example.com',
    'unsubscribe watcher@example.com',
    'put watcher@example.com - []',
  ]);
  desk.did.length = 0;
  await applyLists(rootOf(FRIENDS), [BILL, JOE, NANCY], desk);
  assert.deepEqual(desk.did, [], 'what is so already is not done again');
});

test('a document is read back as it was written, until somebody changes the list elsewhere', () => {
  assert.equal(currentLists(FRIENDS, [NANCY, BILL, JOE]), FRIENDS);
  assert.equal(currentLists(FRIENDS, [BILL, JOE, { ...NANCY, name: 'Nancy & Co' }]), FRIENDS.replace('Nancy Gross', 'Nancy &amp; Co'));
  const without = currentLists(FRIENDS, [BILL, NANCY]) ?? '';
  assert.equal(without, FRIENDS.replace(/<entry uri="sip:joe[\s\S]*?<\/entry>/, ''));
  const moved = currentLists(FRIENDS, [BILL, NANCY, { ...JOE, groups: ['work', 'friends'] }]) ?? '';
  assert.match(moved, /<list name="work">\s*<entry uri="sip:joe@example\.com"><display-name>Joe Smith<\/display-name><\/entry>\s*<\/list>/);
  assert.ok(moved.startsWith(FRIENDS.slice(0, FRIENDS.lastIndexOf('</resource-lists>'))));
  assert.equal(currentLists(undefined, []), undefined);
  assert.equal(currentLists(undefined, [contact('spy@example.com', { subscription: 'from' })]), undefined, 'who only watches is no entry');
});

test('a list that only the server has written is read by clients, and written back changes nothing', async () => {
  const list = [BILL, contact('ann@other.example', { name: 'Ann "A" <b>' }), contact('both@example.com', { groups: ['a', 'b'] })];
  const text = currentLists(undefined, list) ?? '';
  assert.equal(checkLists(rootOf(text)), undefined);
  assert.equal(currentLists(text, list), text);
  const desk = new Desk(list);
  await applyLists(rootOf(text), list, desk);
  assert.deepEqual(desk.did, []);
  assert.match(printServices(nora, list), /<service uri="sip:nora@example\.com">[\s\S]*uri="sip:ann@other\.example"/);
});

test('prefixes and empty lists of a client are written on in its own way', () => {
  const text = '<rl:resource-lists xmlns:rl="urn:ietf:params:xml:ns:resource-lists"><rl:list name="friends"/></rl:resource-lists>';
  assert.equal(
    currentLists(text, [BILL])?.replace(/\s+(?=<)/g, ''),
    text.replace(
      '<rl:list name="friends"/>',
      '<rl:list name="friends"><rl:entry uri="sip:bill@example.com"><rl:display-name>Bill Doe</rl:display-name></rl:entry></rl:list>',
    ),
  );
});

/** RFC 5025 §6. */
const RULES = `<?xml version="1.0" encoding="UTF-8"?>
<cr:ruleset xmlns="urn:ietf:params:xml:ns:pres-rules" xmlns:pr="urn:ietf:params:xml:ns:pres-rules" xmlns:cr="urn:ietf:params:xml:ns:common-policy">
 <cr:rule id="a">
  <cr:conditions><cr:identity><cr:one id="sip:user@example.com"/></cr:identity></cr:conditions>
  <cr:actions><pr:sub-handling>allow</pr:sub-handling></cr:actions>
  <cr:transformations>
   <pr:provide-services><pr:service-uri-scheme>sip</pr:service-uri-scheme></pr:provide-services>
   <pr:provide-persons><pr:all-persons/></pr:provide-persons>
   <pr:provide-activities>true</pr:provide-activities>
  </cr:transformations>
 </cr:rule>
</cr:ruleset>`;
const USER = contact('user@example.com', { subscription: 'from' });

test('the example of RFC 5025 is a grant, and is read back as it was written', async () => {
  const desk = new Desk();
  assert.equal(checkRules(rootOf(RULES)), undefined);
  assert.equal(await applyRules(rootOf(RULES), { contacts: [], blocked: [] }, desk), undefined);
  assert.deepEqual(desk.did, ['subscribed user@example.com']);
  assert.equal(currentRules(RULES, { contacts: [USER], blocked: [] }), RULES);
});

test('hundreds who are blocked at once are one change of the block list', async () => {
  const ones = Array.from({ length: 300 }, (_, index) => `<cr:one id="sip:u${index}@far.example"/>`).join('');
  const text = RULES.replace('>allow<', '>block<').replace(/<cr:one [^>]*\/>/, ones);
  const desk = new Desk();
  await applyRules(rootOf(text), { contacts: [], blocked: ['before@far.example'] }, desk);
  assert.deepEqual(
    desk.did.map((one) => one.split(/[ ,]/).length),
    [301, 2],
  );
});

test('each handling is what the core has for it, and the highest of all that fit counts', async () => {
  const with_ = (handling: string): string => RULES.replace('>allow<', `>${handling}<`);
  const done = async (text: string, known: Contact[], blocked: string[]): Promise<string[]> => {
    const desk = new Desk(known);
    desk.blocks = blocked;
    await applyRules(rootOf(text), { contacts: known, blocked: [...blocked] }, desk);
    return desk.did;
  };
  assert.deepEqual(await done(with_('block'), [USER], []), ['block user@example.com']);
  assert.deepEqual(await done(with_('allow'), [USER], ['user@example.com']), ['unblock user@example.com']);
  assert.deepEqual(await done(with_('polite-block'), [USER], []), ['put user@example.com - [] blocked']);
  assert.deepEqual(await done(with_('allow'), [{ ...USER, level: 'blocked' }], []), ['put user@example.com - [] null']);
  assert.deepEqual(await done(with_('confirm'), [USER], []), ['unsubscribed user@example.com']);
  assert.deepEqual(await done(with_('allow'), [USER, contact('other@example.com', { subscription: 'both' })], []), [
    'unsubscribed other@example.com',
  ]);
  const twice = RULES.replace(
    '</cr:ruleset>',
    `${/<cr:rule [\s\S]*<\/cr:rule>/.exec(with_('block'))?.[0].replace('"a"', '"b"')}</cr:ruleset>`,
  );
  assert.deepEqual(await done(twice, [USER], []), []);
});

test('grants and blocks from elsewhere stand in the rules, and what was taken back is gone from them', () => {
  const here = {
    contacts: [USER, contact('li@example.com', { subscription: 'both', level: 'blocked' })],
    blocked: ['spam.example', 'bad@example.com'],
  };
  const text = currentRules(RULES, here) ?? '';
  assert.ok(text.startsWith(RULES.slice(0, RULES.lastIndexOf('</cr:ruleset>'))));
  assert.match(text, /<cr:rule id="isthmus-polite-block">.*<cr:one id="sip:li@example\.com"\/>/);
  assert.match(text, /<cr:rule id="isthmus-block">.*<cr:many domain="spam\.example"\/><cr:one id="sip:bad@example\.com"\/>/);
  assert.equal(checkRules(rootOf(text)), undefined);
  assert.equal(currentRules(text, here), text);
  assert.doesNotMatch(currentRules(RULES, { contacts: [], blocked: [] }) ?? '', /cr:rule /);
});

test('a rule that could not be kept is refused', () => {
  const rule = (identity: string, handling: string, more = ''): string =>
    `<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules"><rule id="a"><conditions><identity>${identity}</identity>${more}</conditions><actions><pr:sub-handling>${handling}</pr:sub-handling></actions></rule></ruleset>`;
  const one = '<one id="sip:a@b.example"/>';
  for (const [text, condition] of [
    [rule('<many/>', 'allow'), 'constraint-failure'],
    [rule('<many domain="b.example"/>', 'allow'), 'constraint-failure'],
    [rule('<many domain="b.example"><except id="sip:a@b.example"/></many>', 'block'), 'constraint-failure'],
    [rule(one, 'allow', '<sphere value="work"/>'), 'constraint-failure'],
    [rule(one, 'sometimes'), 'schema-validation-error'],
    [rule('<one/>', 'allow'), 'schema-validation-error'],
    [rule('<many/>', 'confirm'), undefined],
    [rule('<many domain="b.example"/>', 'block'), undefined],
  ] as const)
    assert.equal(checkRules(rootOf(text))?.conflict, condition, text);
});
