// The rungs above TCP for SIP: TLS with our certificate, whose name is there, and one OPTIONS (RFC 3261 §11).

import { reason } from '../errors.ts';
import { ConnectError, type Link } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import type { Climber, ProbeTarget, Rung } from '../ops/partner-test/ports.ts';
import { SipFramer } from '../protocols/sip/framing.ts';
import { locate } from '../protocols/sip/locate.ts';
import type { SipResponse } from '../protocols/sip/message.ts';
import { BRANCH_COOKIE } from '../protocols/sip/names.ts';
import { parseMessage } from '../protocols/sip/parse.ts';
import { printRequest } from '../protocols/sip/print.ts';
import { failedWith, type ProbeParts, proofWords, tcpOnly, tlsWords } from './probe-rungs.ts';

const FOUND = {
  hosts: "the partner's file",
  federationTls: '_sipfederationtls._tcp',
  sips: '_sips._tcp',
  address: 'the domain itself',
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
        const target: ProbeTarget = { host, port, tls: 'direct', found: FOUND[found] };
        if (serverName !== undefined) names.set(target, serverName);
        return target;
      });
      return { kind: 'targets', targets };
    },
    tcp: (target, signal) => tcpOnly(parts, 'sip', target, signal),
    async above(target, signal) {
      const rungs: Rung[] = [];
      const started = performance.now();
      const since = (from: number) => Math.round(performance.now() - from);
      const serverName = names.get(target);
      let link: Link;
      try {
        link = await parts.connector.connect(
          {
            side: 'edge',
            protocol: 'sip',
            host: target.host,
            port: target.port,
            tls: 'direct',
            identity: hop.ourDomain,
            allowPrivateAddresses: parts.partner.allowPrivateAddresses,
            tlsAtLeast: parts.partner.sip.tlsAtLeast,
            ...(serverName !== undefined && { serverName }),
          },
          signal,
        );
      } catch (error) {
        const why = failedWith(error);
        return [{ name: 'tls', ok: false, says: why.text, ms: since(started), reason: why }];
      }
      try {
        rungs.push({ name: 'tls', ok: true, says: tlsWords(link), ms: since(started) });
        const asked = performance.now();
        const proof = await link.peer.proves(hop.theirDomain, 'sip');
        if (!proof.proven)
          return [...rungs, { name: 'identity', ok: false, says: proof.reason.text, ms: since(asked), reason: proof.reason }];
        rungs.push({ name: 'identity', ok: true, says: proofWords(proof.how) ?? proof.how, ms: since(asked) });
        const sent = performance.now();
        try {
          const response = await options(link, parts, signal);
          const why = refusal(response, hop.theirDomain);
          const answer = `${response.status} ${response.phrase}`;
          return [
            ...rungs,
            { name: 'options', ok: why === undefined, says: answer, ms: since(sent), ...(why !== undefined && { reason: why }) },
          ];
        } catch (error) {
          const why = failedWith(error);
          return [...rungs, { name: 'options', ok: false, says: why.text, ms: since(sent), reason: why }];
        }
      } finally {
        link.socket.destroy();
      }
    },
  };
}

/** Any answer but a refusal of us shows a server that takes requests for the domain. */
function refusal(response: SipResponse, domain: string): Reason | undefined {
  const { status, phrase } = response;
  const text = `${domain} answers OPTIONS with ${status} ${phrase}`;
  const diagnosis = response.headers.get('ms-diagnostics') ?? response.headers.get('warning');
  const full = diagnosis === undefined ? text : `${text} (${diagnosis})`;
  if (status === 401 || status === 403 || status === 407 || status === 603) return reason('PEER_FORBIDDEN', full);
  if (status === 503) return reason('PEER_BUSY', full);
  // 404, 405, 480, 481, 483, 501: no user was meant; it is alive and speaks SIP with us.
  return status === 408 || status === 504 || (status >= 500 && status !== 501) ? reason('PEER_ERROR', full) : undefined;
}

function options(link: Link, parts: ProbeParts, signal: AbortSignal): Promise<SipResponse> {
  const { ourDomain, theirDomain } = parts.hop('sip');
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
    const fail = (why: Reason) => reject(new ConnectError(why));
    const framer = new SipFramer();
    const { socket } = link;
    socket.on('data', (chunk: Buffer) => {
      for (const frame of framer.push(chunk)) {
        if (frame.kind === 'refused') return fail(reason('PEER_ERROR', 'what came back is no SIP message'));
        const message = frame.kind === 'message' ? parseMessage(frame.head, frame.body) : undefined;
        if (message?.kind === 'response' && message.status >= 200) return resolve(message);
      }
    });
    socket.on('error', (error: Error) => fail(reason('NET_CLOSED', `the connection broke: ${error.message}`)));
    socket.on('close', () => fail(reason('NET_CLOSED', 'the connection was closed instead of an answer')));
    signal.addEventListener('abort', () => fail(reason('PEER_TIMEOUT', 'OPTIONS was not answered in time')), { once: true });
    socket.write(request);
  });
}
