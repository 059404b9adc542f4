// Scripted servers for the zoo: each does one thing wrong, or nothing. They stand on loopback addresses of a namespace, at the
// standard ports, and know nothing of the rooms that they are to be diagnosed by.

import { createServer, type Server } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { type Credentials, RawStream } from '../support/raw-stream.ts';
import { child, type Stanza } from '../support/xml-stream.ts';
import { external, openStream, streamHeader } from '../support/xmpp-peer.ts';

const NS_TLS = 'urn:ietf:params:xml:ns:xmpp-tls';
const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';
const NS_STREAM_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams';

export interface Standing {
  close(): void;
}

async function stand(server: Server, address: string, port: number): Promise<Standing> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, resolve));
  return { close: () => void server.close() };
}

/** A web server. */
export function webServer(address: string, port: number): Promise<Standing> {
  const answer = 'HTTP/1.1 400 Bad Request\r\nServer: zoo\r\nConnection: close\r\n\r\n';
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(answer));
  });
  return stand(server, address, port);
}

/** Accepts and says nothing, for ever. */
export function silentServer(address: string, port: number): Promise<Standing> {
  return stand(
    createServer((socket) => void socket.on('error', () => {})),
    address,
    port,
  );
}

/** Headers of an answer that a request's sender recognises. */
function answerTo(request: string, status: string, more: readonly string[]): string {
  const kept = request.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq):/.test(line));
  return [`SIP/2.0 ${status}`, ...kept, ...more, 'Content-Length: 0', '', ''].join('\r\n');
}

/** A SIP server over TLS. @param status `undefined`: no answer at all */
export function sipServer(
  address: string,
  credentials: Credentials,
  script: { readonly status?: string | undefined; readonly headers?: readonly string[]; readonly tls?: TlsOptions } = { status: '200 OK' },
): Promise<Standing> {
  const { status, headers = [], tls = {} } = script;
  const own = { key: credentials.keyPem, cert: credentials.chainPem, requestCert: true, rejectUnauthorized: false };
  const server = createTlsServer({ ...own, ...tls }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      if (status !== undefined) socket.write(answerTo(bytes.toString('utf8'), status, headers));
    });
  });
  server.on('tlsClientError', () => {});
  return stand(server, address, 5061);
}

/** How an XMPP server is, or is broken. */
export interface XmppScript {
  /** A stream error instead of features: before TLS, or instead of what follows EXTERNAL. */
  readonly errorAt?: { readonly when: 'start' | 'afterTls' | 'afterAuth'; readonly condition: string };
  readonly starttls?: boolean;
  /** TLS from the first byte. */
  readonly direct?: boolean;
  readonly silentAfterTls?: boolean;
  /** `false`: EXTERNAL is not offered. */
  readonly mechanisms?: boolean;
  /** A failure's condition, and its text. Default: success. */
  readonly sasl?: { readonly condition: string; readonly text?: string };
  /** No EXTERNAL but dialback, and what it says to the key. */
  readonly dialback?: 'invalid' | 'never';
  /** Answers our pings by a stream of its own to us, as servers do. */
  readonly answers?: { readonly edge: string; readonly credentials: Credentials };
}

/** An XMPP server of `domain`. */
export function xmppServer(
  address: string,
  domain: string,
  credentials: Credentials,
  script: XmppScript = {},
  port = 5269,
): Promise<Standing> {
  const server = createServer((socket) => {
    const stream = new RawStream(socket, `a stream to ${domain}`);
    serve(stream, domain, credentials, script).catch(() => stream.close());
  });
  return stand(server, address, port);
}

async function serve(stream: RawStream, domain: string, credentials: Credentials, script: XmppScript): Promise<void> {
  const header = async (features: string): Promise<string> => {
    const { from = '' } = await stream.opened();
    stream.send(`${streamHeader(domain, from, crypto.randomUUID())}<stream:features>${features}</stream:features>`);
    return from;
  };
  const error = async (): Promise<void> => {
    const { from = '' } = await stream.opened();
    const condition = script.errorAt?.condition ?? '';
    stream.send(
      `${streamHeader(domain, from, 'x')}<stream:error><${condition} xmlns="${NS_STREAM_ERRORS}"/></stream:error></stream:stream>`,
    );
    stream.socket.end();
  };
  if (script.errorAt?.when === 'start') return error();
  if (script.direct !== true) {
    await header(script.starttls === false ? '' : `<starttls xmlns="${NS_TLS}"><required/></starttls>`);
    await stream.element('starttls', (one) => one.name === 'starttls');
    stream.send(`<proceed xmlns="${NS_TLS}"/>`);
  }
  await stream.tlsAsServer(credentials);
  if (script.silentAfterTls) return;
  if (script.errorAt?.when === 'afterTls') return error();
  if (script.dialback !== undefined) return dialback(stream, domain, script.dialback, header);
  await header(script.mechanisms === false ? '' : `<mechanisms xmlns="${NS_SASL}"><mechanism>EXTERNAL</mechanism></mechanisms>`);
  await stream.element('auth', (one) => one.name === 'auth');
  if (script.sasl !== undefined) {
    const words = script.sasl.text === undefined ? '' : `<text>${script.sasl.text}</text>`;
    stream.send(`<failure xmlns="${NS_SASL}"><${script.sasl.condition}/>${words}</failure></stream:stream>`);
    stream.socket.end();
    return;
  }
  stream.restart();
  stream.send(`<success xmlns="${NS_SASL}"/>`);
  if (script.errorAt?.when === 'afterAuth') return error();
  const from = await header('');
  await answerPings(stream, domain, from, script);
}

async function dialback(
  stream: RawStream,
  domain: string,
  says: 'invalid' | 'never',
  header: (features: string) => Promise<string>,
): Promise<void> {
  const from = await header('<dialback xmlns="urn:xmpp:features:dialback"/>');
  await stream.element('a dialback key', (one) => one.name === 'result');
  if (says === 'never') return;
  stream.send(`<db:result from="${domain}" to="${from}" type="${says}"/>`);
  stream.socket.end();
}

async function answerPings(stream: RawStream, domain: string, to: string, { answers }: XmppScript): Promise<void> {
  let road: RawStream | undefined;
  for (;;) {
    const stanza: Stanza = await stream.element('a stanza', () => true, 600_000);
    if (answers === undefined || stanza.name !== 'iq' || child(stanza, 'ping', 'urn:xmpp:ping') === undefined) continue;
    road ??= await connectBack(answers, domain, to);
    road.send(`<iq type="result" from="${domain}" to="${to}" id="${stanza.attrs.id}"/>`);
  }
}

/** A proven stream of `from` to us. */
export async function connectBack(
  to: { readonly edge: string; readonly credentials: Credentials },
  from: string,
  ours: string,
): Promise<RawStream> {
  const { stream } = await openStream({ address: to.edge, from, to: ours, credentials: to.credentials });
  const answer = await external(stream, from, ours);
  if (answer !== 'success') throw new Error(`${from} was not let in: ${answer}`);
  return stream;
}
