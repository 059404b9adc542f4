// The SUBSCRIBE that founds a dialog of ours, and what the answer to any SUBSCRIBE of ours says. RFC 6665 §4.1.2, RFC 3856.

import type { BuildRequest } from './exchange.ts';
import { subscribeHeaders } from './from-model/presence.ts';
import { parseRetryAfter, parseSeconds } from './headers/seconds.ts';
import type { SipResponse } from './message.ts';
import { contactUser } from './presence-ground.ts';
import type { Input } from './subscription.ts';
import { type Line, sentBy } from './watched.ts';

/** A SUBSCRIBE outside a dialog, with the identifiers that the line has been given. @param expiresS 0 asks once */
export function foundingSubscribe(line: Line, expiresS: number): BuildRequest {
  const sent = sentBy(line);
  const uri = line.to;
  const user = contactUser(line.watched.watcher).contactUser;
  return (route) => ({
    method: 'SUBSCRIBE',
    uri,
    headers: [
      ['From', `${sent.from};tag=${sent.fromTag}`],
      ['To', sent.to],
      ['Call-ID', sent.callId],
      ['CSeq', `${sent.cseq} SUBSCRIBE`],
      ['Contact', `<${route.contactUri(user)}>`],
      ...subscribeHeaders(expiresS),
    ],
  });
}

/** What a final answer means to the machine of the subscription. */
export function readAnswer(response: SipResponse): Extract<Input, { kind: 'answered' }> {
  const { status, headers } = response;
  const expiresS = parseSeconds(headers.get('expires') ?? '');
  const minExpiresS = parseSeconds(headers.get('min-expires') ?? '');
  const retryAfterS = parseRetryAfter(headers.get('retry-after') ?? '');
  return {
    kind: 'answered',
    status,
    ...(expiresS !== undefined && { expiresS }),
    ...(minExpiresS !== undefined && { minExpiresS }),
    ...(retryAfterS !== undefined && { retryAfterMs: retryAfterS * 1000 }),
  };
}
