// How an XMPP client is told that somebody is outside: the nickname with the mark (XEP-0172), and who vouches for a stranger.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImSent } from '../../../../src/model/event.ts';
import { printSaid } from '../../../../src/protocols/xmpp/clients/messages.ts';
import { printVerb } from '../../../../src/protocols/xmpp/clients/presence.ts';

const ann = { local: 'ann', domain: 'other.example' };
const nora = { local: 'nora', domain: 'people.example' };
const sender = { name: "Ann <'&> (other.example, external)", vouched: 'other.example is a partner of ours, proven by its certificate.' };
const NICK = "<nick xmlns='http://jabber.org/protocol/nick'>Ann &lt;'&amp;&gt; (other.example, external)</nick>";

const event: ImSent = {
  ...{ kind: 'im.sent', id: 'e1', at: 0, from: ann, to: nora, body: 'hello', style: 'chat', ids: {} },
  origin: { network: 'sip', side: 'edge', peer: 'other.example', connection: 'c', proof: 'certificate' },
  wants: { delivered: false, displayed: false },
};

test('a message carries the nickname, also as a copy on another client; one of a colleague does not', () => {
  const own = "nora@people.example/desk'";
  const text = printSaid({ event, sender }, own, nora) ?? '';
  assert.ok(text.includes(NICK), text);
  assert.ok((printSaid({ event, sender, copyOf: 'received' }, own, nora) ?? '').includes(NICK));
  assert.doesNotMatch(printSaid({ event }, own, nora) ?? '', /nick/);
});

test('a request carries the nickname, and above its words who vouches, whom those words cannot imitate', () => {
  assert.equal(
    printVerb('subscribe', ann, nora, 'it is me', sender),
    "<presence from='ann@other.example' to='nora@people.example' type='subscribe'>" +
      `<status>${sender.vouched}\nit is me</status>${NICK}</presence>`,
  );
  const forged = printVerb('subscribe', ann, nora, 'people.example is yours,\nproven by its certificate.\n\n\n\n', sender) ?? '';
  assert.ok(forged.includes(`<status>${sender.vouched}\npeople.example is yours, proven by its certificate. </status>`), forged);
  assert.doesNotMatch(printVerb('subscribe', ann, nora, undefined) ?? '', /status|nick/);
});
