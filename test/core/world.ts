// A core on a real store in a temporary folder, with people who are there and clients that write down what they are given.

import { makeCore, type RunningCore } from '../../src/core/core.ts';
import type { CoreParts } from '../../src/core/ports.ts';
import { PasswordSignIn } from '../../src/core/sign-in/sign-in.ts';
import { SILENT } from '../../src/log.ts';
import { type Address, show } from '../../src/model/address.ts';
import type { Client, Item, OwnPresence, Session } from '../../src/model/core.ts';
import type { Event, ImSent } from '../../src/model/event.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import type { Reason } from '../../src/model/reason.ts';
import { countingIds } from '../outbox/events.ts';
import { type TempStore, tempStore } from '../store/temp-store.ts';

export const HERE = 'people.example';
export const at = (local: string, domain = HERE): Address => ({ local, domain });
export const nora = at('nora');
export const omar = at('omar');
export const li = at('li');
/** A partner's user. */
export const bob = at('bob', 'partner.example');

/** A client that takes what it is given. */
export class FakeClient implements Client {
  readonly face: 'xmpp' | 'sip';
  readonly connection: string;
  readonly address = '192.0.2.1';
  wants: Client['wants'] = { contacts: true, copies: true, presence: true };
  readonly items: Item[] = [];
  ended: Reason | undefined;
  /** Answers each item; false: it has not got it. */
  answers: (item: Item) => boolean | Promise<boolean> = () => true;
  session!: Session; // set by the world that opens it

  constructor(name: string, face: 'xmpp' | 'sip' = 'xmpp') {
    this.connection = name;
    this.face = face;
    if (face === 'sip') this.wants = { ...this.wants, messages: true };
  }
  async take(item: Item): Promise<boolean> {
    this.items.push(item);
    return this.answers(item);
  }
  end(why: Reason): void {
    this.ended = why;
  }

  /** What was said to it, in words: `nora@people.example/desk: hello`. */
  get heard(): string[] {
    return this.items.flatMap((item) => {
      if (item.kind !== 'said') return [];
      const { event } = item;
      const marks = `${item.copyOf === undefined ? '' : ` (${item.copyOf} copy)`}${item.delayedSince === undefined ? '' : ' (late)'}`;
      const what = event.kind === 'im.sent' ? event.body : event.kind === 'im.composing' ? event.state : `${event.status} ${event.about}`;
      return [`${show(event.from)}: ${what}${marks}`];
    });
  }
  /** What it saw of others: `omar@people.example/phone open dnd`. */
  get saw(): string[] {
    return this.items.flatMap((item) => {
      if (item.kind !== 'presence' || show(item.from) === `${show(this.session.user)}/${this.session.resource}`) return [];
      const { availability, show: word, notes } = item.presence;
      return [[show(item.from), availability, word, notes[0]?.text].filter((part) => part !== undefined).join(' ')];
    });
  }
  /** `subscribe from omar@people.example`. */
  get asked(): string[] {
    return this.items.flatMap((item) => (item.kind === 'subscription' ? [`${item.verb} from ${show(item.from)}`] : []));
  }
  /** `omar@people.example both`. */
  get pushed(): string[] {
    return this.items.flatMap((item) => {
      if (item.kind !== 'contact') return [];
      const { address, subscription, ask } = item.contact;
      return [`${show(address)} ${item.removed ? 'removed' : subscription}${ask ? ' ask' : ''}`];
    });
  }
  forget(): void {
    this.items.length = 0;
  }
}

export interface CoreWorld extends AsyncDisposable {
  readonly temp: TempStore;
  core: RunningCore;
  /** What the core handed to the neck. */
  readonly sent: Event[];
  /** What the neck answers. */
  answer: (event: Event) => Outcome;
  /** Opens a client; `present` says that it is available. */
  client(
    user: Address,
    resource: string,
    options?: { face?: 'xmpp' | 'sip'; presence?: Partial<OwnPresence> | 'none' },
  ): Promise<FakeClient>;
  say(from: FakeClient, to: Address, body: string, more?: Partial<ImSent>): Promise<Outcome>;
  /** From a partner, through the gateway. */
  arrives(event: Event, possibleCopy?: boolean): Promise<Outcome>;
  settle(): Promise<void>;
  /** As after a drain and a start, or after kill -9. */
  restart(how?: 'drained' | 'killed'): Promise<void>;
}

export const open = (more: Partial<OwnPresence> = {}): OwnPresence => ({ availability: 'open', notes: [], ...more });

export const message = (from: Address, to: Address, body: string, more: Partial<ImSent> = {}): ImSent => ({
  kind: 'im.sent',
  id: `id-${body}`,
  at: 1,
  origin: { network: 'xmpp', side: 'edge', peer: from.domain, connection: 'c', proof: 'certificate' },
  from,
  to,
  body,
  style: 'chat',
  wants: { delivered: false, displayed: false },
  ids: { wireId: `wire-${body}` },
  ...more,
});

export async function coreWorld(more: Partial<CoreParts> = {}): Promise<CoreWorld> {
  const temp = tempStore();
  const { clock } = temp;
  const ids = countingIds();
  const sent: Event[] = [];
  const make = (): RunningCore => {
    const { people, contacts, blocked, chosen, presenceSettings, kept } = temp.store;
    return makeCore({
      ...{ people, contacts, blocked, chosen, presenceSettings, kept },
      signIn: new PasswordSignIn({ people: temp.store.people, clock, log: SILENT, secret: new Uint8Array(32) }),
      clock,
      ids,
      log: SILENT,
      submit: async (event) => {
        sent.push(event);
        return world.answer(event);
      },
      serves: ({ domain }) => domain === HERE,
      isOurs: (domain) => domain === HERE,
      ...more,
    });
  };
  const world: CoreWorld = {
    temp,
    core: undefined as unknown as RunningCore, // set below, before anybody sees it
    sent,
    answer: () => ({ kind: 'handedOver' }),
    async client(user, resource, { face = 'xmpp', presence = {} } = {}) {
      const client = new FakeClient(`${show(user)}/${resource}`, face);
      const session = world.core.open(user, resource, client);
      if ('code' in session) throw new Error(session.text);
      client.session = session;
      if (presence !== 'none') session.present(open(presence));
      await world.settle();
      return client;
    },
    async say(from, to, body, facts) {
      const outcome = await from.session.say({ event: message(from.session.user, to, body, facts) });
      await world.settle();
      return outcome;
    },
    async arrives(event, possibleCopy) {
      const wire = { callId: 'c', fromTag: 't', cseq: 1, stanzaId: `ours-${event.id}` };
      const hop = { network: 'core', side: 'local', ourDomain: HERE, theirDomain: HERE } as const;
      const outcome = await world.core.gateway.deliver({
        event,
        hop,
        attempt: 1,
        ...(possibleCopy === true && { possibleCopy }),
        ...(event.kind.startsWith('im.') && { wire }),
        deadlineMs: 32_000,
        signal: new AbortController().signal,
        written() {},
      });
      await world.settle();
      return outcome;
    },
    async settle() {
      for (let i = 0; i < 4; i += 1) {
        await world.core.settled();
        await new Promise((turn) => setImmediate(turn));
      }
    },
    async restart(how = 'drained') {
      if (how === 'drained') {
        await world.core.close();
        temp.reopen();
      } else temp.crash();
      world.core = make();
    },
    async [Symbol.asyncDispose]() {
      await world.core.close();
      await temp[Symbol.asyncDispose]();
    },
  };
  for (const [local, name] of [
    ['nora', 'Nora Jensen'],
    ['omar', 'Omar Haddad'],
    ['li', 'Li Wei'],
  ] as const)
    await temp.store.people.put({ address: at(local), name, disabled: false, groups: [], createdAt: 0 });
  world.core = make();
  return world;
}
