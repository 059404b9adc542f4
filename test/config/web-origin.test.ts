import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkHome } from '../../src/config/load.ts';
import { webOrigin } from '../../src/config/web-origin.ts';
import { EXAMPLE_HOME, exampleWith } from './example.ts';

function originOf(clients: string): string | undefined {
  const loaded = checkHome(EXAMPLE_HOME, exampleWith({ 'isthmus.yaml': `edge: { host: edge.corp.example }\nclients: ${clients}\n` }));
  assert(loaded.ok, JSON.stringify(loaded));
  return webOrigin(loaded.home);
}

test('clients are told the host and port of clients.web, or what clients.webUrl says', () => {
  for (const [clients, origin] of [
    ['{}', undefined],
    ['{ web: "https://*:443" }', 'https://edge.corp.example'],
    ['{ host: chat.example, web: "https://*:8443" }', 'https://chat.example:8443'],
    ['{ host: chat.example, web: "https://*:8443", webUrl: "https://Web.Chat.example/" }', 'https://web.chat.example'],
    ['{ web: "https://*:8443", webUrl: "https://web.example:4443" }', 'https://web.example:4443'],
  ] as const)
    assert.equal(originOf(clients), origin, clients);
  assert.equal(checkHome(EXAMPLE_HOME, exampleWith({ 'isthmus.yaml': 'clients: { webUrl: "http://web.example" }\n' })).ok, false);
});
