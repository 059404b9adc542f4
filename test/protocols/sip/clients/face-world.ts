// The SIP face on loopback: clients are TCP sockets that the face takes for TLS or for plain ones, the core is played in memory.

import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { SILENT } from '../../../../src/log.ts';
import type { Address } from '../../../../src/model/address.ts';
import type { Timer } from '../../../../src/model/ports.ts';
import { SipFace } from '../../../../src/protocols/sip/clients/face.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { RawPeer } from '../../../support/raw-peer.ts';
import { fakeLink } from '../../../support/sip-exchange.ts';
import { SipUa } from '../../../support/sip-ua.ts';
import { MemoryCore } from './memory-core.ts';

export const DOMAIN = 'people.example';
/** Another name of it. */
export const ALIAS = 'people.example.org';
export const nora: Address = { local: 'nora', domain: DOMAIN };
export const omar: Address = { local: 'omar', domain: DOMAIN };
export const li: Address = { local: 'li', domain: DOMAIN };
export const PASSWORDS = { [`nora@${DOMAIN}`]: 'n0ra', [`omar@${DOMAIN}`]: '0mar', [`li@${DOMAIN}`]: 'l1' } as const;

/** Stands still, but for what is meant to happen at once. */
export class TurningClock extends ManualClock {
  override after(ms: number, run: () => void): Timer {
    if (ms > 0) return super.after(ms, run);
    const turn = setImmediate(run);
    return { cancel: () => clearImmediate(turn) };
  }
}

export class FaceWorld implements AsyncDisposable {
  readonly clock = new TurningClock();
  readonly core = new MemoryCore(PASSWORDS);
  readonly face: SipFace;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #ids = 0;
  /** Whether the next connection counts as TLS. */
  secure = true;

  private constructor(server: Server) {
    this.#server = server;
    this.face = new SipFace({
      core: this.core,
      clock: this.clock,
      ids: { event: () => `event-${++this.#ids}`, token: () => `t${(++this.#ids).toString(16).padStart(7, '0')}` },
      log: SILENT,
      host: `sip.${DOMAIN}`,
      serves: (domain) => (domain === DOMAIN || domain === ALIAS ? DOMAIN : undefined),
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      this.face.accept({ ...fakeLink(socket, 'in', 'local', {}, `c${++this.#ids}`), secure: this.secure });
    });
  }

  static async open(): Promise<FaceWorld> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FaceWorld(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** A client by hand. */
  async raw(): Promise<RawPeer> {
    const socket = connect({ host: '127.0.0.1', port: this.port, noDelay: true });
    await new Promise((resolve) => socket.once('connect', resolve));
    return new RawPeer(socket);
  }

  /** A client that is registered. */
  signIn(user: 'nora' | 'omar' | 'li'): Promise<SipUa> {
    const password = PASSWORDS[`${user}@${DOMAIN}`];
    return SipUa.signIn({ user, domain: DOMAIN, password: password ?? '', address: '127.0.0.1', port: this.port });
  }

  /** Asks again and again until it is so. */
  async until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
    for (let i = 0; i < 500; i++) {
      if (await look()) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`waited in vain for ${what}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
