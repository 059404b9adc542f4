// The hash of what a client can do: the examples of XEP-0115, what makes an answer ill-formed, and that order does not count.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { capsOf, capsVersion, interestsOf } from '../../../../../src/protocols/xmpp/clients/personal/caps.ts';
import { element } from '../../../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../../../src/protocols/xmpp/names.ts';
import { read } from './personal-world.ts';

const FEATURES = ['disco#info', 'disco#items', 'muc', 'caps'].map((name) => `<feature var='http://jabber.org/protocol/${name}'/>`).join('');
const query = (inner: string) => read(`<query xmlns='${NS.discoInfo}'>${inner}</query>`);
const FORM = `<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>
  <field var='ip_version'><value>ipv4</value><value>ipv6</value></field><field var='os'><value>Mac</value></field>
  <field var='os_version'><value>10.5.1</value></field><field var='software'><value>Psi</value></field>
  <field var='software_version'><value>0.11</value></field></x>`;

test('the examples of XEP-0115 §5.2 and §5.3', () => {
  const simple = query(`<identity category='client' type='pc' name='Exodus 0.9.1'/>${FEATURES}`);
  assert.equal(capsVersion(simple, 'sha-1'), 'QgayPKawpkPSDYmwT/WM94uAlu0=');
  const psi = (lang: string, name: string) => `<identity xml:lang='${lang}' category='client' name='${name}' type='pc'/>`;
  const complex = query(`${psi('en', 'Psi 0.11')}${psi('el', 'Ψ 0.11')}${FEATURES}${FORM}`);
  assert.equal(capsVersion(complex, 'sha-1'), 'q07IKJEyjvHSyhy//CH0CxmKi8w=');
});

test('what is ill-formed, and a hash nobody knows, verify nothing (§5.4)', () => {
  const identity = "<identity category='client' type='pc' name='x'/>";
  for (const inner of [
    identity + identity,
    FEATURES + FEATURES,
    FORM + FORM,
    FORM.replace('</value></field>', '</value><value>urn:other</value></field>'),
  ])
    assert.equal(capsVersion(query(inner), 'sha-1'), undefined, inner);
  assert.equal(capsVersion(query(FEATURES), 'crc32'), undefined);
  // A form without a hidden type is no part of it.
  assert.equal(capsVersion(query(FEATURES + FORM.replace(" type='hidden'", '')), 'sha-1'), capsVersion(query(FEATURES), 'sha-1'));
});

test('the order of features does not count, each feature does', () => {
  const words = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 });
  const hash = (features: readonly string[]) =>
    capsVersion(
      element(
        'query',
        NS.discoInfo,
        {},
        features.map((name) => element('feature', NS.discoInfo, { var: name })),
      ),
      'sha-256',
    );
  fc.assert(
    fc.property(words, (features) => {
      assert.equal(hash(features), hash([...features].reverse()));
      assert.notEqual(hash(features), hash(features.slice(1)));
    }),
    { numRuns: 50 },
  );
});

test('a presence and an answer are read within bounds', () => {
  const presence = (c: string) => capsOf(read(`<presence>${c}</presence>`));
  assert.deepEqual(presence(`<c xmlns='${NS.caps}' node='n' ver='v' hash='SHA-1'/>`), { node: 'n', ver: 'v', hash: 'sha-1' });
  assert.deepEqual(presence(`<c xmlns='${NS.caps}' node='${'n'.repeat(600)}' ver='v' hash='sha-1'/>`), { node: '', ver: '' });
  assert.equal(presence(''), undefined);
  const many = Array.from({ length: 20 }, (_, i) => `<feature var='n${i}+notify'/>`).join('');
  assert.equal(interestsOf(query(`<feature var='plain'/>${many}`), 7).size, 7);
});
