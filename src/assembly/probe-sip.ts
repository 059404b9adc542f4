// The rungs above TCP for SIP: TLS with our certificate, whose name is there, and one OPTIONS (RFC 3261 §11).

import { tlsFailure } from '../edge/tls-failure.ts';
import { reason } from '../errors.ts';
import { ConnectError, type Link } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import { hostPort } from '../ops/partner-test/ladder.ts';
import type { ClimbedRung, Climber, ProbeTarget } from '../ops/partner-test/ports.ts';
import { SipFramer } from '../protocols/sip/framing.ts';
import { locate, type SipTarget } from '../protocols/sip/locate.ts';
import type { SipResponse } from '../protocols/sip/message.ts';
import { BRANCH_COOKIE } from '../protocols/sip/names.ts';
import { parseMessage } from '../protocols/sip/parse.ts';
import { printRequest } from '../protocols/sip/print.ts';
import { recordFaults } from './probe-dns.ts';
import { lookAgain } from './probe-look.ts';
import { ANSWER_MS, failedWith, NO_RECORD, type ProbeParts, proofWords, tcpOnly, tlsWords } from './probe-rungs.ts';
import { answerFault } from './probe-sip-answers.ts';

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

function secureLink(parts: ProbeParts, target: ProbeTarget, serverName: string | undefined, signal: AbortSignal): Promise<Link> {
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
  const at = hostPort(target);
  const request = printRequest({
    method: 'OPTIONS',
    uri: `sip:${theirDomain}`,
    headers: [
      ['Via', `SIP/2.0/TLS ${parts.host};branch=${BRANCH_COOKIE}${parts.ids.token()}`],
      ['Max-Forwards', '70'],
      ['From', `<sip:${ourDomain}>;tag=${parts.ids.token()}`],
      ['To', `<sip:${theirDomain}>`],
      ['Call-ID', parts.ids.token(16)],
      ['CSeq', '1 OPTIONS'],
      ['Contact', `<sip:${parts.host};transport=tls>`],
      ['Accept', 'text/plain, application/pidf+xml'],
    ],
  });
  return new Promise((resolve, reject) => {
    const fail = (why: Reason) => {
      clearTimeout(timer);
      reject(new ConnectError(why));
    };
    const silent = () => fail(reason('PEER_TIMEOUT', `${at} did not answer OPTIONS within ${ANSWER_MS} ms`, { finer: 'SILENT_AFTER_TLS' }));
    const timer = setTimeout(silent, ANSWER_MS);
    const framer = new SipFramer();
    const { socket } = link;
    let first = true;
    socket.on('data', (chunk: Buffer) => {
      if (first && chunk.subarray(0, 5).toString('latin1') === 'HTTP/') {
        return fail(reason('PEER_ERROR', `${at} answers like a web server, with TLS`, { finer: 'WRONG_SERVICE_HTTP' }));
      }
      first = false;
      for (const frame of framer.push(chunk)) {
        if (frame.kind === 'refused')
          return fail(reason('PEER_ERROR', `what ${at} sent back is no SIP message`, { finer: 'WRONG_SERVICE' }));
        const message = frame.kind === 'message' ? parseMessage(frame.head, frame.body) : undefined;
        if (message?.kind === 'response' && message.status >= 200) {
          clearTimeout(timer);
          return resolve(message);
        }
      }
    });
    // With TLS 1.3 a server judges our certificate after the handshake has ended for us: its alert comes here.
    socket.on('error', (error: Error) => fail(tlsFailure(error, `with ${at}`)));
    socket.on('close', () => fail(reason('NET_CLOSED', `${at} closed the connection instead of an answer`)));
    signal.addEventListener('abort', silent, { once: true });
    socket.write(request);
  });
}
