// One SIP request on a connection of the probe's own, and its final answer, or what came instead of it.

import { tlsFailure } from '../../edge/tls-failure.ts';
import { reason } from '../../errors.ts';
import { ConnectError, type Link } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import { SipFramer } from '../../protocols/sip/framing.ts';
import type { SipResponse } from '../../protocols/sip/message.ts';
import { BRANCH_COOKIE } from '../../protocols/sip/names.ts';
import { parseMessage } from '../../protocols/sip/parse.ts';
import { printRequest } from '../../protocols/sip/print.ts';
import { ANSWER_MS, type ProbeParts } from './rungs.ts';

export interface ProbeRequest {
  readonly method: 'OPTIONS' | 'MESSAGE';
  /** `sip:` URIs. */
  readonly from: string;
  readonly to: string;
  /** Further headers. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
}

/** @param at host:port, for people. Rejects with ConnectError. */
export function askSip(
  link: Link,
  parts: ProbeParts,
  at: string,
  { method, from, to, headers, body }: ProbeRequest,
  signal: AbortSignal,
): Promise<SipResponse> {
  const request = printRequest({
    method,
    uri: to,
    headers: [
      ['Via', `SIP/2.0/TLS ${parts.host};branch=${BRANCH_COOKIE}${parts.ids.token()}`],
      ['Max-Forwards', '70'],
      ['From', `<${from}>;tag=${parts.ids.token()}`],
      ['To', `<${to}>`],
      ['Call-ID', parts.ids.token(16)],
      ['CSeq', `1 ${method}`],
      ...headers,
    ],
    ...(body !== undefined && { body: Buffer.from(body) }),
  });
  return new Promise((resolve, reject) => {
    const fail = (why: Reason) => {
      clearTimeout(timer);
      reject(new ConnectError(why));
    };
    const silent = () =>
      fail(reason('PEER_TIMEOUT', `${at} did not answer ${method} within ${ANSWER_MS} ms`, { finer: 'SILENT_AFTER_TLS' }));
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
