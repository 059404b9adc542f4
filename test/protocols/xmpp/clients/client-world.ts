// XMPP clients played by hand against the face on real sockets: the face with a small core behind it, and clients that sign in
// with SCRAM or whatever a test makes them say.

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { makeIds } from '../../../../src/edge/ids.ts';
import { systemClock } from '../../../../src/edge/system-clock.ts';
import { makeTlsUpgrade } from '../../../../src/edge/tls-upgrade.ts';
import { SILENT } from '../../../../src/log.ts';
import { XmppClients, type XmppClientsParts } from '../../../../src/protocols/xmpp/clients/clients.ts';
import type { ClientSettings } from '../../../../src/protocols/xmpp/clients/limits.ts';
import { EdgeWorld } from '../../../support/edge-world.ts';
import { RawStream } from '../../../support/raw-stream.ts';
import { ownDomain, table } from '../../../support/table.ts';
import type { Stanza } from '../../../support/xml-stream.ts';
import { SmallCore } from './small-core.ts';

export const DOMAIN = 'people.example';
const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';

export class ClientWorld implements AsyncDisposable {
  readonly core = new SmallCore(DOMAIN, { nora: 'pencil', omar: 'paper', li: 'ink' });
  readonly #world: EdgeWorld;
  readonly face: XmppClients;
  readonly port: number;

  private constructor(world: EdgeWorld, face: (core: SmallCore) => XmppClients, port: number) {
    this.#world = world;
    this.face = face(this.core);
    this.port = port;
  }

  static async open(settings: Partial<ClientSettings> = {}, more: Partial<XmppClientsParts> = {}): Promise<ClientWorld> {
    const world = new EdgeWorld({ ours: [DOMAIN], table: table([ownDomain(DOMAIN, 'core')], []) });
    const { port, next } = await world.listen('starttls://127.0.0.1:0', { side: 'local', protocol: 'xmpp' });
    const made = new ClientWorld(
      world,
      (core) =>
        new XmppClients({
          core,
          clock: systemClock,
          ids: makeIds(systemClock),
          log: SILENT,
          tlsUpgrade: makeTlsUpgrade(world.edge),
          serves: (domain) => (domain === DOMAIN ? DOMAIN : undefined),
          version: '0.0',
          settings,
          ...more,
        }),
      port,
    );
    const accept = async (): Promise<void> => {
      made.face.accept(await next());
      void accept();
    };
    void accept();
    return made;
  }

  /** A stream with TLS, its features read. */
  async secured(): Promise<Played> {
    const stream = await RawStream.connect('127.0.0.1', this.port, 'the face');
    stream.send(header());
    await stream.opened();
    await stream.element('features');
    stream.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    await stream.element('proceed', ({ name }) => name === 'proceed');
    const socket = await stream.tlsAsClient(DOMAIN);
    stream.send(header());
    await stream.opened();
    return new Played(stream, socket, await stream.element('features'));
  }

  /** Signed in, bound and available. */
  async client(user: string, password: string, resource: string): Promise<Played> {
    const played = await this.secured();
    await played.signIn(user, password);
    await played.bind(resource);
    return played;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#world[Symbol.asyncDispose]();
  }
}

export function header(to = DOMAIN): string {
  return `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${to}' version='1.0'>`;
}

/** One client played by hand. */
export class Played {
  readonly stream: RawStream;
  readonly socket: TLSSocket;
  readonly features: Stanza;
  jid = '';

  constructor(stream: RawStream, socket: TLSSocket, features: Stanza) {
    this.stream = stream;
    this.socket = socket;
    this.features = features;
  }

  send(text: string): void {
    this.stream.send(text);
  }
  get(what: string, fits: (stanza: Stanza) => boolean = () => true): Promise<Stanza> {
    return this.stream.element(what, fits);
  }

  /** The whole exchange. @param gs2 with its commas @param channel what stands behind it in `c=` @returns the last answer */
  async scram(
    user: string,
    password: string,
    mechanism = 'SCRAM-SHA-256',
    gs2 = 'n,,',
    channel: Buffer = Buffer.alloc(0),
  ): Promise<Stanza> {
    const digest = mechanism.includes('256') ? 'sha256' : 'sha1';
    const bare = `n=${user},r=clientnonce`;
    this.send(`<auth xmlns='${SASL}' mechanism='${mechanism}'>${base64(gs2 + bare)}</auth>`);
    const challenge = await this.get('the challenge', ({ ns }) => ns === SASL);
    if (challenge.name !== 'challenge') return challenge;
    const first = Buffer.from(challenge.text, 'base64').toString('utf8');
    const [, nonce = '', salt = '', count = ''] = /^r=(.+),s=(.+),i=(\d+)$/.exec(first) ?? [];
    const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(count), digest === 'sha256' ? 32 : 20, digest);
    const hmac = (key: Buffer, words: string): Buffer => createHmac(digest, key).update(words).digest();
    const clientKey = hmac(salted, 'Client Key');
    const without = `c=${Buffer.concat([Buffer.from(gs2), channel]).toString('base64')},r=${nonce}`;
    const signature = hmac(createHash(digest).update(clientKey).digest(), `${bare},${first},${without}`);
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!));
    this.send(`<response xmlns='${SASL}'>${base64(`${without},p=${proof.toString('base64')}`)}</response>`);
    return this.get('the verdict', ({ ns }) => ns === SASL);
  }

  async signIn(user: string, password: string): Promise<void> {
    const verdict = await this.scram(user, password);
    if (verdict.name !== 'success') throw new Error(`not signed in: ${verdict.children[0]?.name}`);
    await this.restart();
  }

  /** The new stream after SASL. */
  async restart(): Promise<Stanza> {
    this.stream.restart();
    this.send(header());
    await this.stream.opened();
    return this.get('the features of the session');
  }

  async bind(resource: string): Promise<void> {
    this.send(`<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind></iq>`);
    const bound = await this.get('the bound address', ({ attrs }) => attrs.id === 'b');
    this.jid = bound.children[0]?.children[0]?.text ?? '';
  }

  /** Sends a request. @returns its answer */
  async ask(type: 'get' | 'set', payload: string, to?: string): Promise<Stanza> {
    const id = crypto.randomUUID();
    this.send(`<iq type='${type}' id='${id}'${to === undefined ? '' : ` to='${to}'`}>${payload}</iq>`);
    return this.get('an answer', ({ attrs }) => attrs.id === id);
  }
}

export function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
