// From a domain to an open stream: finds the targets, tries them in order, keeps the most telling failure.

import { reason } from '../../errors.ts';
import { ConnectError, type ConnectTarget, type Link } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { Verdict } from './dialback.ts';
import { locate, type PartnerRoute, type Target } from './locate.ts';
import { S2S_ALPN } from './names.ts';
import { type OpenResult, StreamOut, type StreamOutPlan } from './stream-out.ts';
import type { KeyQuestion, Wire } from './wire.ts';

export interface Pair {
  readonly ourDomain: string;
  readonly theirDomain: string;
}

type Failure = Extract<OpenResult, { kind: 'failed' }>;
const TELLING: Readonly<Record<Failure['reached'] | 'connect', number>> = { connect: 0, tls: 1, stream: 2, identity: 3 };

/** Opens a sending stream for a pair. Never rejects. */
export async function dial(
  wire: Wire,
  pair: Pair,
  partner: PartnerRoute,
  signal: AbortSignal,
): Promise<Exclude<OpenResult, { kind: 'verdict' }>> {
  const result = await tryTargets(wire, pair, partner, signal);
  return result.kind === 'verdict' ? failed(reason('US_BUG', 'a verdict without a question')) : result;
}

/** Asks the domain's own server whether it made a dialback key. Never rejects. */
export async function askVerdict(wire: Wire, question: KeyQuestion, partner: PartnerRoute): Promise<Verdict> {
  const { ourDomain, theirDomain } = question;
  const abort = new AbortController();
  const timer = wire.clock.after(wire.settings.dialbackMs, () => abort.abort());
  const result = await tryTargets(wire, { ourDomain, theirDomain }, partner, abort.signal, question);
  timer.cancel();
  if (result.kind === 'verdict') return result.verdict;
  if (result.kind === 'open') result.stream.close();
  const { code } = result.kind === 'failed' ? result.reason : reason('US_BUG', '');
  // XEP-0220 §2.5.
  if (code === 'NET_DNS_NOT_FOUND') return { is: 'error', error: 'remote-server-not-found' };
  if (code === 'NET_CONNECT_REFUSED' || code === 'NET_TLS_FAILED' || code === 'NET_ADDRESS_REFUSED')
    return { is: 'error', error: 'remote-connection-failed' };
  return { is: 'error', error: 'remote-server-timeout' };
}

async function tryTargets(...all: Parameters<typeof tryEach>): Promise<OpenResult> {
  try {
    return await tryEach(...all);
  } catch (error) {
    const [wire, pair] = all;
    wire.log.error({ event: 'us.bug', err: error }, 'a stream could not be dialled');
    return failed(reason('US_BUG', `dialling ${pair.theirDomain} ran into a defect`));
  }
}

async function tryEach(wire: Wire, pair: Pair, partner: PartnerRoute, signal: AbortSignal, question?: KeyQuestion): Promise<OpenResult> {
  const located = await locate(pair.theirDomain, partner, wire.resolver, () => wire.random());
  if (located.kind === 'failed') return failed(located.reason);
  let best: { readonly failure: OpenResult; readonly rank: number } | undefined;
  for (const target of located.targets) {
    if (signal.aborted) break;
    const attempt = await tryTarget(wire, pair, partner, target, signal, question);
    if (attempt.result.kind !== 'failed') return attempt.result;
    if (best === undefined || attempt.rank > best.rank) best = { failure: attempt.result, rank: attempt.rank };
  }
  return best?.failure ?? failed(reason('NET_CONNECT_TIMEOUT', `the time to reach ${pair.theirDomain} was over`));
}

async function tryTarget(
  wire: Wire,
  pair: Pair,
  partner: PartnerRoute,
  target: Target,
  signal: AbortSignal,
  question: KeyQuestion | undefined,
): Promise<{ readonly result: OpenResult; readonly rank: number }> {
  const { first, upgraded } = connectTargets(pair, partner, target);
  let link: Link;
  try {
    link = await wire.connector.connect(first, signal);
  } catch (error) {
    const why = error instanceof ConnectError ? error.reason : reason('NET_CONNECT_REFUSED', `connecting to ${target.host} failed`);
    return { result: failed(why), rank: TELLING.connect };
  }
  const plan: StreamOutPlan = {
    ...pair,
    dialback: partner.xmpp.proof === 'dialback',
    bidi: true,
    ...(question === undefined ? {} : { question }),
    upgrade: (plain) => wire.tlsUpgrade.asClient(plain, upgraded),
  };
  const stream = new StreamOut(wire, link, plan);
  const abort = (): void => stream.close();
  signal.addEventListener('abort', abort, { once: true });
  const result = await stream.result;
  signal.removeEventListener('abort', abort);
  return { result, rank: result.kind === 'failed' ? TELLING[result.reached] : 0 };
}

/** How a target is connected to: at first, and when a plain connection is raised by STARTTLS. */
export function connectTargets(
  pair: Pair,
  partner: PartnerRoute,
  target: Target,
): { readonly first: ConnectTarget; readonly upgraded: ConnectTarget } {
  const upgraded: ConnectTarget = {
    side: 'edge',
    protocol: 'xmpp',
    host: target.host,
    port: target.port,
    tls: 'direct',
    // XEP-0368 §3: SNI is the domain, not the host that SRV named.
    serverName: pair.theirDomain,
    identity: pair.ourDomain,
    theirDomain: pair.theirDomain,
    tlsAtLeast: partner.xmpp.tlsAtLeast,
    allowPrivateAddresses: partner.allowPrivateAddresses,
  };
  // ALPN belongs to direct TLS; after STARTTLS the protocol is known.
  return { first: target.tls === 'direct' ? { ...upgraded, alpn: [S2S_ALPN] } : { ...upgraded, tls: 'none' }, upgraded };
}

function failed(why: Reason): Failure {
  return { kind: 'failed', reason: why, reached: 'stream' };
}
