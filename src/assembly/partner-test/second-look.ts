// A second look at a port that did not do what it should: what is it, then? A few words without TLS, and whatever comes back
// within a moment tells a web server, a server of the other kind, or one that wants TLS from a stranger.

import { reason } from '../../errors.ts';
import { hostPort } from '../../model/host-port.ts';
import { ConnectError } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { Protocol } from '../../model/table.ts';
import type { ProbeTarget } from '../../ops/partner-test/ports.ts';
import { type ProbeParts, plainLink } from './rungs.ts';

const LOOK_MS = 1500;
const MAX_BYTES = 512;

/** First words that a server of that kind answers, and a web server too: an empty line ends an HTTP request. */
const WORDS: Readonly<Record<Protocol, (domain: string) => string>> = {
  sip: (domain) => `OPTIONS sip:${domain} SIP/2.0\r\nContent-Length: 0\r\n\r\n`,
  xmpp: (domain) =>
    `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}' version='1.0'>\r\n\r\n`,
};

/**
 * Names what answers there, when that explains the failure better.
 * @param why how the climb fell
 * @returns the better reason, or `why` itself
 */
export async function lookAgain(
  parts: ProbeParts,
  protocol: Protocol,
  target: ProbeTarget,
  why: Reason,
  signal: AbortSignal,
): Promise<Reason> {
  const other = protocol === 'sip' ? 'xmpp' : 'sip';
  const said = (await firstWords(parts, protocol, protocol, target, signal)) || (await firstWords(parts, protocol, other, target, signal));
  const at = hostPort(target);
  const word = printable(said);
  if (/^HTTP\/\d/.test(said)) return reason(why.code, `${at} answers like a web server: "${word}"`, { finer: 'WRONG_SERVICE_HTTP' });
  if (/^(<\?xml|<stream)/.test(said)) {
    if (protocol === 'sip') return reason(why.code, `${at} answers like an XMPP server`, { finer: 'WRONG_SERVICE' });
    if (target.tls === 'direct') {
      return reason(why.code, `${at} speaks XMPP with STARTTLS, not TLS from the first byte`, { finer: 'XMPPS_ON_STARTTLS_PORT' });
    }
    return why;
  }
  if (/^SIP\/2\.0/.test(said)) {
    return reason(why.code, `${at} speaks SIP without TLS`, { finer: protocol === 'sip' ? 'TLS_NOT_SPOKEN' : 'WRONG_SERVICE' });
  }
  // A TLS record: an alert or a hello from whoever expected one from us.
  if (/^[\x15\x16]\x03/.test(said) && target.tls === 'starttls') {
    return reason(why.code, `${at} wants TLS from the first byte, not STARTTLS`, { finer: 'WRONG_SERVICE' });
  }
  if (said === '' || /^[\x15\x16]\x03/.test(said)) return why;
  return reason(why.code, `${at} answers with "${word}"`, { finer: 'WRONG_SERVICE' });
}

async function firstWords(
  parts: ProbeParts,
  protocol: Protocol,
  spoken: Protocol,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<string> {
  try {
    const { socket } = await plainLink(parts, protocol, target, signal);
    return await new Promise((resolve) => {
      const chunks: Buffer[] = [];
      const end = (): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve(Buffer.concat(chunks).subarray(0, MAX_BYTES).toString('latin1'));
      };
      const timer = setTimeout(end, LOOK_MS);
      signal.addEventListener('abort', end, { once: true });
      socket.on('error', end).on('close', end);
      socket.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        end();
      });
      socket.write(WORDS[spoken](parts.hop(protocol).theirDomain));
    });
  } catch (error) {
    if (error instanceof ConnectError) return '';
    throw error;
  }
}

function printable(text: string): string {
  return (text.split(/[\r\n]/)[0] ?? '')
    .slice(0, 80)
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .replaceAll('"', "'");
}
