// The servers around the edge, played by hand: a SIP system on plain TCP and an XMPP server that takes us as its component inside,
// the SIP partner's server outside. All keep what reaches them, answer each user as the user's name says, and confirm at once.

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Issued } from '../support/ca.ts';
import { header, headers, method, parameter, printSip, SipCutter, type SipText } from '../support/sip-message.ts';
import { child, type Stanza, StreamReader } from '../support/xml-stream.ts';

/** A TCP server on a free loopback port that can be closed with everybody on it. */
export class Door implements AsyncDisposable {
  readonly port: number;
  /** Connections so far. */
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, serve: (socket: Socket) => void) {
    this.#server = server;
    const { port } = server.address() as AddressInfo; // a TCP server has one
    this.port = port;
    server.on('connection', (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
      serve(socket);
    });
  }

  /** @param host `::` is every address of the machine */
  static async open(serve: (socket: Socket) => void, host = '127.0.0.1'): Promise<Door> {
    const server = createServer({ noDelay: true }).listen(0, host);
    await new Promise((resolve) => server.once('listening', resolve));
    return new Door(server, serve);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** What the SIP system answers for whom; everybody else exists and says yes. */
export const SIP_USERS: Readonly<Record<string, string>> = {
  unknown: '404 Not Found',
  gone: '410 Gone',
  blocks: '403 Forbidden',
  declines: '603 Decline',
};

export class SipSystem {
  /** Every request, oldest first. */
  readonly requests: SipText[] = [];
  readonly responses: SipText[] = [];
  door!: Door;

  /** @param shown its certificate: it speaks TLS then */
  static async open(shown?: Issued): Promise<SipSystem> {
    const system = new SipSystem();
    system.door = await Door.open((socket) => system.#serve(shown === undefined ? socket : secured(socket, shown)));
    return system;
  }

  #serve(socket: Socket): void {
    const cutter = new SipCutter();
    socket.on('data', (bytes: Buffer) => {
      for (const message of cutter.push(bytes)) {
        if (message.start.startsWith('SIP/2.0')) {
          this.responses.push(message);
          continue;
        }
        if (method(message) === 'OPTIONS') {
          socket.write(answer(message, '200 OK'));
          continue;
        }
        this.requests.push(message);
        const user = /^\S+ sips?:([^@;]*)@/.exec(message.start)?.[1] ?? '';
        const refusal = SIP_USERS[user];
        const more = method(message) === 'SUBSCRIBE' ? [`Contact: <sip:${user}@127.0.0.1>`, 'Expires: 3600'] : [];
        socket.write(answer(message, refusal ?? '200 OK', more));
      }
    });
  }
}

function secured(socket: Socket, shown: Issued): Socket {
  const secureContext = createSecureContext({ cert: shown.chainPem, key: shown.keyPem });
  return new TLSSocket(socket, { isServer: true, requestCert: true, rejectUnauthorized: false, secureContext }).on('error', () => {});
}

function answer(request: SipText, start: string, more: readonly string[] = []): string {
  const copied = ['Via', 'From', 'Call-ID', 'CSeq', 'Record-Route'].flatMap((name) =>
    headers(request, name).map((value) => `${name}: ${value}`),
  );
  const to = header(request, 'to');
  const tagged = parameter(to, 'tag') === undefined ? `${to};tag=in-${header(request, 'call-id').slice(0, 8)}` : to;
  return printSip(`SIP/2.0 ${start}`, [...copied, `To: ${tagged}`, ...more]);
}

/** What the XMPP server answers to a message for whom; everybody else exists. */
export const XMPP_USERS: Readonly<Record<string, string>> = {
  unknown: 'item-not-found',
  gone: 'gone',
  blocks: 'forbidden',
  declines: 'service-unavailable',
};
const STANZA_ERRORS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

export class InsideXmpp {
  /** Every stanza but pings, oldest first. */
  readonly stanzas: Stanza[] = [];
  /** All text that came. */
  transcript = '';
  door!: Door;
  #component: Socket | undefined;
  #joined!: () => void;
  /** Resolves when the component has shaken hands. */
  readonly joined = new Promise<void>((resolve) => {
    this.#joined = resolve;
  });

  static async open(): Promise<InsideXmpp> {
    const server = new InsideXmpp();
    server.door = await Door.open((socket) => server.#serve(socket));
    return server;
  }

  /** Sends a stanza of one of our users outward. */
  send(stanza: string): void {
    this.#component?.write(stanza);
  }

  #serve(socket: Socket): void {
    const reader = new StreamReader({
      opened: ({ to = '' }) =>
        socket.write(
          `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='${to}' id='s1'>`,
        ),
      element: (stanza) => this.#element(stanza, socket),
      closed: () => socket.end('</stream:stream>'),
    });
    socket.setEncoding('utf8').on('data', (text: string) => {
      this.transcript += text;
      reader.write(text);
    });
  }

  #element(stanza: Stanza, socket: Socket): void {
    const { from = '', to = '', id = '', type } = stanza.attrs;
    const back = `from='${to}' to='${from}' id='${id}'`;
    if (stanza.name === 'handshake') {
      socket.write('<handshake/>');
      this.#component = socket;
      this.#joined();
      return;
    }
    if (stanza.name === 'iq' && type === 'get' && child(stanza, 'ping') !== undefined) {
      socket.write(`<iq type='result' ${back}/>`);
      return;
    }
    this.stanzas.push(stanza);
    const condition = XMPP_USERS[/^([^@]*)@/.exec(to)?.[1] ?? ''];
    if (condition !== undefined && type !== 'error' && stanza.name !== 'iq' && (stanza.name === 'message' || type === 'subscribe'))
      socket.write(
        `<${stanza.name} type='error' ${back}><error type='cancel'><${condition} xmlns='${STANZA_ERRORS}'/></error></${stanza.name}>`,
      );
  }
}
