// The XMPP shore, put together: streams and components, what arrives, messages, presence, and the gateway that routing sees.

import { randomBytes } from 'node:crypto';
import { reason } from '../errors.ts';
import type { Address } from '../model/address.ts';
import type { SecretStore } from '../model/outbox-store.ts';
import type { Gateway, Link, TlsUpgrade } from '../model/ports.ts';
import type { RoadBack } from '../ops/partner-test/ports.ts';
import { XmppGateway } from '../protocols/xmpp/gateway.ts';
import { Messages } from '../protocols/xmpp/messages.ts';
import { pingElement } from '../protocols/xmpp/ping.ts';
import { XmppPresence } from '../protocols/xmpp/presence.ts';
import { Requests } from '../protocols/xmpp/requests.ts';
import { XmppShore } from '../protocols/xmpp/shore.ts';
import { Stanzas } from '../protocols/xmpp/stanzas.ts';
import type { Drains } from './drain.ts';
import type { Ground } from './sip.ts';

export interface XmppGround extends Ground {
  readonly upgrade: TlsUpgrade;
  /** A secret of the home by name. */
  readonly secret: (name: string) => string;
  /** May the asker know of this user of ours? */
  readonly visible: (asker: Address, user: Address) => Promise<boolean>;
}

export interface XmppParts extends Drains {
  readonly gateway: Gateway;
  accept(link: Link, mode: 'starttls' | 'direct'): void;
  /** An internal server that dials us. */
  acceptComponent(link: Link): void;
  /** The table has changed: components come and go. */
  routesChanged(): void;
  /** The secret behind our dialback keys. */
  readonly dialbackSecret: string;
  /** Asks somebody elsewhere, and waits for the answer. */
  readonly ask: Requests['ask'];
  /** Pings a partner over the stream that there is, or a new one. */
  roadBack(ourDomain: string, theirDomain: string, withinMs: number): Promise<RoadBack>;
}

/** Makes the XMPP shore, with its dialback secret from the store; opens nothing. */
export async function xmppShore(ground: XmppGround): Promise<XmppParts> {
  const { table, clock, ids, log, store, connector, resolver, submit, partnerSeen } = ground;
  const secret = await dialbackSecret(store.secrets);
  const shore = new XmppShore({
    clock,
    ids,
    log,
    connector,
    resolver,
    tlsUpgrade: ground.upgrade,
    table,
    secret: ground.secret,
    random: Math.random,
    dialbackSecret: secret,
  });
  const messages = new Messages({ shore, clock, ids });
  const requests = new Requests(shore, clock, ids);
  const presence = new XmppPresence({ shore, submit, ids, log });
  const stanzas = new Stanzas({
    submit,
    noteRefusal: ground.noteRefusal,
    clock,
    ids,
    log,
    visible: ground.visible,
    presence: presence.receive,
    answered: (id, from, why) => messages.answered(id, from, why),
    iqAnswered: (stanza) => requests.answered(stanza),
    chatting: (contact) => messages.chatting(contact),
  });
  shore.handle({ onStanza: stanzas.receive, onPartnerOpened: (_ours, theirs) => partnerSeen(theirs) });
  shore.syncComponents();
  return {
    gateway: new XmppGateway(messages, presence),
    accept: (link, mode) => shore.accept(link, mode),
    acceptComponent: (link) => shore.acceptComponent(link),
    routesChanged: () => shore.syncComponents(),
    dialbackSecret: secret,
    ask: (ourDomain, to, iq, withinMs) => requests.ask(ourDomain, to, iq, withinMs),
    roadBack: (ours, theirs, withinMs) => roadBack(shore, ground, ours, theirs, withinMs),
    async drain(graceMs) {
      shore.drain();
      const until = clock.monotonic() + graceMs;
      while (shore.streams().some(({ state }) => state === 'open') && clock.monotonic() < until)
        await new Promise<void>((done) => clock.after(20, done));
    },
  };
}

/** The partner's answer to a ping comes over whatever road it has to us; an error is an answer too (RFC 6120 §8.2.3). */
async function roadBack(shore: XmppShore, { clock, ids }: XmppGround, ours: string, theirs: string, withinMs: number): Promise<RoadBack> {
  const began = clock.monotonic();
  const text = `${theirs} took our ping and did not answer it within ${withinMs} ms`;
  const late = Promise.withResolvers<RoadBack>();
  const timer = clock.after(withinMs, () => late.resolve({ kind: 'failed', reason: reason('XMPP_NO_RETURN_PATH', text) }));
  const answered = async (): Promise<RoadBack> => {
    const sent = await shore.send(ours, theirs, undefined, pingElement(ours, theirs, ids.token()));
    if (sent.kind === 'failed') return sent;
    const barrier = await shore.barrier(ours, theirs, sent.number);
    return barrier.kind === 'covered'
      ? { kind: 'answered', ms: Math.round(clock.monotonic() - began) }
      : { kind: 'failed', reason: barrier.reason };
  };
  const result = await Promise.race([answered(), late.promise]);
  timer.cancel();
  return result;
}

/** XEP-0185 §3: one secret for all dialback keys, kept so that a restart still recognises them. */
async function dialbackSecret(secrets: SecretStore): Promise<string> {
  const known = await secrets.get('dialback');
  if (known !== undefined) return Buffer.from(known).toString('utf8');
  const made = randomBytes(32).toString('hex');
  await secrets.put('dialback', Buffer.from(made));
  return made;
}
