// What one client says, stanza by stanza (RFC 6120 §8, RFC 6121 §3 to §5, §8): to its Session, to the table of requests, or to
// another XMPP client of the core. What cannot be done is answered with an error.

import { reason } from '../../../errors.ts';
import { type Address, bare, sameBare } from '../../../model/address.ts';
import type { Core } from '../../../model/core.ts';
import type { Origin } from '../../../model/event.ts';
import type { Clock, Ids } from '../../../model/ports.ts';
import type { Reason } from '../../../model/reason.ts';
import { type Element, elements } from '../element.ts';
import { iqError } from '../iq.ts';
import { toAddress } from '../jid.ts';
import { NS } from '../names.ts';
import { printElement } from '../print.ts';
import { errorOf, stanzaError } from '../replies.ts';
import { bounce } from '../stanzas.ts';
import type { StanzaFacts } from '../to-model/im.ts';
import type { Asker, IqTable, Target } from './iq-table.ts';
import { readSaid } from './messages.ts';
import { breaksStreams, payloadOf, stanzaOf } from './payload.ts';
import type { Personal } from './personal/personal.ts';
import { directoryOf } from './personal/search.ts';
import { readOwnPresence, verbOf } from './presence.ts';
import { uploadOf } from './uploads/slots.ts';

/** The client that speaks. */
export interface Speaker extends Asker {
  readonly resource: string;
  readonly connection: string;
  readonly address: string;
}

export interface HearingGround {
  readonly core: Core;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly table: IqTable;
  /** Personal data; absent: there is none. */
  readonly personal?: Personal | undefined;
  /** The domain by any of its names, where its users are the core's. */
  serves(domain: string): string | undefined;
  /** The XMPP client of that full address, if it is there. */
  clientAt(full: Address): Speaker | undefined;
  /** May `asker` send requests to that user? */
  mayAsk(asker: Address, user: Address): Promise<boolean>;
}

/**
 * Hears one stanza to its end.
 * @param stanza with the speaker's address as its `from`, names in `jabber:server`; @param raw the same as it came
 */
export async function hear(stanza: Element, raw: Element, speaker: Speaker, ground: HearingGround): Promise<void> {
  const { to: named, type } = stanza.attrs;
  const to = named === undefined ? speaker.user : toAddress(named);
  if ('code' in to) {
    // What is no address stands in no answer: clients could not read it.
    const { to: _, ...attrs } = stanza.attrs;
    return refuse({ ...stanza, attrs }, stanzaError('jid-malformed', 'modify', to.text), speaker);
  }
  if (breaksStreams(raw)) return refuse(stanza, stanzaError('bad-request', 'modify', 'these elements belong to streams'), speaker);
  switch (stanza.name) {
    case 'message':
      return type === 'error' ? failed(raw, to, speaker, ground) : message(stanza, raw, to, speaker, ground);
    case 'presence':
      return presence(stanza, raw, named === undefined ? undefined : to, speaker, ground);
    default:
      return iq(stanza, raw, to, speaker, ground);
  }
}

/** Answers with an error, unless it is one (RFC 6120 §8.3.1), or a result. */
function refuse(stanza: Element, error: Element, speaker: Speaker): void {
  if (stanza.attrs.type === 'error' || stanza.attrs.type === 'result') return;
  speaker.send(printElement(stanza.name === 'iq' ? iqError(stanza, error) : bounce(stanza, error)));
}

function factsOf(to: Address, { user, resource, connection, address }: Speaker, { ids, clock }: HearingGround): StanzaFacts {
  const origin: Origin = { network: 'core', side: 'local', peer: user.domain, connection, proof: 'account', address };
  return { id: ids.event(), at: clock.now(), origin, from: { ...user, resource }, to };
}

async function message(stanza: Element, raw: Element, to: Address, speaker: Speaker, ground: HearingGround): Promise<void> {
  const reading = readSaid(stanza, raw, factsOf(to, speaker, ground), ground.core.serves(to));
  if (reading.kind === 'nothing') return;
  if (reading.kind === 'refused') return refuse(stanza, errorOf(reading.reason, false), speaker);
  const outcome = await speaker.session.say(reading.said);
  // Typing and receipts that may not pass are nobody's error.
  if ((outcome.kind === 'refused' || outcome.kind === 'failed') && reading.said.event.kind === 'im.sent')
    refuse(stanza, unheard(outcome.reason, ground.serves(to.domain) !== undefined), speaker);
}

/**
 * A client answers a message with an error (RFC 6120 §8.3): only that goes to the other. What it quotes they know, and words beside it
 * would be said past the archive and the filters; nobody answers who is blocked (XEP-0191 §3.3).
 */
async function failed(raw: Element, to: Address, speaker: Speaker, ground: HearingGround): Promise<void> {
  const errors = elements(raw).filter(({ name, ns }) => name === 'error' && ns === NS.client);
  if (to.resource === undefined || errors.length !== 1 || !(await ground.mayAsk(speaker.user, bare(to)))) return;
  pass({ ...raw, children: errors }, to, speaker, ground);
}

/** RFC 6121 §8.5.1, XEP-0191 §4: of ours, somebody who is not there and somebody who has blocked the sender look alike. */
function unheard(why: Reason, among: boolean): Element {
  const hidden = among && why.code === 'PEER_UNKNOWN_USER';
  return hidden ? stanzaError('service-unavailable', 'cancel', why.text) : errorOf(why, false);
}

async function presence(stanza: Element, raw: Element, to: Address | undefined, speaker: Speaker, ground: HearingGround): Promise<void> {
  const { type } = stanza.attrs;
  const verb = verbOf(type);
  if (verb !== undefined) {
    // RFC 6121 §3.1.1: it goes to somebody, and to the bare address.
    if (to === undefined) return refuse(stanza, stanzaError('bad-request', 'modify', 'to whom?'), speaker);
    const facts = factsOf(bare(to), speaker, ground);
    const words = verb === 'subscribe' ? readOwnPresence({ ...stanza, attrs: {} }, raw, facts)?.notes[0]?.text : undefined;
    const outcome = await speaker.session.subscription(verb, bare(to), words);
    if (outcome.kind === 'refused' || outcome.kind === 'failed') refuse(stanza, errorOf(outcome.reason, false), speaker);
    return;
  }
  if (type === 'error') return;
  // RFC 6121 §4.3: a server probes by itself; a client that asks learns what it may see anyway.
  if (type === 'probe') return to === undefined ? undefined : speaker.session.probe(to);
  if (type !== undefined && type !== 'unavailable') return refuse(stanza, stanzaError('bad-request', 'modify'), speaker);
  const pictured = (await ground.personal?.withPicture(speaker, raw)) ?? raw;
  const shown = readOwnPresence(stanza, pictured, factsOf(to ?? speaker.user, speaker, ground));
  if (shown === undefined) return;
  if (to === undefined)
    ground.personal?.presented(speaker, pictured, (change) => {
      const { payload } = shown;
      speaker.session.present({ ...shown, ...(payload !== undefined && { payload: { ...payload, text: change(payload.text) } }) });
    });
  if (to === undefined) speaker.session.present(shown);
  else speaker.session.presentTo(to, shown);
}

async function iq(stanza: Element, raw: Element, to: Address, speaker: Speaker, ground: HearingGround): Promise<void> {
  const { type, id } = stanza.attrs;
  const isRequest = type === 'get' || type === 'set';
  if (isRequest && id === undefined) return refuse(stanza, stanzaError('bad-request', 'modify', 'a request needs an id'), speaker);
  if (!isRequest && type !== 'result' && type !== 'error') return refuse(stanza, stanzaError('bad-request', 'modify'), speaker);
  if (to.resource !== undefined) {
    const may = await ground.mayAsk(speaker.user, bare(to));
    if (!may || !pass(raw, to, speaker, ground)) refuse(stanza, stanzaError('service-unavailable', 'cancel'), speaker);
    return;
  }
  if (!isRequest) return ground.personal?.answered(speaker, stanza); // or to a push, or to a ping
  const target = await targetOf(to, speaker, ground);
  if (target === undefined) return refuse(stanza, stanzaError('service-unavailable', 'cancel'), speaker);
  speaker.send(printElement(await ground.table.answer({ asker: speaker, type, stanza, target, to })));
}

async function targetOf(to: Address, { user }: Speaker, { core, table }: HearingGround): Promise<Target | undefined> {
  if (sameBare(to, user)) return 'account';
  if (to.local === '' && to.domain === user.domain) return 'server';
  if (to.local === '' && to.domain === directoryOf(user.domain)) return 'directory';
  if (to.local === '' && to.domain === uploadOf(user.domain) && table.features('upload').includes(NS.upload)) return 'upload';
  return (await core.isUser(to)) ? 'user' : undefined;
}

/** Hands a stanza to an XMPP client of the core as it is. False: it is not there. */
function pass(raw: Element, to: Address, speaker: Speaker, ground: HearingGround): boolean {
  const client = ground.clientAt(to);
  client?.send(stanzaOf(payloadOf(raw, speaker.user.domain).text, { from: speaker.jid, to: client.jid }));
  return client !== undefined;
}

/** The answer to a stanza on which our own code has failed. */
export function refuseForUs(stanza: Element, speaker: Speaker): void {
  refuse(stanza, errorOf(reason('US_BUG', 'this server has made a mistake'), false), speaker);
}
