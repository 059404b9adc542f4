// The readers of exports and configurations answer or say why not, whatever they are given.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCliXml } from '../../../src/ops/import/clixml.ts';
import { readCsv } from '../../../src/ops/import/csv.ts';
import { decodeText } from '../../../src/ops/import/decode.ts';
import { Drafts } from '../../../src/ops/import/drafts.ts';
import { takeEjabberd } from '../../../src/ops/import/ejabberd.ts';
import { readJson } from '../../../src/ops/import/json.ts';
import { takeLync } from '../../../src/ops/import/lync.ts';
import { LYNC_KINDS } from '../../../src/ops/import/lync-kinds.ts';
import { takeProsody } from '../../../src/ops/import/prosody.ts';
import { allowedDomain, exportCliXml, exportCsv, XMPP_TYPE, xmppPartner } from './exports.ts';

const READERS = { readCsv, readJson, readCliXml } as const;
const SEEDS = [
  exportCsv(XMPP_TYPE, [xmppPartner('a.example', { AdditionalDomains: ['b.example'] })])
    .subarray(2)
    .toString('utf16le'),
  exportCliXml(XMPP_TYPE, [xmppPartner('a.example', { AdditionalDomains: ['b.example'] })])
    .subarray(2)
    .toString('utf16le'),
  JSON.stringify([Object.fromEntries(allowedDomain('a.example'))]),
  's2s_secure_domains = { "a.example"; ["b"] = [[c]] }\nVirtualHost "d.example"\n',
  'hosts: [a.example]\nacl: { x: { server: b.example } }\naccess_rules: { s: [{ deny: x }, allow] }\ns2s_access: s\n',
];

/** A good file with a piece cut out, doubled, or replaced. */
const damaged = fc
  .tuple(
    fc.constantFrom(...SEEDS),
    fc.nat(),
    fc.nat(40),
    fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('{', '"', '<', '[', '_x0000_', '\n', '&a;', '<Obj>')),
  )
  .map(([seed, at, length, piece]) => {
    const from = at % seed.length;
    return seed.slice(0, from) + piece + seed.slice(from + length);
  });

test('damaged exports: objects or a sentence, and objects of any kind can be taken', () => {
  fc.assert(
    fc.property(damaged, fc.constantFrom(...LYNC_KINDS), (text, kind) => {
      for (const [name, reader] of Object.entries(READERS)) {
        const read = reader('file', text);
        if (typeof read === 'string') assert.ok(read.length > 5 && read.length < 300, `${name}: ${read}`);
        else for (const object of read.objects) takeLync(object, kind, new Drafts());
      }
    }),
    { numRuns: 300 },
  );
});

test('damaged configurations: taken or a sentence', () => {
  fc.assert(
    fc.property(damaged, (text) => {
      for (const take of [takeProsody, takeEjabberd]) {
        const said = take('file', text, new Drafts());
        assert.ok(said === undefined || said.length < 300);
      }
    }),
    { numRuns: 300 },
  );
});

test('any bytes: text or a sentence', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 64 }),
      (bytes) => typeof decodeText(bytes) === 'string' || typeof decodeText(bytes) === 'object',
    ),
    {
      numRuns: 200,
    },
  );
  for (const [bytes, text] of [
    [Buffer.from('\ufeffäb', 'utf8'), 'äb'],
    [Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('äb', 'utf16le')]), 'äb'],
    [Buffer.from('ab', 'utf16le'), 'ab'],
    [Buffer.from([0xfe, 0xff, 0x00, 0x61, 0x00, 0x62]), 'ab'],
    [Buffer.from([0x61, 0xe4]), 'aä'],
  ] as const)
    assert.deepEqual(decodeText(bytes), { text });
});
