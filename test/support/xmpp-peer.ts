// An XMPP server of another organisation, by hand, for what well-behaved servers never do: it opens s2s streams to Isthmus
// with any name and certificate, and it can accept Isthmus' streams. Independent of src, so that it is a second opinion.

import { createServer, type Server } from 'node:net';
import { type Credentials, RawStream } from './raw-stream.ts';
import { Inbox } from './wait.ts';
import { child, type Stanza } from './xml-stream.ts';

const NS_TLS = 'urn:ietf:params:xml:ns:xmpp-tls';
const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';

export interface Outgoing {
  readonly address: string;
  readonly port?: number;
  /** What it claims to be. */
  readonly from: string;
  readonly to: string;
  /** Shown in the TLS handshake; none when left out. */
  readonly credentials?: Credentials;
}

export function streamHeader(from: string, to: string, id?: string): string {
  const own = id === undefined ? '' : ` id="${id}"`;
  return `<?xml version="1.0"?><stream:stream xmlns="jabber:server" xmlns:db="jabber:server:dialback" xmlns:stream="http://etherx.jabber.org/streams" version="1.0" from="${from}" to="${to}"${own}>`;
}

/** Opens a stream as far as TLS and returns it with the features offered then. */
export async function openStream(outgoing: Outgoing): Promise<{ readonly stream: RawStream; readonly features: Stanza }> {
  const { from, to } = outgoing;
  const stream = await RawStream.connect(outgoing.address, outgoing.port ?? 5269, `the stream ${from} to ${to}`);
  stream.send(streamHeader(from, to));
  const plain = await stream.element('features', (one) => one.name === 'features');
  if (child(plain, 'starttls', NS_TLS) === undefined) throw new Error(`no STARTTLS offered: ${stream.transcript}`);
  stream.send(`<starttls xmlns="${NS_TLS}"/>`);
  await stream.element('proceed', (one) => one.name === 'proceed');
  await stream.tlsAsClient(to, outgoing.credentials);
  stream.send(streamHeader(from, to));
  return { stream, features: await stream.element('features', (one) => one.name === 'features') };
}

/** The SASL mechanisms in stream features. */
export function mechanisms(features: Stanza): readonly string[] {
  return (child(features, 'mechanisms', NS_SASL)?.children ?? []).map((one) => one.text);
}

/** Asks for SASL EXTERNAL. @returns `success`, or the failure's condition */
export async function external(stream: RawStream, from: string, to: string): Promise<string> {
  stream.send(`<auth xmlns="${NS_SASL}" mechanism="EXTERNAL">${Buffer.from(from).toString('base64')}</auth>`);
  const answer = await stream.element('the answer to EXTERNAL', (one) => one.ns === NS_SASL);
  if (answer.name !== 'success') return answer.children[0]?.name ?? answer.name;
  stream.restart();
  stream.send(streamHeader(from, to));
  await stream.element('features', (one) => one.name === 'features');
  return 'success';
}

/** Accepts streams, offers STARTTLS and EXTERNAL to whoever comes, and keeps the stanzas. It answers nothing: to answer, open a stream. */
export class XmppPeer {
  readonly stanzas: Inbox<Stanza>;
  readonly #server: Server;
  readonly #streams = new Set<RawStream>();

  private constructor(domain: string, credentials: Credentials) {
    this.stanzas = new Inbox(`the server of ${domain}`);
    this.#server = createServer((socket) => {
      const stream = new RawStream(socket, `a stream to ${domain}`);
      this.#streams.add(stream);
      this.#serve(stream, domain, credentials).catch(() => stream.close());
    });
  }

  static async listen(address: string, domain: string, credentials: Credentials, port = 5269): Promise<XmppPeer> {
    const peer = new XmppPeer(domain, credentials);
    await new Promise<void>((resolve, reject) => peer.#server.once('error', reject).listen(port, address, resolve));
    return peer;
  }

  /** Closes every connection without a word. */
  drop(): void {
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
  }

  close(): void {
    this.drop();
    this.#server.close();
  }

  async #serve(stream: RawStream, domain: string, credentials: Credentials): Promise<void> {
    const header = async (features: string): Promise<string> => {
      const { from = '' } = await stream.opened();
      stream.send(`${streamHeader(domain, from, crypto.randomUUID())}<stream:features>${features}</stream:features>`);
      return from;
    };
    await header(`<starttls xmlns="${NS_TLS}"><required/></starttls>`);
    await stream.element('starttls', (one) => one.name === 'starttls');
    stream.send(`<proceed xmlns="${NS_TLS}"/>`);
    await stream.tlsAsServer(credentials);
    await header(`<mechanisms xmlns="${NS_SASL}"><mechanism>EXTERNAL</mechanism></mechanisms>`);
    await stream.element('auth', (one) => one.name === 'auth');
    stream.restart();
    stream.send(`<success xmlns="${NS_SASL}"/>`);
    await header('');
    for (;;) this.stanzas.push(await stream.element('a stanza', () => true, 600_000));
  }
}
