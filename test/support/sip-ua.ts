// A person with a SIP client: REGISTER with digest, PUBLISH, SUBSCRIBE, MESSAGE over one TCP or TLS connection to the own SIP
// server; answers MESSAGE, NOTIFY and OPTIONS. Its Contact is the connection's own address, so the server comes back on it.

import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { addressOf, header, headers, method, parameter, printSip, SipCutter, type SipText, status, uriOf } from './sip-message.ts';
import { Inbox, PATIENCE_MS } from './wait.ts';

export interface SipUaOptions {
  readonly user: string;
  readonly domain: string;
  readonly password: string;
  /** What it writes into credentials; default: `user`. */
  readonly username?: string;
  readonly address: string;
  readonly port?: number;
  /** TLS instead of TCP. */
  readonly tls?: ConnectionOptions;
}

/** What requests of one dialog share; a request outside one has its own. */
interface Dialog {
  readonly callId: string;
  readonly localTag: string;
  remoteTag: string;
  routes: string[];
  cseq: number;
}

/** A subscription of ours. */
export interface Watch extends Dialog {
  readonly target: string;
  remoteTarget: string;
}

/** What one NOTIFY said. */
export interface Notice {
  readonly from: string;
  readonly state: string;
  readonly reason: string | undefined;
  readonly body: string;
  readonly message: SipText;
}

export class SipUa {
  readonly aor: string;
  readonly messages: Inbox<SipText>;
  readonly notices: Inbox<Notice>;
  /** What this agent answers to the next MESSAGEs; 200 unless a scene says otherwise. */
  answerMessagesWith = '200 OK';
  readonly #options: SipUaOptions;
  readonly #socket: Socket;
  readonly #responses: Inbox<SipText>;
  readonly #cutter = new SipCutter();
  /** The last challenge of the registrar and of the proxy: answered in advance from then on. */
  readonly #challenges = new Map<'Authorization' | 'Proxy-Authorization', string>();
  #etag: string | undefined;

  private constructor(options: SipUaOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.aor = `${options.user}@${options.domain}`;
    this.messages = new Inbox(`the messages of ${this.aor}`);
    this.notices = new Inbox(`the notifications of ${this.aor}`);
    this.#responses = new Inbox(`the responses of ${this.aor}`);
    socket.on('data', (bytes: Buffer) => {
      for (const message of this.#cutter.push(bytes)) this.#take(message);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#responses.end(new Error(`${this.aor}: the server closed the connection`)));
  }

  /** Connects and registers. */
  static async signIn(options: SipUaOptions): Promise<SipUa> {
    const where = { host: options.address, port: options.port ?? 5060 };
    const socket = options.tls === undefined ? connect(where) : connectTls({ ...where, ...options.tls });
    await new Promise((resolve, reject) => {
      socket.once(options.tls === undefined ? 'connect' : 'secureConnect', resolve);
      socket.once('error', reject);
    });
    const ua = new SipUa(options, socket);
    const answer = await ua.#request('REGISTER', `sip:${options.domain}`, ua.aor, ['Expires: 600']);
    if (status(answer) !== 200) throw new Error(`REGISTER of ${ua.aor}: ${answer.start}`);
    return ua;
  }

  /** Sends a MESSAGE and returns the final response. */
  message(
    to: string,
    body: string,
    lines: readonly string[] = [],
    more: { readonly type?: string; readonly callId?: string } = {},
  ): Promise<SipText> {
    const type = more.type ?? 'text/plain;charset=UTF-8';
    const dialog = { ...newDialog(), ...(more.callId === undefined ? {} : { callId: more.callId }) };
    return this.#request('MESSAGE', `sip:${to}`, to, [`Content-Type: ${type}`, ...lines], body, dialog);
  }

  /** Publishes what this person's state is (one tuple). */
  async publish(
    basic: 'open' | 'closed',
    more: { readonly activity?: string; readonly note?: string; readonly show?: string } = {},
  ): Promise<void> {
    const lines = [
      'Event: presence',
      'Expires: 600',
      'Content-Type: application/pidf+xml',
      ...(this.#etag === undefined ? [] : [`SIP-If-Match: ${this.#etag}`]),
    ];
    const answer = await this.#request('PUBLISH', `sip:${this.aor}`, this.aor, lines, pidf(this.aor, basic, more));
    if (status(answer) !== 200) throw new Error(`PUBLISH of ${this.aor}: ${answer.start}`);
    this.#etag = header(answer, 'sip-etag');
  }

  /** Subscribes to somebody's presence. @returns the dialog, or the refusal's status */
  async subscribe(target: string, expires = 600): Promise<{ readonly status: number; readonly watch: Watch }> {
    const watch: Watch = { ...newDialog(), target, remoteTarget: `sip:${target}` };
    return { status: status(await this.resubscribe(watch, expires)), watch };
  }

  /** Refreshes a subscription, or ends it with `expires` 0. */
  async resubscribe(watch: Watch, expires: number): Promise<SipText> {
    const answer = await this.#request(
      'SUBSCRIBE',
      watch.remoteTarget,
      watch.target,
      ['Event: presence', `Expires: ${expires}`, 'Accept: application/pidf+xml'],
      '',
      watch,
    );
    if (watch.remoteTag === '' && status(answer) < 300) {
      watch.remoteTag = parameter(header(answer, 'to'), 'tag') ?? '';
      watch.remoteTarget = uriOf(header(answer, 'contact'));
      watch.routes = headers(answer, 'record-route')
        .flatMap((value) => value.split(/,\s*(?=<)/))
        .reverse();
    }
    return answer;
  }

  /** Waits for a NOTIFY about that address. */
  notice(from: string, fits: (notice: Notice) => boolean = () => true, withinMs?: number): Promise<Notice> {
    return this.notices.next(`a NOTIFY about ${from}`, (notice) => notice.from === from && fits(notice), withinMs);
  }

  /** Waits for a MESSAGE from that address. */
  messageFrom(from: string, fits: (message: SipText) => boolean = () => true, withinMs?: number): Promise<SipText> {
    return this.messages.next(
      `a MESSAGE from ${from}`,
      (message) => addressOf(header(message, 'from')) === from && fits(message),
      withinMs,
    );
  }

  close(): void {
    this.#socket.destroy();
  }

  get #contact(): string {
    const transport = this.#options.tls === undefined ? 'tcp' : 'tls';
    return `sip:${this.#options.user}@${this.#socket.localAddress}:${this.#socket.localPort};transport=${transport}`;
  }

  /** One request, with the digest answered when the server asks. */
  async #request(
    name: string,
    uri: string,
    to: string,
    lines: readonly string[],
    body = '',
    dialog: Dialog = newDialog(),
  ): Promise<SipText> {
    for (let attempt = 0; ; attempt += 1) {
      dialog.cseq += 1;
      const branch = `z9hG4bK${token()}`;
      const transport = this.#options.tls === undefined ? 'TCP' : 'TLS';
      this.#socket.write(
        printSip(
          `${name} ${uri} SIP/2.0`,
          [
            `Via: SIP/2.0/${transport} ${this.#socket.localAddress}:${this.#socket.localPort};branch=${branch};rport;alias`,
            ...dialog.routes.map((route) => `Route: ${route}`),
            `From: <sip:${this.aor}>;tag=${dialog.localTag}`,
            `To: <sip:${to}>${dialog.remoteTag === '' ? '' : `;tag=${dialog.remoteTag}`}`,
            `Call-ID: ${dialog.callId}`,
            `CSeq: ${dialog.cseq} ${name}`,
            'Max-Forwards: 70',
            `Contact: <${this.#contact}>`,
            ...lines,
            ...this.#credentials(name, uri),
          ],
          body,
        ),
      );
      const answer = await this.#responses.next(
        `the answer to ${name} ${uri}`,
        (one) => status(one) >= 200 && header(one, 'via').includes(branch),
        35_000 + PATIENCE_MS,
      );
      if (attempt > 0 || (status(answer) !== 401 && status(answer) !== 407)) return answer;
      if (status(answer) === 401) this.#challenges.set('Authorization', header(answer, 'www-authenticate'));
      else this.#challenges.set('Proxy-Authorization', header(answer, 'proxy-authenticate'));
    }
  }

  /** RFC 2617 digest without qop, which every server takes. */
  #credentials(name: string, uri: string): string[] {
    const kind = name === 'REGISTER' ? 'Authorization' : 'Proxy-Authorization';
    const challenge = this.#challenges.get(kind);
    if (challenge === undefined) return [];
    const field = (key: string): string => new RegExp(`${key}="([^"]*)"`).exec(challenge)?.[1] ?? '';
    const { password, username: user = this.#options.user } = this.#options;
    const [realm, nonce] = [field('realm'), field('nonce')];
    const answer = md5(`${md5(`${user}:${realm}:${password}`)}:${nonce}:${md5(`${name}:${uri}`)}`);
    return [`${kind}: Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${answer}", algorithm=MD5`];
  }

  #take(message: SipText): void {
    if (status(message) > 0) {
      this.#responses.push(message);
      return;
    }
    const name = method(message);
    if (name === 'MESSAGE') {
      this.messages.push(message);
      this.#respond(message, this.answerMessagesWith);
      return;
    }
    if (name === 'NOTIFY') {
      const state = header(message, 'subscription-state');
      this.notices.push({
        from: addressOf(header(message, 'from')),
        state: state.split(';')[0]?.trim() ?? '',
        reason: parameter(state, 'reason'),
        body: message.body,
        message,
      });
    }
    this.#respond(message, name === 'NOTIFY' || name === 'OPTIONS' ? '200 OK' : '405 Method Not Allowed');
  }

  #respond(request: SipText, line: string): void {
    const to = header(request, 'to');
    this.#socket.write(
      printSip(`SIP/2.0 ${line}`, [
        ...headers(request, 'via').map((value) => `Via: ${value}`),
        ...headers(request, 'record-route').map((value) => `Record-Route: ${value}`),
        `From: ${header(request, 'from')}`,
        `To: ${parameter(to, 'tag') === undefined ? `${to};tag=${token()}` : to}`,
        `Call-ID: ${header(request, 'call-id')}`,
        `CSeq: ${header(request, 'cseq')}`,
        `Contact: <${this.#contact}>`,
      ]),
    );
  }
}

/** A presence document with one tuple, as a SIMPLE client writes it. */
export function pidf(
  aor: string,
  basic: 'open' | 'closed',
  more: { readonly activity?: string; readonly note?: string; readonly show?: string } = {},
): string {
  const note = more.note === undefined ? '' : `<note>${more.note}</note>`;
  const show = more.show === undefined ? '' : `<show xmlns="jabber:client">${more.show}</show>`;
  const person = more.activity === undefined ? '' : `<dm:person id="p1"><r:activities><r:${more.activity}/></r:activities></dm:person>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:${aor}"><tuple id="t1"><status><basic>${basic}</basic>${show}</status><contact>sip:${aor}</contact>${note}</tuple>${person}</presence>`;
}

/** `open`, `closed`, or '' when the document says neither. The best of several tuples: open. */
export function basicOf(body: string): string {
  const all = [...body.matchAll(/<(?:\w+:)?basic>\s*(\w+)\s*</g)].map((match) => match[1]);
  return all.includes('open') ? 'open' : (all[0] ?? '');
}

function newDialog(): Dialog {
  return { callId: token(), localTag: token(), remoteTag: '', routes: [], cseq: 0 };
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

function token(): string {
  return crypto.randomUUID().slice(0, 13).replace('-', '');
}
