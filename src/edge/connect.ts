// Connections out: resolve, refuse addresses that a peer's DNS must not lead us to, race IPv6 and IPv4 (RFC 8305, the
// simple form), then TLS with our certificate. Who answered is not judged here: ask `link.peer.proves`.

import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { reason } from '../errors.ts';
import { hostPort } from '../model/host-port.ts';
import { ConnectError, type Connector, type ConnectTarget, type Link } from '../model/ports.ts';
import { isForbiddenTarget, plainAddress } from './address-ranges.ts';
import { shakeAsClient } from './handshake.ts';
import { type Edge, noteRefusal, plainLink, secureLink } from './link.ts';
import { HANDSHAKE_TIMEOUT_MS } from './tls-settings.ts';

export interface ConnectorOptions {
  readonly edge: Edge;
  /** Addresses we listen on; besides every address of this machine's interfaces. */
  readonly ownAddresses?: () => ReadonlySet<string>;
  /** `outbound.sourceAddress` of isthmus.yaml. */
  readonly sourceAddress?: string;
  /** For all addresses of a host together. */
  readonly connectTimeoutMs?: number;
  readonly handshakeTimeoutMs?: number;
  /** Head start of one address over the next (RFC 8305 §5). */
  readonly staggerMs?: number;
}

const CONNECT_TIMEOUT_MS = 10_000;
const STAGGER_MS = 250;
const MAX_ADDRESSES = 8;
const KEEP_ALIVE_MS = 60_000;

/** Makes the port through which shores connect; it rejects with ConnectError only. */
export function makeConnector(options: ConnectorOptions): Connector {
  const { edge } = options;
  return {
    async connect(target: ConnectTarget, signal: AbortSignal): Promise<Link> {
      const name = hostPort(target);
      const addresses = await addressesOf(target, options);
      if (signal.aborted) throw aborted(name);
      const socket = await race(addresses, target, options, signal);
      const facts = { protocol: target.protocol, side: target.side, direction: 'out', host: target.host } as const;
      if (target.tls === 'none') return plainLink(socket, facts, edge);
      const onAbort = (): void => void socket.destroy();
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        const done = await shakeAsClient(socket, {
          own: edge.own,
          clock: edge.clock,
          timeoutMs: options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
          protocol: target.protocol,
          identity: target.identity,
          name,
          ...(target.serverName === undefined ? {} : { serverName: target.serverName }),
          ...(target.alpn ? { alpn: target.alpn } : {}),
          ...(target.tlsAtLeast ? { atLeast: target.tlsAtLeast } : {}),
        });
        return secureLink(done, facts, edge);
      } catch (error) {
        noteRefusal(error, target, edge);
        throw signal.aborted ? aborted(name) : error;
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    },
  };
}

/** Every address of this machine, one spelling each. */
export function machineAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((one) => plainAddress(one.address))));
}

async function addressesOf(target: ConnectTarget, options: ConnectorOptions): Promise<readonly string[]> {
  const answer = await options.edge.resolver.addresses(target.host);
  if (answer.kind === 'failed') throw new ConnectError(answer.reason);
  if (answer.kind === 'none' || answer.addresses.length === 0) {
    throw new ConnectError(reason('NET_DNS_NOT_FOUND', `${target.host} has no address in DNS (A or AAAA).`));
  }
  const found = answer.addresses.filter((address) => isIP(address) !== 0).map(plainAddress);
  // security.md 3 (SSRF): judged on the very addresses that are connected to, so that no second look-up can differ.
  const guarded = target.side === 'edge' && !target.allowPrivateAddresses;
  const own = guarded ? new Set([...machineAddresses(), ...(options.ownAddresses?.() ?? [])]) : new Set<string>();
  const allowed = guarded ? found.filter((address) => !isForbiddenTarget(address) && !own.has(address)) : found;
  if (allowed.length === 0) {
    const text = `${target.host} leads to ${found.slice(0, 4).join(', ')}: a private, local or own address, where no partner's server can be.`;
    throw new ConnectError(reason('NET_ADDRESS_REFUSED', text));
  }
  return interleaved([...new Set(allowed)]).slice(0, MAX_ADDRESSES);
}

// RFC 8305 §4: IPv6 first, then in turns.
function interleaved(addresses: readonly string[]): string[] {
  const six = addresses.filter((address) => isIP(address) === 6);
  const four = addresses.filter((address) => isIP(address) === 4);
  return Array.from({ length: Math.max(six.length, four.length) }, (_, index) => [six[index], four[index]]).flatMap((pair) =>
    pair.filter((one) => one !== undefined),
  );
}

function race(addresses: readonly string[], target: ConnectTarget, options: ConnectorOptions, signal: AbortSignal): Promise<Socket> {
  const { clock } = options.edge;
  const name = hostPort(target);
  return new Promise((resolve, reject) => {
    const open = new Set<Socket>();
    const failures: string[] = [];
    const left = [...addresses];
    let stagger: { cancel(): void } | undefined;
    const finish = (): void => {
      limit.cancel();
      stagger?.cancel();
      signal.removeEventListener('abort', onAbort);
      for (const socket of open) socket.destroy();
    };
    const fail = (why: ConnectError): void => {
      finish();
      reject(why);
    };
    const next = (): void => {
      const address = left.shift();
      stagger?.cancel();
      if (address === undefined) {
        if (open.size === 0) fail(new ConnectError(unreachable(name, failures)));
        return;
      }
      const socket = connectTcp({
        host: address,
        port: target.port,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_MS,
        ...(options.sourceAddress !== undefined && isIP(options.sourceAddress) === isIP(address)
          ? { localAddress: options.sourceAddress }
          : {}),
      });
      open.add(socket);
      socket.on('error', (error: NodeJS.ErrnoException) => {
        // Also the listener that keeps a later reset from ending the process.
        if (!open.delete(socket)) return;
        failures.push(`${address}: ${error.code ?? error.message}`);
        next();
      });
      socket.once('connect', () => {
        if (!open.delete(socket)) return;
        finish();
        resolve(socket);
      });
      if (left.length > 0) stagger = clock.after(options.staggerMs ?? STAGGER_MS, next);
    };
    const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    const limit = clock.after(timeoutMs, () =>
      fail(
        new ConnectError(reason('NET_CONNECT_TIMEOUT', `${name} did not answer within ${timeoutMs} ms (tried ${addresses.join(', ')}).`)),
      ),
    );
    const onAbort = (): void => fail(aborted(name));
    signal.addEventListener('abort', onAbort, { once: true });
    next();
  });
}

function unreachable(name: string, failures: readonly string[]) {
  const timedOut = failures.every((failure) => failure.endsWith('ETIMEDOUT'));
  return reason(timedOut ? 'NET_CONNECT_TIMEOUT' : 'NET_CONNECT_REFUSED', `${name} cannot be reached (${failures.join('; ')}).`);
}
function aborted(name: string): ConnectError {
  return new ConnectError(reason('NET_CLOSED', `The connection to ${name} was given up by us.`));
}
