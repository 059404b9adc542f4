// The demo's SIP side: one user agent with presence behind a mutual-TLS socket, as small as SIP allows. It stands where an
// internal SIP system stands (`served: sip`): Isthmus connects to it, and it connects to Isthmus' inside listener.

import { randomBytes } from 'node:crypto';
import tls, { type Server, type TLSSocket } from 'node:tls';
import { writePidf } from '../protocols/sip/documents/pidf-writer.ts';
import { SipFramer } from '../protocols/sip/framing.ts';
import type { HeaderList, SipRequest, SipResponse } from '../protocols/sip/message.ts';
import { parseMessage } from '../protocols/sip/parse.ts';
import { printRequest } from '../protocols/sip/print.ts';
import { replyBytes } from '../protocols/sip/responses.ts';
import type { Presence } from './organisation.ts';

export interface SipOrganisationOptions {
  readonly domain: string;
  readonly user: string;
  readonly certificate: { readonly certPem: string; readonly keyPem: string; readonly rootPem: string };
  /** Isthmus' inside listener, once it is open. */
  readonly isthmus: () => { readonly host: string; readonly port: number };
  onRequest(request: SipRequest): void;
}

/** A subscription to our user's presence. */
interface Watcher {
  readonly subscribe: SipRequest;
  readonly tag: string;
  cseq: number;
}

export class SipOrganisation {
  readonly #options: SipOrganisationOptions;
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();
  readonly #waiting = new Map<string, (response: SipResponse) => void>();
  readonly #watchers = new Map<string, Watcher>();
  #out: TLSSocket | undefined;
  #state: Presence = { show: undefined, note: undefined };

  constructor(options: SipOrganisationOptions) {
    this.#options = options;
    const { certPem, keyPem, rootPem } = options.certificate;
    this.#server = tls.createServer({ cert: certPem, key: keyPem, ca: rootPem, requestCert: true, rejectUnauthorized: true }, (socket) =>
      this.#serve(socket),
    );
  }

  /** Listens on loopback. @returns the port */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  }

  /** Sends a MESSAGE and waits for its final response. */
  message(to: string, body: string): Promise<SipResponse> {
    return this.#request('MESSAGE', `sip:${to}`, [['Content-Type', 'text/plain;charset=UTF-8']], body);
  }

  /** Subscribes to somebody's presence; NOTIFY requests come through `onRequest`. */
  subscribe(to: string): Promise<SipResponse> {
    return this.#request('SUBSCRIBE', `sip:${to}`, [
      ['Event', 'presence'],
      ['Accept', 'application/pidf+xml'],
      ['Expires', '3600'],
      ['Contact', `<sip:${this.#options.user}@${this.#options.domain};transport=tls>`],
    ]);
  }

  /** Our user's state changes: everybody who watches is notified. */
  async publish(state: Presence): Promise<void> {
    this.#state = state;
    await Promise.all([...this.#watchers.values()].map((watcher) => this.#notify(watcher)));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: TLSSocket): void {
    const framer = new SipFramer();
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (this.#out === socket) this.#out = undefined;
    });
    socket.on('data', (chunk: Buffer) => {
      for (const frame of framer.push(chunk)) {
        if (frame.kind === 'ping') socket.write('\r\n');
        if (frame.kind !== 'message') continue;
        const message = parseMessage(frame.head, frame.body);
        if (message.kind === 'request') this.#answer(socket, message);
        else if (message.kind === 'response') this.#waiting.get(message.headers.get('call-id') ?? '')?.(message);
      }
    });
  }

  #answer(socket: TLSSocket, request: SipRequest): void {
    const { method, headers } = request;
    const tag = randomBytes(4).toString('hex');
    const more: HeaderList =
      method === 'SUBSCRIBE'
        ? [
            ['Expires', headers.get('expires') ?? '3600'],
            ['Contact', `<sip:${this.#options.user}@${this.#options.domain};transport=tls>`],
          ]
        : [];
    const source = { address: socket.remoteAddress ?? '127.0.0.1', port: socket.remotePort ?? 0 };
    const bytes = replyBytes(headers, { status: 200, headers: more, toTag: tag }, source, () => tag);
    if (bytes !== undefined) socket.write(bytes);
    this.#options.onRequest(request);
    if (method === 'SUBSCRIBE') {
      const watcher = { subscribe: request, tag, cseq: 0 };
      this.#watchers.set(headers.get('call-id') ?? '', watcher);
      void this.#notify(watcher);
    }
  }

  /** RFC 6665 §4.2.2: every SUBSCRIBE is answered by a NOTIFY with the full state. */
  #notify(watcher: Watcher): Promise<SipResponse> {
    const { headers } = watcher.subscribe;
    const { user, domain } = this.#options;
    const { show, note } = this.#state;
    const endpoint = {
      id: 'desk',
      availability: 'open',
      notes: note === undefined ? [] : [{ text: note, lang: 'en' }],
      at: Date.now(),
      ...(show !== undefined && { show }),
    } as const;
    const contact = /<([^>]+)>/.exec(headers.get('contact') ?? '')?.[1] ?? `sip:${domain}`;
    const routes = headers.all('record-route').map((route): readonly [string, string] => ['Route', route]);
    return this.#request(
      'NOTIFY',
      contact,
      [
        ...routes,
        ['Event', 'presence'],
        ['Subscription-State', 'active;expires=3600'],
        ['Content-Type', 'application/pidf+xml'],
        ['Contact', `<sip:${user}@${domain};transport=tls>`],
      ],
      writePidf({ local: user, domain }, { endpoints: [endpoint] }),
      {
        from: `${headers.get('to') ?? ''};tag=${watcher.tag}`,
        to: headers.get('from') ?? '',
        callId: headers.get('call-id') ?? '',
        cseq: ++watcher.cseq,
      },
    );
  }

  async #request(
    method: string,
    uri: string,
    headers: HeaderList,
    body = '',
    dialog?: { from: string; to: string; callId: string; cseq: number },
  ): Promise<SipResponse> {
    const { user, domain } = this.#options;
    const token = (): string => randomBytes(8).toString('hex');
    const callId = dialog?.callId ?? token();
    const socket = await this.#connection();
    const head: HeaderList = [
      ['Via', `SIP/2.0/TLS sip.${domain};branch=z9hG4bK${token()};alias`],
      ['Max-Forwards', '70'],
      ['From', dialog?.from ?? `<sip:${user}@${domain}>;tag=${token()}`],
      ['To', dialog?.to ?? `<${uri}>`],
      ['Call-ID', callId],
      ['CSeq', `${dialog?.cseq ?? 1} ${method}`],
      ...headers,
    ];
    const answer = new Promise<SipResponse>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${method} ${uri} within 10 s`)), 10_000);
      this.#waiting.set(callId, (response) => {
        clearTimeout(timer);
        this.#waiting.delete(callId);
        resolve(response);
      });
    });
    socket.write(printRequest({ method, uri, headers: head, body }));
    return answer;
  }

  /** One connection to Isthmus, with our certificate, kept open. */
  #connection(): Promise<TLSSocket> {
    const open = this.#out;
    if (open !== undefined && !open.destroyed) return Promise.resolve(open);
    const { certPem, keyPem, rootPem } = this.#options.certificate;
    const { host, port } = this.#options.isthmus();
    return new Promise((resolve, reject) => {
      const socket = tls.connect({ host, port, cert: certPem, key: keyPem, ca: rootPem, servername: this.#options.domain }, () => {
        this.#out = socket;
        this.#serve(socket);
        resolve(socket);
      });
      socket.once('error', reject);
    });
  }
}
