// Whatever a client asks of its own and of others' personal data is answered: with a result or a named error, never with a defect.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Element, element } from '../../../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../../../src/protocols/xmpp/names.ts';
import { printElement } from '../../../../../src/protocols/xmpp/print.ts';
import { nora, omar } from '../../../../core/world.ts';
import { personalWorld, server } from './personal-world.ts';

const SPACES = [NS.pubsub, NS.pubsubOwner, NS.vcardTemp, NS.private, NS.search, NS.discoInfo, NS.discoItems] as const;
const NAMES = [
  ...[
    'items',
    'publish',
    'item',
    'retract',
    'create',
    'configure',
    'subscribe',
    'unsubscribe',
    'affiliations',
    'affiliation',
    'delete',
    'purge',
  ],
  ...[
    'subscriptions',
    'default',
    'options',
    'publish-options',
    'x',
    'field',
    'value',
    'set',
    'max',
    'before',
    'query',
    'vCard',
    'PHOTO',
    'BINVAL',
  ],
  ...['TEL', 'N', 'ORG', 'storage', 'conference', 'data', 'metadata', 'info', 'vcard', 'search', 'email'],
] as const;
const INNER = [...SPACES, NS.forms, NS.rsm, NS.oldBookmarks, NS.bookmarks, NS.avatarData, NS.avatarMetadata, NS.vcard4, ''] as const;
const value = fc.oneof(
  fc.constantFrom(
    '',
    'n',
    '0',
    '-1',
    '1e9',
    'max',
    'true',
    'nora@people.example',
    'a@b@c',
    '\u0000',
    'x'.repeat(2000),
    NS.avatarData,
    NS.avatarMetadata,
  ),
  fc.string({ maxLength: 8 }),
);
const attrs = fc.dictionary(
  fc.constantFrom('node', 'id', 'jid', 'var', 'type', 'max_items', 'notify', 'affiliation', 'name', 'url'),
  value,
  { maxKeys: 4 },
);

const { tree } = fc.letrec<{ tree: Element }>((tie) => ({
  tree: fc
    .tuple(
      fc.constantFrom(...NAMES),
      fc.constantFrom(...INNER),
      attrs,
      fc.array(fc.oneof({ depthSize: 'small' }, value, tie('tree')), { maxLength: 3 }),
    )
    .map(([name, ns, given, children]) => element(name, ns, given, children)),
}));

test('any request is answered', async () => {
  await using world = await personalWorld({ nodes: 20, bytes: 200_000 });
  const desk = await world.screen(nora);
  await desk.presence(['n', NS.avatarMetadata]);
  const request = fc.tuple(
    fc.constantFrom('get' as const, 'set' as const),
    fc.constantFrom(nora, omar, server),
    fc.constantFrom(...SPACES),
    attrs,
    fc.array(tree, { maxLength: 2 }),
  );
  await fc.assert(
    fc.asyncProperty(request, async ([type, to, ns, given, children]) => {
      // The verbs of a protocol are in its own namespace.
      const inner = children.map((child) => ({ ...child, ns }));
      const name = ns === NS.vcardTemp ? 'vCard' : ns.includes('pubsub') ? 'pubsub' : 'query';
      const answer = await desk.ask(type, printElement(element(name, ns, given, inner)), to);
      if (typeof answer === 'string') assert.match(answer, /^[a-z-]+( [a-z-]+)?$/);
    }),
    { numRuns: 100 },
  );
  assert.ok((await desk.ask('get', `<query xmlns='${NS.discoItems}'/>`)) !== undefined);
});

test('settings of nodes count against what one user may keep', async () => {
  await using world = await personalWorld({ nodes: 20, bytes: 5000 });
  const desk = await world.screen(nora);
  const jids = Array.from({ length: 100 }, (_, index) => `<value>${'m'.repeat(60)}${index}@partner.example</value>`).join('');
  const form = `<x xmlns='${NS.forms}' type='submit'><field var='pubsub#whitelist'>${jids}</field></x>`;
  const create = (node: string, inner: string) =>
    desk.ask('set', `<pubsub xmlns='${NS.pubsub}'><create node='${node}'/><configure>${inner}</configure></pubsub>`);
  assert.equal(typeof (await create('small', '')), 'object');
  assert.match(String(await create('large', form)), /^resource-constraint/);
  const configured = desk.ask('set', `<pubsub xmlns='${NS.pubsubOwner}'><configure node='small'>${form}</configure></pubsub>`);
  assert.match(String(await configured), /^resource-constraint/);
});
