// Stanzas that arrived, with a proven sender, to what they are: messages and receipts become events, their refusals error
// stanzas; error stanzas are the answers to what we sent; iq requests are answered here; presence goes to its own room.
// A returned promise settles when the event is committed: XEP-0198 and the partner's own ping wait for that.

import { LRUCache } from 'lru-cache';
import { reason } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { type Address, bare, bareKey } from '../../model/address.ts';
import { atMost } from '../../model/at-most.ts';
import type { ImSent, Origin } from '../../model/event.ts';
import type { Clock, Ids, NoteRefusal, Submit } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { StanzaContext } from './context.ts';
import { type Element, element } from './element.ts';
import { answerIq, iqError, startsSession } from './iq.ts';
import { toAddress } from './jid.ts';
import { NS } from './names.ts';
import { errorOf, readError, stanzaError } from './replies.ts';
import { notice, readMessage, type StanzaFacts } from './to-model/im.ts';

export interface StanzasDeps {
  readonly submit: Submit;
  readonly noteRefusal: NoteRefusal;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** May the asker know of this user: is there an authorization or a conversation between them? (DESIGN 7) */
  readonly visible: (asker: Address, user: Address) => Promise<boolean>;
  /** Takes presence stanzas. */
  readonly presence: (stanza: Element, facts: StanzaFacts, context: StanzaContext) => Promise<void>;
  /** Takes an error stanza about something we sent; false when nothing of that id waits for its answer. */
  readonly answered: (id: string, from: Address, why: Reason) => boolean;
  /** Takes the answer to a request of ours; false: nobody waits for it. */
  readonly iqAnswered: (stanza: Element) => boolean;
  /** A chat is under way with this contact: our stanzas are of type `chat` then. */
  readonly chatting: (contact: Address) => void;
}

/** A notice of the same kind between the same two is given once in this time, ms. */
const NOTICE_EVERY_MS = 10 * 60_000;
const MAX_REMEMBERED = 20_000;

export class Stanzas {
  readonly #deps: StanzasDeps;
  readonly #noticed = new LRUCache<string, number>(atMost(MAX_REMEMBERED));
  /** Ids whose late failure has been passed on: a sender is told once. */
  readonly #told = new LRUCache<string, true>(atMost(MAX_REMEMBERED));

  constructor(deps: StanzasDeps) {
    this.#deps = deps;
  }

  readonly receive = async (stanza: Element, context: StanzaContext): Promise<void> => {
    const from = toAddress(stanza.attrs.from ?? '');
    const to = toAddress(stanza.attrs.to ?? '');
    if ('code' in from || 'code' in to) {
      // RFC 6120 §8.3.1: an error is never answered with an error.
      if (stanza.attrs.type !== 'error' && stanza.attrs.type !== 'result')
        context.reply(bounce(stanza, stanzaError('jid-malformed', 'modify')));
      return;
    }
    const { type } = stanza.attrs;
    if (stanza.name === 'iq' && (type === 'result' || type === 'error') && this.#deps.iqAnswered(stanza)) return;
    const facts: StanzaFacts = { id: this.#deps.ids.event(), at: this.#deps.clock.now(), origin: originOf(context), from, to };
    if (stanza.attrs.type === 'error' && stanza.name !== 'presence') return this.#error(stanza, facts);
    switch (stanza.name) {
      case 'message':
        return this.#message(stanza, facts, context);
      case 'presence':
        return this.#deps.presence(stanza, facts, context);
      default:
        return this.#iq(stanza, facts, context);
    }
  };

  async #message(stanza: Element, facts: StanzaFacts, context: StanzaContext): Promise<void> {
    const reading = readMessage(stanza, facts);
    const partner = context.side === 'edge';
    switch (reading.kind) {
      case 'nothing':
        return;
      case 'refused':
        this.#degraded(reading.reason.code);
        context.reply(bounce(stanza, errorOf(reading.reason, partner)));
        this.#deps.noteRefusal({ ...facts, ids: stanza.attrs.id === undefined ? {} : { wireId: stanza.attrs.id } }, reading.reason);
        if (reading.notice !== undefined) await this.#notify(reading.notice, reading.reason.code);
        return;
      case 'event': {
        const { event, inWords } = reading;
        if (inWords !== undefined) this.#degraded(inWords);
        if (event.kind === 'im.composing' || (event.kind === 'im.sent' && event.style === 'chat')) this.#deps.chatting(bare(event.from));
        const outcome = await this.#deps.submit(event);
        // Typing and receipts that may not pass are nobody's error.
        if ((outcome.kind === 'refused' || outcome.kind === 'failed') && event.kind === 'im.sent')
          context.reply(bounce(stanza, errorOf(outcome.reason, partner)));
      }
    }
  }

  #degraded(what: string): void {
    this.#deps.log.debug({ event: 'message.degraded', from: 'xmpp', to: 'text', what }, 'not everything of a message can cross');
  }

  async #iq(stanza: Element, facts: StanzaFacts, context: StanzaContext): Promise<void> {
    const { type } = stanza.attrs;
    if (type !== 'get' && type !== 'set') return; // a result nobody waits for
    if (stanza.attrs.id === undefined) return context.reply(iqError(stanza, stanzaError('bad-request', 'modify')));
    if (facts.to.local === '') return context.reply(answerIq(stanza, { kind: 'domain' }));
    if (startsSession(stanza)) {
      context.reply(
        iqError(stanza, errorOf(reason('CONTENT_UNSUPPORTED', 'calls and files do not cross this gateway'), context.side === 'edge')),
      );
      return this.#notify(notice(stanza, facts, 'tried to call you or to send a file; neither can be taken here.'), 'session');
    }
    const visible = await this.#deps.visible(bare(facts.from), bare(facts.to));
    context.reply(answerIq(stanza, { kind: 'user', visible, local: facts.to.local, jid: stanza.attrs.to ?? '' }));
  }

  /** An error stanza: the answer to a message on its way, or a late one about a message that was taken as delivered. */
  async #error(stanza: Element, facts: StanzaFacts): Promise<void> {
    const { id } = stanza.attrs;
    if (id === undefined || stanza.name !== 'message') return;
    const answer = readError(stanza);
    const why = refusalOf(answer);
    if (this.#deps.answered(id, facts.from, why)) return;
    const key = `${id} ${bareKey(facts.from)}`;
    if (this.#told.has(key)) return;
    this.#told.set(key, true);
    this.#deps.log.info(
      { event: 'message.failedLate', id: facts.id, about: id, condition: answer.condition },
      'an error came after the message counted as delivered',
    );
    await this.#deps.submit({ ...facts, kind: 'im.receipt', about: id, status: 'failed', reason: why });
  }

  async #notify(told: ImSent, what: string): Promise<void> {
    const key = `${what} ${bareKey(told.from)} ${bareKey(told.to)}`;
    const now = this.#deps.clock.monotonic();
    const last = this.#noticed.get(key);
    if (last !== undefined && now - last < NOTICE_EVERY_MS) return;
    this.#noticed.set(key, now);
    await this.#deps.submit(told);
  }
}

/** What a peer's stanza error means for a message of ours. */
function refusalOf(answer: ReturnType<typeof readError>): Reason {
  const peer = { network: 'xmpp', ...answer } as const;
  const said = answer.text === undefined ? '' : ` (${answer.text.slice(0, 120)})`;
  const words = `the XMPP peer answered ${answer.condition}${said}`;
  switch (answer.condition) {
    case 'item-not-found':
      return reason('PEER_UNKNOWN_USER', words, { peer });
    case 'gone':
    case 'redirect':
      return reason('PEER_GONE', words, { peer });
    case 'recipient-unavailable':
      return reason('PEER_UNAVAILABLE', words, { peer });
    case 'feature-not-implemented':
      return reason('PEER_NOT_SUPPORTED', words, { peer });
    case 'not-acceptable':
    case 'bad-request':
    case 'jid-malformed':
      return reason('PEER_NOT_ACCEPTABLE', words, { peer });
    // RFC 6120 §8.3.2: `wait` says that a later try may do better; the outbox makes it.
    case 'resource-constraint':
    case 'remote-server-timeout':
    case 'internal-server-error':
      return reason('PEER_BUSY', words, { peer, ...(answer.type !== 'wait' && { retry: 'never' as const }) });
    default:
      return reason('PEER_FORBIDDEN', words, { peer });
  }
}

/** The stanza back to its sender as an error (RFC 6120 §8.3.1), without its content. */
export function bounce(stanza: Element, error: Element): Element {
  return element(stanza.name, NS.server, { from: stanza.attrs.to, to: stanza.attrs.from, id: stanza.attrs.id, type: 'error' }, [error]);
}

/** Where a stanza came from, for its event. */
function originOf(context: StanzaContext): Origin {
  const { side, peer, connection, proof, address } = context;
  return { network: 'xmpp', side, peer, connection, proof, ...(address !== undefined && { address }) };
}
