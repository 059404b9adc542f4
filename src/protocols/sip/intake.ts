// What a readable request must pass before a room behind the shore sees it, in this order, each with its early answer:
// hops left (483), extensions (420), method (405), who it comes from (403), for whom it is (404), loops (482), dialog (481).
// RFC 3261 §8.2 and §16.3, RFC 5922 §7 (identity per request, not per connection), sip-xmpp.md 1 and 9.2. Route and maddr of
// others are never followed: there is one place a request can go, and it is here.

import { reason } from '../../errors.ts';
import type { Side } from '../../model/event.ts';
import type { Peer, ProofResult } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { Table } from '../../model/table.ts';
import type { MessageCore } from './check-request.ts';
import type { DialogTable } from './dialog-table.ts';
import type { Handler, InboundRequest, OutgoingReply } from './exchange.ts';
import { parseTokens, unknownTags } from './headers/tokens.ts';
import { type LoopGuard, requestIdentity, type SentBy } from './loop-guard.ts';
import type { SipHeaders, SipRequest } from './message.ts';
import { allow, optionsReply } from './options.ts';
import { parseSipUri, type SipUri } from './uri.ts';

/** RFC 3261 §20.22: what is assumed when the header is absent. */
const DEFAULT_MAX_FORWARDS = 70;
/** Extensions a peer may insist on. ms-benotify: Microsoft edges name it in Proxy-Require. */
const KNOWN_REQUIRE: readonly string[] = [];
const KNOWN_PROXY_REQUIRE: readonly string[] = ['ms-benotify'];

/** What intake asks of the shore. */
export interface IntakeContext {
  readonly table: Table;
  readonly ours: readonly SentBy[];
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly dialogs: DialogTable;
  readonly loops: LoopGuard;
  readonly nowMs: number;
}

/** Where it came from. */
export interface Arrival {
  readonly connection: string;
  readonly side: Side;
  readonly peer: Peer;
}

export type Verdict =
  | { readonly kind: 'take'; readonly request: InboundRequest; readonly handler: Handler }
  | { readonly kind: 'answer'; readonly reply: OutgoingReply; readonly why?: Reason };

/** Judges one request. Answers at once unless the peer's identity has to be looked up first. */
export function judge(message: SipRequest, core: MessageCore, arrival: Arrival, context: IntakeContext): Verdict | Promise<Verdict> {
  const early = beforeIdentity(message, core, arrival, context);
  if (early !== undefined) return early;
  const fromUri = parseSipUri(core.from.uri)!; // readRequest has read it
  const domain = fromUri.host;
  const refusal = claimable(domain, arrival.side, context.table);
  if (refusal !== undefined) return refuse(403, refusal, context);
  const proof = arrival.peer.provenAlready(domain, 'sip');
  if (proof !== undefined) return afterIdentity(message, core, arrival, context, fromUri, proof);
  return arrival.peer.proves(domain, 'sip').then((found) => afterIdentity(message, core, arrival, context, fromUri, found));
}

/**
 * An INVITE has been refused (405). Who is it that called, if they are who they claim and may reach a user of ours? The callee
 * can then be told; undefined: nobody is.
 */
export async function caller(
  message: SipRequest,
  core: MessageCore,
  arrival: Arrival,
  context: IntakeContext,
): Promise<InboundRequest | undefined> {
  const fromUri = parseSipUri(core.from.uri)!; // readRequest has read it
  if (core.to.tag !== undefined || claimable(fromUri.host, arrival.side, context.table) !== undefined) return undefined;
  const proof = await arrival.peer.proves(fromUri.host, 'sip');
  const nobody: Handler = async () => ({ status: 405 });
  const verdict = afterIdentity(message, core, arrival, { ...context, handlers: new Map([['INVITE', nobody]]) }, fromUri, proof);
  return verdict.kind === 'take' ? verdict.request : undefined;
}

function beforeIdentity(message: SipRequest, core: MessageCore, arrival: Arrival, context: IntakeContext): Verdict | undefined {
  const { method, headers } = message;
  const options = method === 'OPTIONS';
  // RFC 3261 §16.3 step 3; §11: an OPTIONS that ends here may be answered by us.
  if (core.maxForwards === 0 && !options) return answer({ status: 483 });
  // §8.2.1 stands before §8.2.2: an unknown method is refused whatever it requires - but a peer that insists on an extension
  // learns more from 420, and RFC 4475 §3.3.15 expects it.
  if (method !== 'CANCEL') {
    const unsupported = [...unknownIn(headers, 'require', KNOWN_REQUIRE), ...unknownIn(headers, 'proxy-require', KNOWN_PROXY_REQUIRE)];
    if (unsupported.length > 0) return answer({ status: 420, headers: [['Unsupported', unsupported.join(', ')]] });
  }
  // §9.2: every INVITE is refused at once, so there is nothing left to cancel.
  if (method === 'CANCEL') return answer({ status: 481 });
  if (!options && !context.handlers.has(method)) return answer({ status: 405, headers: [['Allow', allow([...context.handlers.keys()])]] });
  if (!options) return undefined;
  const host = parseSipUri(message.uri)?.host ?? '';
  if (arrival.side === 'edge' && !isOurs(host, context)) return answer({ status: 404 });
  return answer(optionsReply([...context.handlers.keys()]));
}

function unknownIn(headers: SipHeaders, name: string, known: readonly string[]): readonly string[] {
  return headers.get(name) === undefined ? [] : unknownTags(parseTokens(headers.all(name)) ?? [], known);
}

/** May anybody on this side claim to come from the domain at all? */
function claimable(domain: string, side: Side, table: Table): Reason | undefined {
  const own = table.domains.has(domain);
  if (side === 'edge' && own)
    return reason('AUTH_LOCAL_DOMAIN_OUTSIDE', `a request from outside claims to come from ${domain}, which is ours`);
  if (side !== 'edge' && !own) {
    return reason('AUTH_NOT_AN_INSIDE_SERVER', `an inside server sends for ${domain === '' ? 'no domain' : domain}, which is not ours`);
  }
  return undefined;
}

function afterIdentity(
  message: SipRequest,
  core: MessageCore,
  arrival: Arrival,
  context: IntakeContext,
  fromUri: SipUri,
  proof: ProofResult,
): Verdict {
  if (!proof.proven) return refuse(403, proof.reason, context);
  const uri = parseSipUri(message.uri)!; // readRequest has read it
  const toTag = core.to.tag;
  const inDialog = toTag !== undefined;
  // Relay guard: from outside only to us. Inside a dialog the Request-URI is our Contact.
  const known = context.table.domains.has(uri.host) || (inDialog && isOurs(uri.host, context));
  if (arrival.side === 'edge' && !known) {
    return refuse(404, reason('ROUTE_UNKNOWN_DOMAIN', `${uri.host === '' ? 'the target' : uri.host} is not a domain of ours`), context);
  }
  const fromTag = core.from.tag ?? '';
  const { callId } = core;
  if (
    !inDialog &&
    context.loops.returned(message.headers, requestIdentity(message.method, callId, fromTag, core.cseq.number), context.nowMs)
  ) {
    return refuse(482, reason('ROUTE_LOOP', 'the request has been here before'), context);
  }
  // RFC 3261 §12.2.2; RFC 6665 §4.4.1: NOTIFY outside any dialog is refused the same way.
  const handler = inDialog
    ? context.dialogs.find(callId, toTag)
    : message.method === 'NOTIFY'
      ? undefined
      : context.handlers.get(message.method);
  if (handler === undefined) return answer({ status: 481 });
  const request: InboundRequest = {
    message,
    connection: arrival.connection,
    side: arrival.side,
    peer: arrival.peer,
    from: core.from,
    to: core.to,
    fromUri,
    uri,
    fromDomain: fromUri.host,
    toDomain: uri.host,
    proof: proof.how,
    callId,
    cseq: core.cseq.number,
    fromTag,
    ...(toTag === undefined ? {} : { toTag }),
    branch: core.via.branch ?? '',
    maxForwards: core.maxForwards ?? DEFAULT_MAX_FORWARDS,
  };
  return { kind: 'take', request, handler };
}

/** A domain of ours, or the name or address under which our listeners are known. */
function isOurs(host: string, context: IntakeContext): boolean {
  return context.table.domains.has(host) || context.ours.some((ours) => ours.host === host);
}

function answer(reply: OutgoingReply): Verdict {
  return { kind: 'answer', reply };
}

/** Says why, in a Warning (RFC 3261 §20.43, code 399), so that the peer's administrator need not guess. */
function refuse(status: number, why: Reason, context: IntakeContext): Verdict {
  const text = `${why.code}: ${why.text}`.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '?');
  const agent = context.ours[0]?.host ?? 'isthmus';
  return { kind: 'answer', reply: { status, headers: [['Warning', `399 ${agent} "${text}"`]] }, why };
}
