// PUBLISH of presence (RFC 3903): what a client says of its user, under an entity tag and for a time. The newest document of an
// endpoint is its presence; without one, a registered client is plainly available.

import { bareKey, sameBare } from '../../../model/address.ts';
import type { OwnPresence } from '../../../model/core.ts';
import type { Clock, Ids, Timer } from '../../../model/ports.ts';
import type { Endpoint as PresenceEndpoint } from '../../../model/presence.ts';
import { decodeText } from '../documents/charset.ts';
import { PIDF_TYPE, readPidf } from '../documents/pidf-reader.ts';
import type { InboundRequest, OutgoingReply } from '../exchange.ts';
import { parseContentType } from '../headers/content-type.ts';
import { parseEvent } from '../headers/event.ts';
import type { SipRequest } from '../message.ts';
import { grantExpires } from '../notifier.ts';
import type { Endpoint } from './endpoint.ts';
import { ownAddress, type Serves, warning } from './gate.ts';

export interface PublishingParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly serves: Serves;
}

const TERMS = { minS: 60, maxS: 7200 } as const;
const MAX_PER_ENDPOINT = 8;

interface Publication {
  readonly presence: OwnPresence;
  readonly timer: Timer;
}

export class Publishing {
  readonly #parts: PublishingParts;
  /** By endpoint, then entity tag; the newest last. */
  readonly #kept = new WeakMap<Endpoint, Map<string, Publication>>();

  constructor(parts: PublishingParts) {
    this.#parts = parts;
  }

  /** Handler of PUBLISH. */
  publish(endpoint: Endpoint, request: InboundRequest): OutgoingReply {
    const { headers } = request.message;
    const about = ownAddress(request.uri, this.#parts.serves);
    if (about === undefined || !sameBare(about, endpoint.user))
      return { status: 403, headers: [warning(`only ${bareKey(endpoint.user)} can be published here`)] };
    if (parseEvent(headers.get('event') ?? '')?.name !== 'presence') return { status: 489, headers: [['Allow-Events', 'presence']] };
    const expires = grantExpires(headers.get('expires'), TERMS);
    if (expires.kind === 'tooBrief') return { status: 423, headers: [['Min-Expires', String(expires.minS)]] };
    if (expires.kind === 'malformed') return { status: 400, headers: [warning('Expires is no number of seconds')] };
    const mine = this.#kept.get(endpoint) ?? new Map<string, Publication>();
    const match = headers.get('sip-if-match')?.trim();
    const before = match === undefined ? undefined : mine.get(match);
    // RFC 3903 §6 step 3: a tag that is not known (any more) names nothing that could be changed.
    if (match !== undefined && before === undefined) return { status: 412 };
    const reading = request.message.body.length === 0 ? before?.presence : readPresence(request.message, this.#parts.clock.now());
    if (reading === undefined) return { status: 400, headers: [warning('a first PUBLISH carries a document')] };
    if ('status' in reading) return reading;
    if (before === undefined && mine.size >= MAX_PER_ENDPOINT)
      return { status: 403, headers: [warning(`at most ${MAX_PER_ENDPOINT} publications of one client`)] };
    if (match !== undefined) {
      before?.timer.cancel();
      mine.delete(match);
    }
    // RFC 3903 §6 step 6: every success names a new tag.
    const tag = this.#parts.ids.token();
    this.#kept.set(endpoint, mine);
    if (expires.seconds > 0) {
      const timer = this.#parts.clock.after(expires.seconds * 1000, () => {
        mine.delete(tag);
        this.#present(endpoint);
      });
      mine.set(tag, { presence: reading, timer });
    }
    // A refresh says nothing new.
    if (request.message.body.length > 0 || expires.seconds === 0) this.#present(endpoint);
    return {
      status: 200,
      headers: [
        ['SIP-ETag', tag],
        ['Expires', String(expires.seconds)],
      ],
    };
  }

  /** The endpoint is gone. */
  forget(endpoint: Endpoint): void {
    for (const { timer } of this.#kept.get(endpoint)?.values() ?? []) timer.cancel();
    this.#kept.delete(endpoint);
  }

  #present(endpoint: Endpoint): void {
    if (endpoint.closed) return;
    const newest = [...(this.#kept.get(endpoint)?.values() ?? [])].at(-1)?.presence;
    const plain: OwnPresence = { availability: endpoint.bindings.length > 0 ? 'open' : 'closed', notes: [] };
    endpoint.session.present(newest ?? plain);
  }
}

function readPresence(message: SipRequest, at: number): OwnPresence | OutgoingReply {
  const type = parseContentType(message.headers.get('content-type') ?? '');
  if (type === undefined || `${type.type}/${type.subtype}` !== PIDF_TYPE) return { status: 415, headers: [['Accept', PIDF_TYPE]] };
  const text = decodeText(message.body, type.params.get('charset') ?? 'utf-8');
  const read = text === undefined ? undefined : readPidf(text, { at });
  if (read === undefined) return { status: 400, headers: [warning('the document is not valid in its charset')] };
  if (read.kind === 'refused') return { status: 400, headers: [warning(read.text)] };
  const best = bestOf(read.document.endpoints);
  return best === undefined ? { availability: 'closed', notes: [] } : ownPresence(best);
}

/** A client is one endpoint, however many tuples it writes. */
function bestOf(endpoints: readonly PresenceEndpoint[]): PresenceEndpoint | undefined {
  return endpoints.find(({ availability }) => availability === 'open') ?? endpoints[0];
}

function ownPresence({ id: _, at: __, ...said }: PresenceEndpoint): OwnPresence {
  return said;
}
