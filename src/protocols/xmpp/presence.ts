// Presence stanzas that arrived: read, handed to the neck, and answered where it refuses. XMPP keeps no state of its own
// here: an authorization is the neck's record, and there are no dialogs (DESIGN 5).

import type { Log } from '../../log.ts';
import type { Address } from '../../model/address.ts';
import { show } from '../../model/address.ts';
import type { Submit } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { StanzaContext } from './context.ts';
import { type Element, element } from './element.ts';
import { NS } from './names.ts';
import { errorOf, readError, stanzaError } from './replies.ts';
import { bounce, refusalOf } from './stanzas.ts';
import type { StanzaFacts } from './to-model/im.ts';
import { ID_PREFIX, readPresence, readPresenceError } from './to-model/presence.ts';

export interface PresenceRoomDeps {
  readonly submit: Submit;
  readonly log: Log;
  /** Takes an error about something the outbox sent; false when nothing of that id waits for its answer. */
  readonly answered: (id: string, from: Address, why: Reason) => boolean;
}

/** Makes the taker of presence stanzas that stanzas.ts hands them to. */
export function presenceRoom(deps: PresenceRoomDeps): (stanza: Element, facts: StanzaFacts, context: StanzaContext) => Promise<void> {
  return async (stanza, facts, context) => {
    if (stanza.attrs.type === 'error') return refusedByPeer(deps, stanza, facts);
    const reading = readPresence(stanza, facts);
    if (reading.kind === 'unknownType') return context.reply(bounce(stanza, stanzaError('bad-request', 'modify')));
    if (reading.kind === 'nothing') return;
    const { event } = reading;
    const outcome = await deps.submit(event);
    if (outcome.kind !== 'refused' && outcome.kind !== 'failed') return;
    // RFC 6121 §4.3.2 and DESIGN 7: whoever probes without a right learns the same, whether the user exists or not.
    if (event.kind === 'presence.probed' && context.side === 'edge') return context.reply(answer(stanza, 'unsubscribed'));
    if (event.kind !== 'presence.requested' && event.kind !== 'presence.probed') return;
    if (context.side === 'edge' && waitsSilently(outcome.reason)) {
      deps.log.debug({ event: 'presence.leftPending', id: event.id, watcher: show(event.from), code: outcome.reason.code });
      return;
    }
    context.reply(bounce(stanza, errorOf(outcome.reason, context.side === 'edge')));
  };
}

async function refusedByPeer(deps: PresenceRoomDeps, stanza: Element, facts: StanzaFacts): Promise<void> {
  const { id } = stanza.attrs;
  const error = readError(stanza);
  const sentAs = id?.startsWith(ID_PREFIX.subscription) === true ? id.slice(ID_PREFIX.subscription.length) : id;
  if (sentAs !== undefined && deps.answered(sentAs, facts.from, refusalOf(error))) return;
  const reading = readPresenceError(id, error, facts);
  if (reading.kind === 'event') await deps.submit(reading.event);
}

/** DESIGN 7: a partner's watcher waits, whether the user of ours is unknown, blocked or not permitted. */
function waitsSilently(why: Reason): boolean {
  return (
    why.blame === 'policy' ||
    why.code === 'PEER_UNKNOWN_USER' ||
    why.code === 'PEER_FORBIDDEN' ||
    why.code === 'PEER_GONE' ||
    why.code === 'PEER_UNAVAILABLE'
  );
}

function answer(stanza: Element, type: string): Element {
  return element('presence', NS.server, { from: bareJid(stanza.attrs.to), to: bareJid(stanza.attrs.from), type });
}

function bareJid(jid: string | undefined): string | undefined {
  return jid?.split('/', 1)[0];
}
