// Configurations of Prosody and ejabberd, read as data.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Drafts } from '../../../src/ops/import/drafts.ts';
import { takeEjabberd } from '../../../src/ops/import/ejabberd.ts';
import { readLua } from '../../../src/ops/import/lua.ts';
import { takeProsody } from '../../../src/ops/import/prosody.ts';

function taken(take: typeof takeProsody, text: string): Drafts {
  const drafts = new Drafts();
  assert.equal(take('config', text, drafts), undefined);
  return drafts;
}
const proofs = (drafts: Drafts) =>
  drafts.partners.map(({ domains, xmpp }) => `${domains[0]} ${xmpp?.proof}${xmpp?.hosts === undefined ? '' : ` ${xmpp.hosts}`}`);
const told = (drafts: Drafts) => drafts.remarks.map(({ kind, from, subject, what }) => `${kind} ${from.row} ${subject}: ${what}`);

const PROSODY = `-- Prosody
admins = { "root@chat.example" }
--[[ s2s_secure_domains = { "ghost.example" }
]]
s2s_secure_auth = false
s2s_insecure_domains = { "old.example", 'older.example'; }
s2s_secure_domains = { [[jabber.example]], "old.example" }
s2s_connect_overrides = {
  ["fixed.example"] = "xmpp-server://192.0.2.7:5299";
}
certificates = "certs" -- "s2s_secure_auth = true"
local secret = os.getenv("SECRET")
s2s_ports = tonumber("5269")
VirtualHost "chat.example"
  enabled = true
Component "rooms.chat.example" "muc"
Include "conf.d/*.cfg.lua"
`;

test('Prosody: secure, insecure and overridden domains become partners; hosts are told', () => {
  const drafts = taken(takeProsody, PROSODY);
  assert.deepEqual(proofs(drafts), [
    'old.example dialback',
    'older.example dialback',
    'jabber.example certificate',
    'fixed.example certificate 192.0.2.7:5299',
  ]);
  assert.deepEqual([...drafts.ownDomains.keys()], ['chat.example', 'rooms.chat.example']);
  assert.equal(drafts.federation?.value, 'discovered');
  const remarks = told(drafts);
  assert.ok(remarks.includes('lost 5 every host: s2s_secure_auth = false'), remarks.join('\n'));
  assert.ok(remarks.includes('lost 17 Include: conf.d/*.cfg.lua'));
  // A call is code: its line is told, and nothing is run.
  assert.ok(remarks.some((one) => one.startsWith('lost 13 code: s2s_ports = tonumber')));
});

test('Prosody: allow and block lists of its modules', () => {
  const drafts = taken(takeProsody, 's2s_whitelist = { "a.example" }\ns2s_blacklist = { "b.example" }\n');
  assert.deepEqual(proofs(drafts), ['a.example certificate']);
  assert.deepEqual(
    drafts.blocks.map(({ domain }) => domain),
    ['b.example'],
  );
  assert.equal(drafts.federation?.value, 'closed');
});

test('Lua: texts of every form, tables in tables, sections with brackets, negative numbers', () => {
  const statements = readLua(
    'a = "x\\"y\\065"; b = [==[l]]1]==]\nc = { 1, -2.5, k = true, ["q r"] = { "z" } }\nVirtualHost ("h.example")\n',
  );
  assert.ok(Array.isArray(statements));
  assert.deepEqual(
    statements.map((one) => ('name' in one ? one.name : one.kind)),
    ['a', 'b', 'c', 'h.example'],
  );
  const [a, b, c] = statements;
  assert.ok(a?.kind === 'set' && b?.kind === 'set' && c?.kind === 'set');
  assert.equal(a.value, 'x"yA');
  assert.equal(b.value, 'l]]1');
  assert.ok(typeof c.value === 'object');
  assert.deepEqual(c.value.items, [1, -2.5]);
  assert.equal(c.value.keys.get('k'), true);
});

test('Lua that is cut off, or endless: told in words', () => {
  assert.match(String(readLua('a = "x\n')), /line 1: a quote is never closed/);
  assert.match(String(readLua('--[[ x')), /line 1: \[\[ is never closed/);
  assert.ok(Array.isArray(readLua(`a = ${'{'.repeat(5000)}`)));
});

const EJABBERD = `hosts:
  - chat.example
acl:
  friends:
    server:
      - a.example
      - b.example
  bad:
    server_glob: "*.spam.example"
    server: worst.example
  net:
    ip: 198.51.100.0/24
access_rules:
  s2s:
    - deny: bad
    - deny: net
    - allow: friends
    - allow: nobody
s2s_access: s2s
s2s_use_starttls: optional
s2s_cafile: /etc/ssl/ca.pem
`;

test('ejabberd: the rules of s2s_access in their order', () => {
  const drafts = taken(takeEjabberd, EJABBERD);
  assert.deepEqual(proofs(drafts), ['a.example certificate', 'b.example certificate']);
  assert.deepEqual(
    drafts.blocks.map(({ domain, subdomains }) => [domain, subdomains]),
    [
      ['spam.example', true],
      ['worst.example', false],
    ],
  );
  assert.equal(drafts.federation?.value, 'closed');
  const remarks = told(drafts);
  for (const one of [
    'invalid 19 s2s_access: allow: nobody',
    'lost 20 every host: s2s_use_starttls optional',
    'lost 21 every host: s2s_cafile /etc/ssl/ca.pem',
  ])
    assert.ok(remarks.includes(one), remarks.join('\n'));
  assert.ok(remarks.some((one) => /net: deny: ip 198/.test(one)));
});

test('ejabberd: everybody, nobody, a rule of one host', () => {
  const value = (text: string) => taken(takeEjabberd, text).federation?.value;
  assert.equal(value('hosts: [chat.example]\n'), 'discovered');
  assert.equal(value('s2s_access: none\n'), 'off');
  assert.equal(value('acl: { x: { server: x.example } }\naccess_rules: { s: [{ deny: x }, allow] }\ns2s_access: s\n'), 'discovered');
  const one = taken(takeEjabberd, 'host_config: { chat.example: { s2s_access: [{ allow: { server: y.example } }] } }\n');
  assert.deepEqual(proofs(one), ['y.example certificate']);
  assert.ok(told(one).some((line) => line.startsWith('note 1 chat.example: s2s_access')));
});

test('ejabberd: what is no YAML is told with its line', () => {
  assert.match(String(takeEjabberd('x', 'a: [1\nb: }', new Drafts())), /not YAML in line/);
  assert.match(String(takeEjabberd('x', '- a', new Drafts())), /not a mapping/);
});
