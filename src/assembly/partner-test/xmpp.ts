// The rungs above TCP for XMPP: a stream to the partner as the shore opens it, with STARTTLS or direct TLS, identity and
// authentication; closed again as soon as it is open.

import { systemClock } from '../../edge/system-clock.ts';
import { tlsFailure } from '../../edge/tls-failure.ts';
import { SILENT } from '../../log.ts';
import { hostPort } from '../../model/host-port.ts';
import type { Link } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { ClimbedRung, Climber, ProbeTarget } from '../../ops/partner-test/ports.ts';
import { connectTargets } from '../../protocols/xmpp/dial.ts';
import { locate } from '../../protocols/xmpp/locate.ts';
import { type OpenResult, StreamOut } from '../../protocols/xmpp/stream-out.ts';
import { type Wire, XMPP_SETTINGS } from '../../protocols/xmpp/wire.ts';
import { recordFaults } from './dns.ts';
import { ANSWER_MS, failedWith, NO_RECORD, type ProbeParts, proofWords, tcpOnly, tlsWords } from './rungs.ts';
import { lookAgain } from './second-look.ts';

/** So long the partner has to close its side, ms. */
const GOODBYE_MS = 500;

type Failure = Extract<OpenResult, { kind: 'failed' }>;

/** The XMPP ladder toward the partner of `parts`. */
export function xmppClimber(parts: ProbeParts): Climber {
  const { theirDomain } = parts.hop('xmpp');
  const { partner } = parts;
  // The resolver has just been asked; this only reads what it remembers.
  const hasSrv = async (): Promise<boolean> => {
    const names = [`_xmpp-server._tcp.${theirDomain}`, `_xmpps-server._tcp.${theirDomain}`];
    const answers = await Promise.all(names.map((name) => parts.resolver.srv(name)));
    return answers.some((answer) => answer.kind === 'records');
  };
  return {
    protocol: 'xmpp',
    async locate() {
      const located = await locate(theirDomain, partner, parts.resolver, Math.random);
      if (located.kind === 'failed') return located;
      const byFile = partner.xmpp.hosts.length > 0;
      const found = byFile ? "the partner's file" : (await hasSrv()) ? 'SRV' : NO_RECORD;
      const targets = located.targets.map((target) => ({ ...target, found, byFile }));
      return { kind: 'targets', targets, warnings: await recordFaults(parts, 'xmpp', targets) };
    },
    tcp: (target, signal) => tcpOnly(parts, 'xmpp', target, signal),
    above: (target, signal) => openStream(parts, target, signal),
  };
}

async function openStream(parts: ProbeParts, target: ProbeTarget, signal: AbortSignal): Promise<readonly ClimbedRung[]> {
  const started = performance.now();
  const passed = () => Math.round(performance.now() - started);
  const { ourDomain, theirDomain } = parts.hop('xmpp');
  const { partner } = parts;
  const { first, upgraded } = connectTargets({ ourDomain, theirDomain }, partner, target);
  const fell = (name: ClimbedRung['name'], why: Reason): ClimbedRung => ({ name, ok: false, says: why.text, ms: passed(), reason: why });
  // With TLS 1.3 a server judges our certificate after the handshake has ended for us: its alert comes late.
  let alert: Error | undefined;
  const heard = (link: Link): Link => {
    link.socket.on('error', (error: Error) => {
      alert = error;
    });
    return link;
  };
  let link: Link;
  try {
    link = await parts.connector.connect(first, signal);
  } catch (error) {
    const why = failedWith(error);
    const unclear = why.finer === 'TLS_NOT_SPOKEN' || why.finer === 'TLS_CLOSED';
    return [fell('tls', unclear ? await lookAgain(parts, 'xmpp', target, why, signal) : why)];
  }
  const stream = new StreamOut(wireOf(parts), first.tls === 'direct' ? heard(link) : link, {
    ourDomain,
    theirDomain,
    dialback: partner.xmpp.proof === 'dialback',
    bidi: false,
    upgrade: (plain) => parts.upgrade.asClient(plain, upgraded).then(heard),
  });
  signal.addEventListener('abort', () => stream.close(), { once: true });
  const result = await stream.result;
  const { secure } = stream.link;
  const reached = result.kind === 'failed' ? result.reached : 'open';
  const rungs: ClimbedRung[] = [];
  // A stream that broke before TLS has no TLS to tell about.
  if (secure && reached !== 'tls') rungs.push({ name: 'tls', ok: true, says: tlsWords(stream.link), ms: passed() });
  if (secure && (reached === 'stream' || reached === 'open')) {
    const proof = await stream.link.peer.proves(theirDomain, 'xmpp');
    const says = (proof.proven ? proofWords(proof.how) : undefined) ?? 'unproven; dialback is accepted';
    rungs.push({ name: 'identity', ok: true, says, ms: passed() });
  }
  const noKey = result.kind === 'failed' && parts.dialbackSecret === undefined && /^XMPP_DIALBACK/.test(result.reason.finer ?? '');
  if (noKey) {
    const says = 'open as far as dialback; only a running isthmus start can confirm our key, so it was not finished';
    rungs.push({ name: 'stream', ok: true, says, ms: passed() });
  } else if (result.kind === 'failed') {
    rungs.push(await brokenRung(parts, target, signal, result, { secure, alert }).then(({ name, why }) => fell(name, why)));
  } else {
    const how = stream.provenBy === 'dialback' ? 'dialback' : 'SASL EXTERNAL';
    rungs.push({ name: 'stream', ok: true, says: `open, and we are accepted (${how})`, ms: passed() });
  }
  stream.close();
  // A peer that refused us may keep its side open for long; the report does not wait for it.
  systemClock.after(GOODBYE_MS, () => stream.link.socket.destroy());
  return rungs;
}

/** On which rung a stream broke, and the best that can be said about why. */
async function brokenRung(
  parts: ProbeParts,
  target: ProbeTarget,
  signal: AbortSignal,
  result: Failure,
  { secure, alert }: { readonly secure: boolean; readonly alert: Error | undefined },
): Promise<{ readonly name: ClimbedRung['name']; readonly why: Reason }> {
  const { reason: why, reached } = result;
  if (reached === 'identity') return { name: 'identity', why };
  if (secure && reached === 'stream') {
    const late = alert === undefined || why.code !== 'NET_CLOSED' ? undefined : tlsFailure(alert, `with ${hostPort(target)}`);
    return { name: 'stream', why: late?.finer === undefined || late.finer === 'TLS_CLOSED' ? why : late };
  }
  // The server has spoken XMPP and refused before TLS.
  if (why.finer?.startsWith('XMPP_') && why.finer !== 'XMPP_STARTTLS_NOT_OFFERED') return { name: 'stream', why };
  const unclear = why.finer === undefined || why.finer === 'TLS_NOT_SPOKEN' || why.finer === 'TLS_CLOSED';
  return { name: 'tls', why: unclear ? await lookAgain(parts, 'xmpp', target, why, signal) : why };
}

/** A wire that only opens streams: nothing arrives over it that would be acted on. */
export function wireOf(parts: ProbeParts): Wire {
  return {
    clock: systemClock,
    ids: parts.ids,
    log: SILENT,
    connector: parts.connector,
    tlsUpgrade: parts.upgrade,
    resolver: parts.resolver,
    table: parts.table,
    // A partner that answers with dialback asks the running process, which recognises keys made with its own secret only.
    dialbackSecret: parts.dialbackSecret ?? parts.ids.token(32),
    secret: () => '',
    random: Math.random,
    settings: { ...XMPP_SETTINGS, headerMs: ANSWER_MS, dialbackMs: ANSWER_MS, negotiationMs: ANSWER_MS + 2000 },
    onStanza() {},
    pingAnswered: () => false,
    roadBack: () => undefined,
    reply() {},
    verifyKey: async () => ({ is: 'error', error: 'remote-server-not-found' }),
  };
}
