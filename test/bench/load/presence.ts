// Presence in the bench: watchers and presentities at both ends, subscriptions made once, then rounds of change. One change is
// one new state of every presentity; it is over when every watcher has been told. A change carries its number as the note.

import { createHash } from 'node:crypto';
import { CORE_DOMAIN, CORE_PASSWORD, type FeedName, type Ports, type RunResult, SIP_DOMAIN, SIP_HOST, XMPP_DOMAIN } from '../cast.ts';
import { pause } from './pace.ts';
import type { Roads } from './roads.ts';
import { answer, field, type SipLine, type SipMessage } from './sip-end.ts';
import { attribute } from './xmpp-end.ts';

/** Everybody is told within this time, or counts as a failure. Coalescing in the subject may take 5 s of it. */
const PATIENCE_MS = 20_000;

interface Feed {
  readonly name: FeedName;
  readonly pairs: readonly { readonly watcher: string; readonly presentity: string }[];
  readonly presentities: readonly string[];
}

/** A subscription that somebody has at our SIP end. */
interface Watched {
  readonly presentity: string;
  readonly watcher: string;
  readonly line: SipLine;
  readonly subscribe: SipMessage;
  cseq: number;
}

export class PresenceFeeds {
  readonly #roads: Roads;
  readonly #ports: Ports;
  readonly #feeds = new Map<FeedName, Feed>();
  /** By Call-ID. */
  readonly #watched = new Map<string, Watched>();
  readonly #etags = new Map<string, string>();
  /** Pairs that have not heard of `#note` yet. */
  #missing = new Set<string>();
  #note = 'none';
  #changes = 0;
  readonly #doors = new Map<string, number>();
  readonly #registering = new Map<string, (answer: SipMessage) => void>();

  constructor(roads: Roads, ports: Ports) {
    this.#roads = roads;
    this.#ports = ports;
    const before = roads.sip.onResponse;
    roads.sip.onResponse = (message) => {
      this.#registering.get(field(message.head, 'Call-ID') ?? '')?.(message);
      const etag = field(message.head, 'SIP-ETag');
      if (etag === undefined) before(message);
      else this.#etags.set(/sip:([^@]+)@/.exec(field(message.head, 'To') ?? '')?.[1] ?? '', etag);
    };
  }

  async subscribe(name: FeedName, watchers: number, presentities: number): Promise<void> {
    const stem = {
      'isthmus notify-out': 'a',
      'isthmus notify-in': 'b',
      'kamailio presence': 'c',
      'core presence': 'd',
      'kamailio presence each': 'e',
    }[name];
    const people = Array.from({ length: presentities }, (_, index) => `${stem}p${index}`);
    const pairs = people.flatMap((presentity) =>
      Array.from({ length: watchers }, (_, index) => ({ watcher: `${stem}w${index}`, presentity })),
    );
    const feed = { name, pairs, presentities: people };
    this.#feeds.set(name, feed);
    if (name === 'core presence')
      for (const user of [...people, ...pairs.slice(0, watchers).map(({ watcher }) => watcher)]) await this.#register(user);
    if (isPublished(name)) {
      for (const user of people) this.#etags.delete(user); // those of a process before this one
      await this.#publish(name, people);
      // What is published next replaces this, so its entity tag must be known.
      const since = performance.now();
      while (people.some((user) => !this.#etags.has(user)) && performance.now() - since < PATIENCE_MS) await pause(5);
    }
    this.#expect(feed);
    for (const [index, pair] of pairs.entries()) {
      if (name === 'isthmus notify-in') await this.#subscribeXmpp(pair.watcher, pair.presentity);
      else await this.#subscribeSip(name, pair.watcher, pair.presentity);
      if (index % 50 === 49) await pause(10);
    }
    if (isPublished(name)) await this.#publish(name, people);
    const left = await this.#told();
    if (left > 0) throw new Error(`${name}: ${left} of ${pairs.length} watchers were never shown anything`);
  }

  async change(name: FeedName): Promise<RunResult> {
    const feed = this.#feeds.get(name);
    if (feed === undefined) throw new Error(`${name} has no subscriptions yet`);
    this.#expect(feed);
    const started = performance.now();
    if (isPublished(name)) await this.#publish(name, feed.presentities);
    else if (name === 'isthmus notify-in') {
      for (const watched of this.#watched.values()) this.#notify(watched);
    } else {
      const stream = await this.#roads.stream();
      for (const { watcher, presentity } of feed.pairs) stream.write(this.#stanza(watcher, presentity));
    }
    const failures = await this.#told();
    const ms = performance.now() - started;
    return { messages: feed.pairs.length - failures, failures, ms };
  }

  /** SUBSCRIBE and NOTIFY, in either direction. */
  tookRequest(message: SipMessage, line: SipLine): void {
    if (message.start.startsWith('NOTIFY ')) {
      line.write(answer(message, 'watcher'));
      if (message.body.includes(`>${this.#note}<`)) this.#missing.delete(`${userOf(message, 'To')} ${userOf(message, 'From')}`);
      return;
    }
    const contact = `Contact: <sip:end@${SIP_HOST}:${this.#ports.sipEnd};transport=tls>\r\n`;
    line.write(answer(message, 'presentity', `${contact}Expires: ${field(message.head, 'Expires') ?? 3600}\r\n`));
    if (!message.start.startsWith('SUBSCRIBE ')) return;
    const watched: Watched = { presentity: userOf(message, 'To'), watcher: userOf(message, 'From'), line, subscribe: message, cseq: 0 };
    this.#watched.set(field(message.head, 'Call-ID') ?? '', watched);
    this.#notify(watched);
  }

  tookPresence(text: string): void {
    const [watcher = '', presentity = ''] = [attribute(text, 'to'), attribute(text, 'from')].map((jid) => jid.split('@')[0]);
    const type = attribute(text, 'type');
    if (type === 'subscribe') {
      // Our user is the presentity: approves, and is shown.
      void this.#roads.stream().then((stream) => {
        const from = `from='${watcher}@${XMPP_DOMAIN}' to='${presentity}@${SIP_DOMAIN}'`;
        stream.write(`<presence type='subscribed' ${from}/>${this.#stanza(presentity, watcher)}`);
      });
    } else if (text.includes(`>${this.#note}<`)) this.#missing.delete(`${watcher} ${presentity}`);
  }

  #expect({ pairs }: Feed): void {
    this.#changes += 1;
    this.#note = `change ${this.#changes}`;
    this.#missing = new Set(pairs.map(({ watcher, presentity }) => `${watcher} ${presentity}`));
  }

  async #told(): Promise<number> {
    const began = performance.now();
    while (this.#missing.size > 0 && performance.now() - began < PATIENCE_MS) await pause(3);
    return this.#missing.size;
  }

  async #subscribeXmpp(watcher: string, presentity: string): Promise<void> {
    const stream = await this.#roads.stream();
    stream.write(
      `<presence type='subscribe' from='${watcher}@${XMPP_DOMAIN}' to='${presentity}@${SIP_DOMAIN}' id='s${watcher}${presentity}'/>`,
    );
  }

  async #subscribeSip(name: FeedName, watcher: string, presentity: string): Promise<void> {
    if (name === 'isthmus notify-out') await this.#roads.stream();
    const to = SUBSCRIBED_AT[name];
    const line = await this.#line(name, watcher);
    const of = `${presentity}@${to.of}`;
    const by = domainOf(name);
    const door = name === 'kamailio presence each' ? await this.#doorOf(watcher) : this.#ports.sipEnd;
    line.write(
      request('SUBSCRIBE', `sip:${of}`, `<sip:${watcher}@${by}>;tag=s`, `<sip:${of}>`, `s${watcher}${presentity}`, 1, [
        'Event: presence',
        'Accept: application/pidf+xml',
        'Expires: 3600',
        `Contact: <sip:${watcher}@127.0.0.1:${door};transport=tls>`,
      ]),
    );
  }

  async #publish(name: FeedName, people: readonly string[]): Promise<void> {
    for (const user of people) {
      const line = await this.#line(name, user);
      const etag = this.#etags.get(user);
      const more = ['Event: presence', 'Expires: 3600', 'Content-Type: application/pidf+xml'];
      if (etag !== undefined) more.push(`SIP-If-Match: ${etag}`);
      const uri = `sip:${user}@${domainOf(name)}`;
      const callId = `p${user}${this.#note}`.replaceAll(' ', '');
      line.write(request('PUBLISH', uri, `<${uri}>;tag=p`, `<${uri}>`, callId, 1, more, this.#pidf(user, domainOf(name))));
    }
  }

  async #doorOf(watcher: string): Promise<number> {
    const known = this.#doors.get(watcher) ?? (await this.#roads.sip.listenToo());
    this.#doors.set(watcher, known);
    return known;
  }

  /** Users of the core have a connection each, as clients do; the others come through a server of theirs. */
  #line(name: FeedName, user: string): Promise<SipLine> {
    return this.#roads.line(this.#ports[SUBSCRIBED_AT[name].port], name === 'core presence' ? user : '');
  }

  /** RFC 3261 §10.2, §22: asked for a password once, signed in on the connection from then on. */
  async #register(user: string): Promise<void> {
    const line = await this.#line('core presence', user);
    const [uri, own, callId] = [`sip:${CORE_DOMAIN}`, `<sip:${user}@${CORE_DOMAIN}>`, `r${user}`];
    const more = ['Expires: 3600', `Contact: <sip:${user}@127.0.0.1:${this.#ports.sipEnd};transport=tls>`];
    const ask = async (cseq: number, credentials: readonly string[]): Promise<SipMessage> => {
      const answered = new Promise<SipMessage>((resolve) => this.#registering.set(callId, resolve));
      line.write(request('REGISTER', uri, `${own};tag=r`, own, callId, cseq, [...more, ...credentials]));
      return answered;
    };
    const challenge = await ask(1, []);
    const nonce = /algorithm=MD5/.test(challenge.head)
      ? /nonce="([^"]+)"/.exec(field(challenge.head, 'WWW-Authenticate') ?? '')?.[1]
      : undefined;
    if (nonce === undefined) throw new Error(`${user} was not asked for a password: ${challenge.start}`);
    const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
    const response = md5(`${md5(`${user}:${CORE_DOMAIN}:${CORE_PASSWORD}`)}:${nonce}:00000001:bench:auth:${md5(`REGISTER:${uri}`)}`);
    const digest =
      `Authorization: Digest username="${user}", realm="${CORE_DOMAIN}", nonce="${nonce}", uri="${uri}", response="${response}", ` +
      'algorithm=MD5, qop=auth, nc=00000001, cnonce="bench"';
    const done = await ask(2, [digest]);
    if (!done.start.startsWith('SIP/2.0 200')) throw new Error(`${user} could not register: ${done.start}`);
  }

  #notify(watched: Watched): void {
    const { head } = watched.subscribe;
    watched.cseq += 1;
    const uri = /<([^>]+)>/.exec(field(head, 'Contact') ?? '')?.[1] ?? '';
    const to = field(head, 'To') ?? '';
    const [us, them] = [to.includes(';tag=') ? to : `${to};tag=presentity`, field(head, 'From') ?? ''];
    const more = [
      'Event: presence',
      'Subscription-State: active;expires=3600',
      'Content-Type: application/pidf+xml',
      `Contact: <sip:end@${SIP_HOST}:${this.#ports.sipEnd};transport=tls>`,
    ];
    const callId = field(head, 'Call-ID') ?? '';
    watched.line.write(request('NOTIFY', uri, us, them, callId, watched.cseq, more, this.#pidf(watched.presentity)));
  }

  #stanza(watcher: string, presentity: string): string {
    const ends = `from='${presentity}@${XMPP_DOMAIN}/pad' to='${watcher}@${SIP_DOMAIN}'`;
    return `<presence ${ends}><show>away</show><status>${this.#note}</status></presence>`;
  }

  #pidf(user: string, domain: string = SIP_DOMAIN): string {
    return (
      `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:${user}@${domain}">` +
      `<tuple id="desk"><status><basic>open</basic></status><note>${this.#note}</note></tuple></presence>`
    );
  }
}

/** Where a feed's watchers subscribe, and at which domain those are whom they watch. */
const SUBSCRIBED_AT = {
  'isthmus notify-out': { port: 'isthmusSip', of: XMPP_DOMAIN },
  'isthmus notify-in': { port: 'isthmusSip', of: SIP_DOMAIN },
  'kamailio presence': { port: 'kamailio', of: SIP_DOMAIN },
  'kamailio presence each': { port: 'kamailio', of: SIP_DOMAIN },
  'core presence': { port: 'coreSip', of: CORE_DOMAIN },
} as const satisfies Record<FeedName, { readonly port: keyof Ports; readonly of: string }>;

/** Changes come by PUBLISH; else by NOTIFY or presence from the other side of a border. */
function isPublished(name: FeedName): boolean {
  return name.startsWith('kamailio presence') || name === 'core presence';
}

function domainOf(name: FeedName): string {
  return name === 'core presence' ? CORE_DOMAIN : SIP_DOMAIN;
}

function userOf(message: SipMessage, name: 'From' | 'To'): string {
  return /sip:([^@]+)@/.exec(field(message.head, name) ?? '')?.[1] ?? '';
}

let branches = 0;

function request(
  method: string,
  uri: string,
  from: string,
  to: string,
  callId: string,
  cseq: number,
  more: readonly string[],
  body = '',
): string {
  branches += 1;
  const via = `Via: SIP/2.0/TLS ${SIP_HOST};branch=z9hG4bKp${process.pid}x${branches};alias`;
  const head = [via, 'Max-Forwards: 70', `From: ${from}`, `To: ${to}`, `Call-ID: ${callId}`, `CSeq: ${cseq} ${method}`, ...more];
  return `${method} ${uri} SIP/2.0\r\n${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
