// The presence half of the SIP shore on a table: a clock that stands still, a store in memory, a neck played by the test,
// and a far end whose requests are real bytes through the real parser.

import assert from 'node:assert/strict';
import { SILENT } from '../../../src/log.ts';
import type { Address } from '../../../src/model/address.ts';
import type { Event, PresenceEvent, Side } from '../../../src/model/event.ts';
import { HANDED_OVER, type Outcome } from '../../../src/model/outcome.ts';
import type { Delivery, Hop } from '../../../src/model/ports.ts';
import type { DialogRecord, DialogStore } from '../../../src/model/stores.ts';
import type { Partner, Table } from '../../../src/model/table.ts';
import type { Dialog } from '../../../src/protocols/sip/dialog.ts';
import { DialogTable } from '../../../src/protocols/sip/dialog-table.ts';
import type { BuildRequest, Handler, InboundRequest, OutgoingReply, SipAnswer } from '../../../src/protocols/sip/exchange.ts';
import { parseNameAddr } from '../../../src/protocols/sip/headers/name-addr.ts';
import type { HeaderList, SipRequest, SipResponse } from '../../../src/protocols/sip/message.ts';
import { parseMessage } from '../../../src/protocols/sip/parse.ts';
import { SipPresence } from '../../../src/protocols/sip/presence.ts';
import { parseSipUri } from '../../../src/protocols/sip/uri.ts';
import { ManualClock } from '../../support/manual-clock.ts';

export const nora: Address = { local: 'nora', domain: 'fabrikam.example' };
export const li: Address = { local: 'li', domain: 'contoso.example' };

/** A request of ours on its way to the far end. */
export interface Outgoing {
  readonly method: string;
  readonly uri: string;
  readonly hop: Hop;
  readonly body: string;
  header(name: string): string | undefined;
  /** The far end's final answer; a number alone is the status. */
  answer(status: number, headers?: Readonly<Record<string, string>>): Promise<void>;
  /** No answer comes. */
  lose(): Promise<void>;
}

export function memoryDialogs(): DialogStore & { readonly rows: Map<string, DialogRecord> } {
  const rows = new Map<string, DialogRecord>();
  return {
    rows,
    async put(record) {
      rows.set(record.id, record);
    },
    async remove(id) {
      rows.delete(id);
    },
    all: async () => [...rows.values()],
  };
}

export function parsed(text: string, body = ''): SipRequest | SipResponse {
  const message = parseMessage(Buffer.from(text), Buffer.from(body));
  if (message.kind === 'error') throw new Error(message.message);
  return message;
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class PresenceWorld {
  readonly clock = new ManualClock();
  readonly store = memoryDialogs();
  readonly out: Outgoing[] = [];
  readonly told: PresenceEvent[] = [];
  side: Side = 'edge';
  dialect: 'standard' | 'lync' = 'standard';
  random = 0.5;
  /** The neck: what it answers to an event, and what it delivers meanwhile. */
  neck: (event: PresenceEvent) => Outcome | Promise<Outcome> = () => HANDED_OVER;
  presence!: SipPresence;
  dialogs!: DialogTable;
  #handlers = new Map<string, Handler>();
  #ids = 0;

  constructor() {
    this.start();
  }

  /** A (new) process over the same store. */
  start(): void {
    this.presence?.close();
    this.dialogs = new DialogTable();
    this.#handlers = new Map();
    this.out.length = 0;
    this.told.length = 0;
    const partner = { sip: { dialect: this.dialect, use6xx: false }, domains: ['fabrikam.example'] } as unknown as Partner; // what presence reads of it
    const table = { domains: new Map(), partners: new Map([['fabrikam.example', partner]]) } as unknown as Table; // likewise
    this.presence = new SipPresence({
      shore: {
        dialogs: this.dialogs,
        handle: (method, handler) => void this.#handlers.set(method, handler),
        contactUri: (_side, transport, user) => `sip:${user === undefined ? '' : `${user}@`}edge.contoso.example;transport=${transport}`,
        request: (hop, build) => this.#send(hop, build),
        requestInDialog: (hop, dialog, request, options) => this.#sendInside(hop, dialog, request, options?.contactUser),
      },
      submit: async (event: Event) => {
        this.told.push(event as PresenceEvent); // this half submits nothing else
        return this.neck(event as PresenceEvent);
      },
      table: () => table,
      dialogs: this.store,
      spellings: { get: async () => undefined, put: async () => {} },
      clock: this.clock,
      ids: { event: () => `id${++this.#ids}`, token: () => `tag${++this.#ids}` },
      log: SILENT,
      random: () => this.random,
    });
  }

  /** An event of the neck for this shore. */
  async deliver(event: PresenceEvent): Promise<Outcome> {
    const hop: Hop = { network: 'sip', side: this.side, ourDomain: 'contoso.example', theirDomain: 'fabrikam.example' };
    const delivery: Delivery = { event, hop, attempt: 1, deadlineMs: 32_000, signal: new AbortController().signal, written() {} };
    const outcome = await this.presence.deliver(delivery, event);
    await settle();
    return outcome;
  }

  /** A request of the far end, whose domain is fabrikam.example unless `domain` says otherwise. */
  async receive(method: string, headers: Readonly<Record<string, string>>, body = '', domain = 'fabrikam.example'): Promise<OutgoingReply> {
    const lines = {
      Via: 'SIP/2.0/TLS edge.fabrikam.example;branch=z9hG4bKx',
      'Max-Forwards': '70',
      From: `<sip:nora@${domain}>;tag=n0ra`,
      To: '<sip:li@contoso.example>',
      'Call-ID': 'call-1',
      CSeq: `1 ${method}`,
      Contact: '<sip:nora@pc.fabrikam.example>',
      Event: 'presence',
      ...headers,
    };
    const uri = 'sip:li@contoso.example';
    const text = `${method} ${uri} SIP/2.0\r\n${Object.entries(lines)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}`;
    const message = parsed(text, body) as SipRequest;
    const from = parseNameAddr(lines.From);
    const to = parseNameAddr(lines.To);
    const fromUri = parseSipUri(from?.uri ?? '');
    const requestUri = parseSipUri(uri);
    assert.ok(from?.tag !== undefined && to !== undefined && fromUri !== undefined && requestUri !== undefined);
    const handler = to.tag === undefined ? this.#handlers.get(method) : this.dialogs.find(lines['Call-ID'], to.tag);
    if (handler === undefined) return { status: 481 };
    const request = {
      message,
      connection: 'c1',
      side: this.side,
      peer: { side: this.side, address: '192.0.2.1', port: 5061, names: ['fabrikam.example'] },
      from,
      to,
      fromUri,
      uri: requestUri,
      fromDomain: fromUri.host,
      toDomain: requestUri.host,
      proof: 'certificate',
      callId: lines['Call-ID'],
      cseq: Number.parseInt(lines.CSeq, 10),
      fromTag: from.tag,
      ...(to.tag === undefined ? {} : { toTag: to.tag }),
      branch: 'z9hG4bKx',
      maxForwards: 70,
    } as unknown as InboundRequest; // the peer's questions of identity have been asked by intake
    let reply: OutgoingReply | undefined;
    void handler(request).then((said) => {
      reply = said;
    });
    await settle();
    for (let tick = 0; reply === undefined && tick < 10; tick++) {
      this.clock.advance(1000);
      await settle();
    }
    assert.ok(reply !== undefined, 'no reply');
    this.clock.advance(1); // NOTIFY follows the 200
    await settle();
    return reply;
  }

  /** A NOTIFY of the far end in the dialog that a SUBSCRIBE of ours began. */
  notify(
    subscribe: Outgoing,
    cseq: number,
    state: string,
    body = '',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<OutgoingReply> {
    return this.receive(
      'NOTIFY',
      {
        From: '<sip:nora@fabrikam.example>;tag=theirs',
        To: subscribe.header('From') ?? '',
        'Call-ID': subscribe.header('Call-ID') ?? '',
        CSeq: `${cseq} NOTIFY`,
        'Subscription-State': state,
        'Content-Type': body === '' ? '' : 'application/pidf+xml',
        ...headers,
      },
      body,
    );
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settle();
    await settle();
  }

  /** The last request of ours. */
  get last(): Outgoing {
    const last = this.out.at(-1);
    assert.ok(last !== undefined, 'nothing was sent');
    return last;
  }

  /** What was told to the neck since the last look. */
  news(): string[] {
    return this.told.splice(0).map((event) => {
      const kind = event.kind.slice('presence.'.length);
      if (event.kind === 'presence.ended') return `${kind}:${event.reason}`;
      if (event.kind === 'presence.denied') return event.cause === undefined ? kind : `${kind} (${event.cause.code})`;
      if (event.kind !== 'presence.notified') return kind;
      return `${kind} ${event.document.endpoints.map((one) => `${one.id}:${one.availability}`).join(' ') || '-'}`;
    });
  }

  #send(hop: Hop, build: BuildRequest): Promise<SipAnswer> {
    const built = build({
      side: this.side,
      connection: 'c2',
      transport: 'TLS',
      contactUri: (user) => `sip:${user}@edge.contoso.example;transport=tls`,
    });
    return this.#record(hop, built.method, built.uri, built.headers, built.body);
  }

  #sendInside(
    hop: Hop,
    dialog: Dialog,
    request: { readonly method: string; readonly headers: HeaderList; readonly body?: Uint8Array | string },
    user: string | undefined,
  ): Promise<SipAnswer> {
    const next = dialog.nextRequest(request.method, request.headers);
    return this.#record(hop, next.method, next.uri, [...next.headers, ['Contact', `<sip:${user}@edge.contoso.example>`]], request.body);
  }

  #record(hop: Hop, method: string, uri: string, headers: HeaderList, body: Uint8Array | string = ''): Promise<SipAnswer> {
    const header = (name: string): string | undefined => headers.find(([each]) => each === name)?.[1];
    return new Promise((resolve) => {
      const finish = async (answer: SipAnswer): Promise<void> => {
        resolve(answer);
        await settle();
      };
      this.out.push({
        method,
        uri,
        hop,
        body: String(body),
        header,
        answer: (status, more = {}) => {
          const lines = {
            From: header('From') ?? '',
            To: `${(header('To') ?? '').replace(/;tag=.*/, '')};tag=theirs`,
            'Call-ID': header('Call-ID') ?? '',
            CSeq: header('CSeq') ?? '',
            Contact: '<sip:nora@pc.fabrikam.example>',
            ...more,
          };
          const text = `SIP/2.0 ${status} So\r\n${Object.entries(lines)
            .map(([name, value]) => `${name}: ${value}\r\n`)
            .join('')}`;
          return finish({ kind: 'response', response: parsed(text) as SipResponse, connection: 'c2', tries: 1 });
        },
        lose: () => finish({ kind: 'failed', reason: { code: 'PEER_TIMEOUT', blame: 'peer', retry: 0, text: 'no answer' } }),
      });
    });
  }
}

const ORIGIN = { network: 'xmpp', side: 'inside', peer: 'contoso.example', connection: 'c0', proof: 'inside' } as const;
let made = 0;
type Without<E> = E extends PresenceEvent ? Omit<E, 'id' | 'at' | 'origin' | 'from' | 'to'> : never;
export function event(from: Address, to: Address, said: Without<PresenceEvent>): PresenceEvent {
  return { id: `ev${++made}`, at: 1_750_000_000_000, origin: ORIGIN, from, to, ...said } as PresenceEvent;
}

export function pidf(...tuples: readonly (readonly [id: string, basic: string])[]): string {
  const all = tuples.map(([id, basic]) => `<tuple id="ID-${id}"><status><basic>${basic}</basic></status></tuple>`).join('');
  return `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:nora@fabrikam.example">${all}</presence>`;
}
