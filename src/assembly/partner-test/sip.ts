// The rungs above TCP for SIP: TLS with our certificate, whose name is there, and one OPTIONS (RFC 3261 §11).

import { hostPort } from '../../model/host-port.ts';
import type { Link } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { ClimbedRung, Climber, ProbeTarget } from '../../ops/partner-test/ports.ts';
import { locate, type SipTarget } from '../../protocols/sip/locate.ts';
import type { SipResponse } from '../../protocols/sip/message.ts';
import { recordFaults } from './dns.ts';
import { failedWith, NO_RECORD, type ProbeParts, proofWords, tcpOnly, tlsWords } from './rungs.ts';
import { lookAgain } from './second-look.ts';
import { answerFault } from './sip-answers.ts';
import { askSip } from './sip-request.ts';

const FOUND: Readonly<Record<SipTarget['found'], string>> = {
  hosts: "the partner's file",
  federationTls: 'SRV _sipfederationtls._tcp',
  sips: 'SRV _sips._tcp',
  address: NO_RECORD,
  nextHop: 'nextHop',
};

/** The SIP ladder toward the partner of `parts`. */
export function sipClimber(parts: ProbeParts): Climber {
  const hop = parts.hop('sip');
  const names = new Map<ProbeTarget, string>();
  return {
    protocol: 'sip',
    async locate() {
      const located = await locate(hop, parts.resolver, Math.random);
      if (located.kind === 'failed') return located;
      const targets = located.targets.map(({ host, port, found, serverName }): ProbeTarget => {
        const target: ProbeTarget = { host, port, tls: 'direct', found: FOUND[found], byFile: found === 'hosts' };
        if (serverName !== undefined) names.set(target, serverName);
        return target;
      });
      return { kind: 'targets', targets, warnings: await recordFaults(parts, 'sip', targets) };
    },
    tcp: (target, signal) => tcpOnly(parts, 'sip', target, signal),
    async above(target, signal) {
      const started = performance.now();
      let link: Link;
      try {
        link = await secureLink(parts, target, names.get(target), signal);
      } catch (error) {
        const why = failedWith(error);
        const unclear = why.finer === 'TLS_NOT_SPOKEN' || why.finer === 'TLS_CLOSED';
        return [fell('tls', unclear ? await lookAgain(parts, 'sip', target, why, signal) : why, started)];
      }
      try {
        const rungs: ClimbedRung[] = [{ name: 'tls', ok: true, says: tlsWords(link), ms: since(started) }];
        const asked = performance.now();
        const proof = await link.peer.proves(hop.theirDomain, 'sip');
        if (!proof.proven) return [...rungs, fell('identity', proof.reason, asked)];
        rungs.push({ name: 'identity', ok: true, says: proofWords(proof.how) ?? proof.how, ms: since(asked) });
        const sent = performance.now();
        try {
          const response = await options(link, parts, target, signal);
          const why = answerFault(response, hop.theirDomain);
          if (why !== undefined) return [...rungs, fell('options', why, sent)];
          return [...rungs, { name: 'options', ok: true, says: `${response.status} ${response.phrase}`, ms: since(sent) }];
        } catch (error) {
          return [...rungs, fell('options', failedWith(error), sent)];
        }
      } finally {
        link.socket.destroy();
      }
    },
  };
}

const since = (from: number): number => Math.round(performance.now() - from);

function fell(name: ClimbedRung['name'], why: Reason, from: number): ClimbedRung {
  return { name, ok: false, says: why.text, ms: since(from), reason: why };
}

/** A connection with TLS as the shore makes it. Rejects with ConnectError. */
export function secureLink(parts: ProbeParts, target: ProbeTarget, serverName: string | undefined, signal: AbortSignal): Promise<Link> {
  const { partner } = parts;
  const connect = {
    side: 'edge',
    protocol: 'sip',
    host: target.host,
    port: target.port,
    tls: 'direct',
    identity: parts.hop('sip').ourDomain,
    allowPrivateAddresses: partner.allowPrivateAddresses,
    tlsAtLeast: partner.sip.tlsAtLeast,
    ...(serverName !== undefined && { serverName }),
  } as const;
  return parts.connector.connect(connect, signal);
}

function options(link: Link, parts: ProbeParts, target: ProbeTarget, signal: AbortSignal): Promise<SipResponse> {
  const { ourDomain, theirDomain } = parts.hop('sip');
  const headers = [
    ['Contact', `<sip:${parts.host};transport=tls>`],
    ['Accept', 'text/plain, application/pidf+xml'],
  ] as const;
  return askSip(link, parts, hostPort(target), { method: 'OPTIONS', from: `sip:${ourDomain}`, to: `sip:${theirDomain}`, headers }, signal);
}
