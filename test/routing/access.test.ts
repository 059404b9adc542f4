// people/access.yaml as decide() obeys it: by the protocol that is really spoken, either way, with a reason that names the line.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkHome } from '../../src/config/load.ts';
import type { Address } from '../../src/model/address.ts';
import type { ImSent } from '../../src/model/event.ts';
import { decide } from '../../src/routing/decide.ts';

const FILES: Readonly<Record<string, string>> = {
  'routes/domains.yaml':
    'domains:\n  people.example: { served: core }\n  corp.example: { served: sip, nextHop: tls://fe1.corp.example:5061, acceptFrom: fe1.corp.example, aliases: [old-corp.example] }\n',
  'routes/partners/both.example.yaml': 'prefer: [xmpp, sip]\n',
  'people/access.yaml':
    'everyone: { xmpp: false }\nusers:\n  nora@people.example: { xmpp: true }\n  wim@corp.example: { partners: false }\n  zoe@old-corp.example: { partners: false }\n  li@corp.example: { xmpp: true }\n',
};

const loaded = checkHome('/home', new Map(Object.entries(FILES).map(([path, text]) => [path, { text, mode: 0o644 }])), { nowMs: 0 });
assert.ok(loaded.ok);
const { table } = loaded;
const address = (text: string): Address => ({ local: text.split('@')[0]!, domain: text.split('@')[1]! });

function verdict(from: string, to: string, network: 'sip' | 'xmpp' | 'core', side: 'edge' | 'local'): string {
  const event: ImSent = {
    kind: 'im.sent',
    id: 'x',
    at: 0,
    from: address(from),
    to: address(to),
    body: 'hello',
    style: 'normal',
    wants: { delivered: false, displayed: false },
    ids: {},
    origin: { side, network, connection: 'c', peer: from.split('@')[1]!, proof: side === 'edge' ? 'certificate' : 'account' },
  };
  const decision = decide(event, table, { nowMs: 0, knows: true });
  return decision.kind === 'allow' ? decision.hop.network : `${decision.reason.text} | ${decision.reason.file} ${decision.reason.key}`;
}

test('a partner of both protocols: what comes by the one that is not given is refused, the other passes', () => {
  assert.equal(verdict('x@both.example', 'omar@people.example', 'sip', 'edge'), 'core');
  assert.match(
    verdict('x@both.example', 'omar@people.example', 'xmpp', 'edge'),
    /^omar@people\.example has no external access to both\.example: .* \| people\/access\.yaml \/everyone\/xmpp$/,
  );
  assert.equal(verdict('x@both.example', 'nora@people.example', 'xmpp', 'edge'), 'core');
});

test('outward: by the protocol that the message would leave by', () => {
  assert.equal(verdict('nora@people.example', 'x@both.example', 'core', 'local'), 'xmpp');
  assert.match(verdict('omar@people.example', 'x@both.example', 'core', 'local'), /people\/access\.yaml \/everyone\/xmpp$/);
});

test('who writes under another name of their domain is bound by what is said of them under its own, and the other way', () => {
  for (const from of ['wim@corp.example', 'wim@old-corp.example', 'zoe@corp.example', 'zoe@old-corp.example'])
    assert.match(verdict(from, 'x@both.example', 'sip', 'local'), /has no external access/, from);
  assert.equal(verdict('li@old-corp.example', 'x@both.example', 'sip', 'local'), 'xmpp');
});
