// XMPP over WebSocket (RFC 7395) without a network: one message, one element; the same stream otherwise.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SaxesParser } from 'saxes';
import { makeIds } from '../../../../../src/edge/ids.ts';
import { SILENT } from '../../../../../src/log.ts';
import type { WebSocketLink } from '../../../../../src/model/web-route.ts';
import { XmppClients } from '../../../../../src/protocols/xmpp/clients/clients.ts';
import type { ClientSettings } from '../../../../../src/protocols/xmpp/clients/limits.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';
import { NO_NOTES } from '../../../../support/notes.ts';
import { Inbox } from '../../../../support/wait.ts';
import { base64, DOMAIN } from '../client-world.ts';
import { SmallCore } from '../small-core.ts';

const FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing';
const OPEN = `<open xmlns='${FRAMING}' to='${DOMAIN}' version='1.0'/>`;
const CLOSE = `<close xmlns='${FRAMING}'/>`;
const BIND =
  "<iq type='set' id='b' xmlns='jabber:client'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>web</resource></bind></iq>";

/** The face with a small core, and browsers that write by hand. */
class Browsers {
  readonly clock = new ManualClock();
  readonly core = new SmallCore(DOMAIN, { nora: 'pencil', omar: 'paper' });
  readonly face: XmppClients;
  constructor(settings: Partial<ClientSettings> = {}) {
    const { clock, core } = this;
    this.face = new XmppClients({
      ...{ core, clock, settings },
      ids: makeIds(clock),
      log: SILENT,
      tlsUpgrade: { asServer: () => Promise.reject(new Error('no')), asClient: () => Promise.reject(new Error('no')) },
      serves: (domain) => (domain === DOMAIN ? DOMAIN : undefined),
      version: '0.0',
    });
  }
  open(waiting = 0): Browser {
    return new Browser(this.face, waiting);
  }
  /** Signed in and bound. */
  async signedIn(user = 'nora', password = 'pencil'): Promise<Browser> {
    const browser = this.open();
    browser.say(OPEN);
    await browser.heard.next('features', (text) => text.includes('SCRAM'));
    browser.say(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${base64(`\0${user}\0${password}`)}</auth>`);
    await browser.heard.next('success', (text) => text.startsWith('<success'));
    browser.say(OPEN);
    await browser.heard.next('features', (text) => text.includes('xmpp-bind'));
    browser.say(BIND);
    await browser.heard.next('its address', (text) => text.includes('<jid>'));
    return browser;
  }
}

class Browser {
  readonly heard = new Inbox<string>('what the browser hears');
  closed: 'closed' | 'destroyed' | undefined;
  paused = false;
  /** Octets that may come before a message is whole. */
  most = 0;
  #text: (text: string) => void = () => {};
  #gone: () => void = () => {};

  constructor(face: XmppClients, waiting: number) {
    const link: WebSocketLink = {
      id: 'w1',
      peer: {
        side: 'local',
        address: '192.0.2.1',
        port: 1,
        names: [],
        proves: () => Promise.reject(new Error('no')),
        provenAlready: () => undefined,
      },
      direction: 'in',
      secure: true,
      local: { address: '192.0.2.2', port: 443 },
      notes: NO_NOTES,
      showsOurs: () => true,
      send: (text) => {
        // RFC 7395 §3.3.3: each message is well-formed by itself, its namespaces declared.
        new SaxesParser({ xmlns: true }).write(text).close();
        this.heard.push(text);
        return waiting;
      },
      close: () => {
        this.closed = 'closed';
      },
      destroy: () => {
        this.closed ??= 'destroyed';
      },
      onText: (hear) => {
        this.#text = hear;
      },
      onClosed: (hear) => {
        this.#gone = hear;
      },
      limit: (bytes) => {
        this.most = bytes;
      },
      pause: () => {
        this.paused = true;
      },
      resume: () => {
        this.paused = false;
      },
    };
    face.acceptWebSocket(link);
  }
  say(text: string): void {
    this.#text(text);
  }
  /** The connection is lost. */
  lose(): void {
    this.#gone();
  }
}

describe('a stream over messages', () => {
  it('signs in, binds and is told everything in one exchange (XEP-0388)', async () => {
    const browser = new Browsers().open();
    browser.say(OPEN);
    await browser.heard.next('features', (text) => text.includes("xmlns='urn:xmpp:sasl:2'"));
    const initial = base64('\0nora\0pencil');
    browser.say(
      `<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>${initial}</initial-response>` +
        "<bind xmlns='urn:xmpp:bind:0'><tag>web</tag><enable xmlns='urn:xmpp:sm:3' resume='true'/></bind></authenticate>",
    );
    const success = await browser.heard.next('success', (text) => text.startsWith('<success'));
    assert.match(success, /nora@people\.example\/web\/.*<enabled xmlns='urn:xmpp:sm:3'/);
    await browser.heard.next('features', (text) => text.includes('features') && text.includes('urn:xmpp:csi:0'));
    browser.say("<iq type='get' id='p' xmlns='jabber:client'><ping xmlns='urn:xmpp:ping'/></iq>");
    await browser.heard.next('the answer', (text) => text.includes("id='p'"));
  });

  it('opens, offers sign-in without STARTTLS, and binds', async () => {
    const browser = new Browsers().open();
    browser.say(OPEN);
    const header = await browser.heard.next('the header');
    assert.match(header, new RegExp(`^<open xmlns='${FRAMING}' from='${DOMAIN}' id='[0-9a-f]+' version='1.0' xml:lang='en'/>$`));
    const features = await browser.heard.next('the features');
    assert.match(features, /^<stream:features xmlns:stream='http:\/\/etherx\.jabber\.org\/streams'>/);
    assert.doesNotMatch(features, /starttls|-PLUS|channel-binding/);
  });

  it('writes stanzas as jabber:client, each by itself', async () => {
    const world = new Browsers();
    const nora = await world.signedIn();
    const omar = await world.signedIn('omar', 'paper');
    nora.say(`<message xmlns='jabber:client' to='omar@${DOMAIN}/web' type='chat' id='m1'><body>Grüße &lt;3</body></message>`);
    const came = await omar.heard.next('the message', (text) => text.includes('<body>'));
    assert.match(came, /^<message xmlns='jabber:client' [^>]*id='m1'/);
    assert.match(came, /<body>Grüße &lt;3<\/body>/);
    omar.say("<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>");
    assert.match(await omar.heard.next('the answer', (text) => text.includes("id='p'")), /^<iq xmlns='jabber:client' type='result'/);
  });

  it('says goodbye before it closes, whoever begins', async () => {
    const world = new Browsers();
    const one = await world.signedIn();
    one.say(CLOSE);
    assert.equal(await one.heard.next('its end', (text) => text.startsWith('<close')), CLOSE);
    assert.equal(one.closed, 'closed');
    const two = await world.signedIn();
    world.face.drain();
    assert.match(await two.heard.next('the error', (text) => text.startsWith('<stream:error')), /system-shutdown/);
    assert.equal(await two.heard.next('its end', (text) => text.startsWith('<close')), CLOSE);
  });

  it('a session whose connection is lost is resumed over another', async () => {
    const world = new Browsers();
    const first = await world.signedIn();
    first.say("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    const enabled = await first.heard.next('that it counts', (text) => text.startsWith('<enabled'));
    const [, id] = /id='([^']+)'/.exec(enabled) ?? [];
    first.lose();
    const omar = await world.signedIn('omar', 'paper');
    omar.say(`<message xmlns='jabber:client' to='nora@${DOMAIN}/web' type='chat'><body>meanwhile</body></message>`);
    await world.core.said.next('what omar says');
    const second = world.open();
    second.say(OPEN);
    second.say(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${base64('\0nora\0pencil')}</auth>`);
    await second.heard.next('success', (text) => text.startsWith('<success'));
    second.say(OPEN);
    second.say(`<resume xmlns='urn:xmpp:sm:3' previd='${id}' h='0'/>`);
    await second.heard.next('that it is resumed', (text) => text.startsWith('<resumed'));
    assert.match(await second.heard.next('the message', (text) => text.includes('<body>')), /^<message xmlns='jabber:client'.*meanwhile/);
  });
});

describe('messages that are no element', () => {
  for (const [what, text, condition] of [
    ['nothing', '', 'bad-format'],
    ['white space', ' ', 'bad-format'],
    ['white space before it', ` ${OPEN}`, 'bad-format'],
    ['text', 'hello', 'bad-format'],
    ['half an element', "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing'", 'bad-format'],
    ['an element that does not end', '<a>', 'bad-format'],
    ['two elements', `${OPEN}${OPEN}`, 'bad-format'],
    ['an element and half another', `${OPEN}<a`, 'bad-format'],
    ['an element and text', `${OPEN}x`, 'bad-format'],
    ['a stream of a connection', `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`, 'bad-format'],
    ['the end of one', '</stream:stream>', 'bad-format'],
    ['another word of the framing', `<opened xmlns='${FRAMING}'/>`, 'bad-format'],
    ['a comment', '<!-- -->', 'restricted-xml'],
    ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><a/>', 'restricted-xml'],
    ['an unknown entity', '<a>&b;</a>', 'restricted-xml'],
    ['another domain', OPEN.replace(DOMAIN, 'other.example'), 'host-unknown'],
    ['no version', OPEN.replace("version='1.0'", ''), 'unsupported-version'],
    ['a stanza before the header', '<presence/>', 'not-authorized'],
    ['more than fits before sign-in', `<a>${'x'.repeat(11_000)}</a>`, 'policy-violation'],
    ['too deep', '<a>'.repeat(40) + '</a>'.repeat(40), 'policy-violation'],
  ] as const) {
    it(`${what}: ${condition}`, async () => {
      const browser = new Browsers().open();
      browser.say(text);
      assert.match(await browser.heard.next('the header'), /^<open /);
      assert.match(await browser.heard.next('the error'), new RegExp(`^<stream:error xmlns:stream=[^>]*><${condition} `));
      assert.equal(await browser.heard.next('the end'), CLOSE);
      assert.equal(browser.closed, 'closed');
    });
  }

  it('an open stream ends for a stanza that is too large, and for two in one message', async () => {
    for (const [text, condition] of [
      [`<message xmlns='jabber:client'><body>${'x'.repeat(300_000)}</body></message>`, 'policy-violation'],
      ["<presence xmlns='jabber:client'/><presence xmlns='jabber:client'/>", 'bad-format'],
      [OPEN, 'bad-format'],
    ] as const) {
      const browser = await new Browsers().signedIn();
      browser.say(text);
      assert.match(await browser.heard.next('the error', (one) => one.startsWith('<stream:error')), new RegExp(condition));
    }
  });
});

describe('bounds', () => {
  it('a client that floods is not read until its time has come', async () => {
    const world = new Browsers();
    const browser = await world.signedIn();
    for (let count = 0; count < 500; count++)
      browser.say(`<message xmlns='jabber:client' to='omar@${DOMAIN}'><body>${'x'.repeat(5000)}</body></message>`);
    assert.equal(browser.paused, true);
    await world.clock.pass(600_000, 100);
    assert.equal(browser.paused, false);
  });

  it('who has not signed in may hold less', async () => {
    const world = new Browsers();
    assert.equal(world.open().most, 84 * 1024);
    assert.equal((await world.signedIn()).most, 576 * 1024);
  });

  it('a client that never reads is dropped', async () => {
    const browser = new Browsers().open(2 * 1024 * 1024);
    browser.say(OPEN);
    assert.equal(browser.closed, 'destroyed');
  });

  it('a client that does not sign in is sent away, one that is silent is asked and dropped', async () => {
    const world = new Browsers();
    const late = world.open();
    late.say(OPEN);
    await world.clock.pass(31_000);
    assert.match(await late.heard.next('the error', (text) => text.startsWith('<stream:error')), /connection-timeout/);
    const silent = await world.signedIn();
    await world.clock.pass(151_000);
    await silent.heard.next('a ping', (text) => text.includes('urn:xmpp:ping'));
    await world.clock.pass(151_000);
    assert.equal(silent.closed, 'destroyed');
  });
});
