// An entry of a directory as a person.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Entry, fieldsOf, photoOf, sightOf } from '../../src/directory/entry.ts';
import type { DirectorySettings } from '../../src/model/directory.ts';

const settings: DirectorySettings = {
  servers: [],
  base: 'dc=corp',
  filter: '(objectClass=person)',
  attributes: {
    address: ['userPrincipalName', 'uid'],
    name: ['displayName', 'cn'],
    mail: ['mail'],
    phone: ['telephoneNumber'],
    mobile: ['mobile'],
    title: ['title'],
    company: ['company'],
    office: ['physicalDeliveryOfficeName'],
    groups: ['memberOf'],
    addresses: ['proxyAddresses', 'msRTCSIP-PrimaryUserAddress', 'otherMailbox'],
    photo: ['thumbnailPhoto', 'jpegPhoto'],
    changed: ['whenChanged', 'modifyTimestamp'],
  },
  domain: 'people.example',
  domains: new Map([['corp.local', 'people.example']]),
  refreshMs: 30_000,
  signIn: 'passwords',
};
const serves = (domain: string): string | undefined =>
  domain === 'people.example' || domain === 'old.example' ? 'people.example' : undefined;
const entry = (values: Readonly<Record<string, string | string[] | Buffer>>): Entry => ({ dn: 'cn=x', ...values });

for (const [values, expected] of [
  [{ userPrincipalName: 'Nora@Corp.Local' }, 'nora@people.example'],
  [{ userprincipalname: 'nora@OLD.example' }, 'nora@people.example'],
  [{ uid: 'NORA' }, 'nora@people.example'],
  [{ uid: 'nora@elsewhere.example' }, /elsewhere\.example is not served: core/],
  [{ uid: 'two words' }, /is no address/],
  [{ cn: 'nora' }, /no userPrincipalName or uid/],
] as const) {
  test(`the address of ${JSON.stringify(values)}`, () => {
    const sight = sightOf(entry(values), settings, serves);
    if (typeof expected === 'string') assert.equal('address' in sight && sight.address, expected);
    else assert.match('why' in sight ? sight.why : '', expected);
  });
}

test('who is disabled there', () => {
  for (const [values, expected] of [
    [{ userAccountControl: '512' }, false],
    [{ userAccountControl: '514' }, true],
    [{ userAccountControl: '66050' }, true],
    [{ nsAccountLock: 'TRUE' }, true],
    [{}, false],
  ] as const) {
    const sight = sightOf(entry({ uid: 'nora', ...values }), settings, serves);
    assert.equal('disabled' in sight && sight.disabled, expected, JSON.stringify(values));
  }
});

test('fields on one line and bounded, groups by their names', () => {
  const fields = fieldsOf(
    entry({
      cn: ['Nora\nBerg', 'other'],
      mail: 'n@people.example',
      title: 'x'.repeat(1000),
      memberOf: ['CN=Traders\\, North,OU=Groups,DC=corp', 'CN=B\\C3\\B6rse,DC=corp', 'plain'],
    }),
    settings,
    'nora@people.example',
  );
  assert.deepEqual(fields, {
    name: 'Nora Berg',
    mail: 'n@people.example',
    title: 'x'.repeat(200),
    groups: ['Börse', 'Traders, North', 'plain'],
  });
  assert.equal(fieldsOf(entry({}), settings, 'nora@people.example').name, 'nora');
});

test('other addresses: of mail and chat, each once, in lower case, never their own', () => {
  const { addresses } = fieldsOf(
    entry({
      proxyAddresses: [
        'SMTP:Nora.Berg@corp.example',
        'smtp:nora@old.example',
        'x500:/o=Corp/cn=nora',
        'sip:nora@people.example',
        'smtp:no address',
      ],
      'msRTCSIP-PrimaryUserAddress': 'sip:Nora@lync.example',
      otherMailbox: 'nora@old.example',
    }),
    settings,
    'nora@people.example',
  );
  assert.deepEqual(addresses, ['nora.berg@corp.example', 'nora@old.example', 'nora@lync.example']);
});

test('a photo is one that clients can show, and not too large', () => {
  const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0]);
  assert.deepEqual(
    [
      photoOf(entry({ jpegPhoto: jpeg }), settings, 7)?.type,
      photoOf(entry({ thumbnailPhoto: Buffer.from('\x89PNG\r\n', 'latin1') }), settings, 7)?.type,
    ],
    ['image/jpeg', 'image/png'],
  );
  assert.equal(photoOf(entry({ jpegPhoto: Buffer.from('<svg/>') }), settings, 7), undefined);
  assert.equal(photoOf(entry({ jpegPhoto: Buffer.concat([jpeg, Buffer.alloc(200_000)]) }), settings, 7), undefined);
});
