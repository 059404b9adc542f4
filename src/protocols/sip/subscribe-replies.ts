// The answers to a SUBSCRIBE that was read: accepted, or refused by the neck. RFC 6665 §4.2.1, DESIGN 7.

import type { Address } from '../../model/address.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { InboundRequest, OutgoingReply } from './exchange.ts';
import { parseVias } from './headers/via.ts';
import { contactUser, type SipPresenceDeps } from './presence-ground.ts';
import { answersAlike, replyTo } from './replies.ts';

/** 200 with what was granted. @param toTag founds the dialog */
export function accepted(
  request: InboundRequest,
  presentity: Address,
  expiresS: number,
  shore: Pick<SipPresenceDeps['shore'], 'contactUri'>,
  toTag?: string,
): OutgoingReply {
  const transport = parseVias(request.message.headers.all('via'))?.[0]?.transport.toLowerCase() === 'tcp' ? 'tcp' : 'tls';
  return {
    status: 200,
    headers: [
      ['Contact', `<${shore.contactUri(request.side, transport, contactUser(presentity).contactUser)}>`],
      ['Expires', String(expiresS)],
    ],
    ...(toTag === undefined ? {} : { toTag }),
  };
}

/** The refusal to answer with; none when a partner's watcher must not see a difference between refused and unanswered. */
export function refusal(outcome: Outcome, request: InboundRequest, presentity: Address, use6xx: boolean): OutgoingReply | undefined {
  if (outcome.kind !== 'refused' && outcome.kind !== 'failed') return undefined;
  const partner = request.side === 'edge';
  if (partner && answersAlike(outcome.reason)) return undefined;
  return replyTo(outcome, { partner, endpoint: presentity.resource !== undefined, use6xx });
}
