// The two machines together: the neck's records and the SIP shore's dialogs, driven by random sequences of what watchers,
// presentities, peers, operators and time may do. The invariants are those of sip-xmpp.md section 12.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { reason } from '../../src/errors.ts';
import { SILENT } from '../../src/log.ts';
import { type Address, bareKey } from '../../src/model/address.ts';
import type { PresenceEvent } from '../../src/model/event.ts';
import { HANDED_OVER, type Outcome } from '../../src/model/outcome.ts';
import { PRESENCE_DETAILS } from '../../src/model/presence.ts';
import { Presence } from '../../src/presence/presence.ts';
import { event, li, nora, type Outgoing, PresenceWorld, pidf } from '../protocols/sip/presence-world.ts';
import { memoryAuthorizations, type Said } from './neck.ts';

const DAY = 24 * 60 * 60 * 1000;
const eve: Address = { local: 'eve', domain: 'fabrikam.example' };
const SIP_PEOPLE = [nora, eve];

type Verb = 'subscribed' | 'unsubscribed' | 'available' | 'unavailable' | 'bounced';
type Command =
  // SIP watchers of li
  | { readonly do: 'watch'; readonly who: 0 | 1; readonly expires: number }
  | { readonly do: 'refresh'; readonly who: 0 | 1; readonly expires: number }
  | { readonly do: 'stanza'; readonly who: 0 | 1; readonly verb: Verb }
  // li, an XMPP watcher of SIP people
  | { readonly do: 'follow'; readonly who: 0 | 1; readonly verb: 'subscribe' | 'unsubscribe' | 'probe' }
  | { readonly do: 'notify'; readonly who: 0 | 1; readonly state: string }
  // the far end, time, operators
  | { readonly do: 'answer'; readonly status: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'policy'; readonly allowed: boolean }
  | { readonly do: 'restart' };

const who = fc.constantFrom(0 as const, 1 as const);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('watch' as const), who, expires: fc.constantFrom(3600, 3600, 600, 0) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('refresh' as const), who, expires: fc.constantFrom(3600, 600, 0) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('stanza' as const),
      who,
      verb: fc.constantFrom<Verb[]>('subscribed', 'subscribed', 'unsubscribed', 'available', 'available', 'unavailable', 'bounced'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('follow' as const),
      who,
      verb: fc.constantFrom('subscribe' as const, 'subscribe' as const, 'unsubscribe' as const, 'probe' as const),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('notify' as const),
      who,
      state: fc.constantFrom(
        'active',
        'active',
        'pending',
        'terminated;reason=rejected',
        'terminated;reason=timeout',
        'terminated;reason=noresource',
      ),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('answer' as const), status: fc.constantFrom(200, 200, 200, 481, 403, 603, 404, 500, 0) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1000, 40_000, 3_500_000, DAY + 1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('policy' as const), allowed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
);

/** How a subscription comes to stand, so that random sequences begin where something can go wrong. */
const STANDING: readonly (readonly Command[])[] = [
  [],
  [
    { do: 'watch', who: 0, expires: 3600 },
    { do: 'stanza', who: 0, verb: 'subscribed' },
    { do: 'answer', status: 200 },
    { do: 'stanza', who: 0, verb: 'available' },
    { do: 'watch', who: 1, expires: 3600 },
    { do: 'stanza', who: 1, verb: 'subscribed' },
  ],
  [
    { do: 'follow', who: 0, verb: 'subscribe' },
    { do: 'answer', status: 200 },
    { do: 'notify', who: 0, state: 'active' },
    { do: 'watch', who: 1, expires: 3600 },
  ],
];

/** Neck, SIP shore and both far ends, with every invariant checked where it could break. */
class Both {
  readonly world = new PresenceWorld();
  readonly store = memoryAuthorizations();
  presence: Presence;
  allowed = true;
  /** Wall ms of the last XMPP `subscribe`, by SIP watcher; removed where a new one is due. */
  readonly subscribedAt = new Map<string, number>();
  /** SIP presentities who have refused li, until li's next request is passed on. */
  readonly refused = new Set<string>();
  /** To-tags of the dialogs of SIP watchers, and CSeqs. */
  readonly dialogs = new Map<string, { readonly tag: string; cseq: number }>();
  readonly notifies = new Map<string, number>();
  /** What went wrong: an assertion thrown into the rooms would only be logged there. */
  readonly violations: string[] = [];
  readonly counts = { shown: 0, notifies: 0, subscribes: 0 };
  #seen = 0;
  #calls = 0;
  #ids = 0;

  constructor() {
    this.presence = this.#start();
    this.world.neck = (said) => this.#submit(said);
  }

  #start(): Presence {
    return new Presence({
      store: this.store,
      clock: this.world.clock,
      ids: { event: () => `n${++this.#ids}`, token: () => `x${++this.#ids}` },
      log: SILENT,
      deliver: (said) => this.#deliver(said),
      enqueue: async (said) => {
        await this.#deliver(said);
        return { kind: 'queued', answer: 202 };
      },
      isOurs: (domain) => domain === li.domain,
      details: () => (this.allowed ? PRESENCE_DETAILS : []),
      idleWatcherDays: () => 7,
    });
  }

  /** What dispatch does: policy first. */
  async #submit(said: PresenceEvent): Promise<Outcome> {
    const ending = ['presence.denied', 'presence.ended', 'presence.watcherOffline'].includes(said.kind);
    if (!this.allowed && !ending) return { kind: 'refused', reason: reason('POLICY_PRESENCE_OFF', 'not now') };
    if (said.kind === 'presence.denied' && said.to.local === 'li') this.refused.add(bareKey(said.from));
    return this.presence.handle(said);
  }

  async #deliver(said: PresenceEvent): Promise<Outcome> {
    const toSip = said.to.domain === nora.domain;
    if (said.kind === 'presence.notified') this.#shown(said.to, said.from, said);
    if (said.kind === 'presence.requested' && !toSip) {
      const last = this.subscribedAt.get(bareKey(said.from));
      const now = this.world.clock.now();
      if (last !== undefined && now - last < DAY) this.violations.push(`a second subscribe after ${now - (last ?? 0)} ms`);
      this.subscribedAt.set(bareKey(said.from), now);
    }
    if (said.kind === 'presence.requested' && toSip) this.refused.delete(bareKey(said.to));
    return toSip ? this.world.deliver(said) : HANDED_OVER;
  }

  /** No presence before the grant, none of another watcher. */
  #shown(watcher: Address, presentity: Address, said: Extract<PresenceEvent, { kind: 'presence.notified' }>): void {
    const open = said.document.endpoints.filter((endpoint) => endpoint.availability === 'open');
    if (open.length === 0) return;
    this.counts.shown++;
    if (this.store.rows.get(`${bareKey(watcher)} ${bareKey(presentity)}`)?.state !== 'granted')
      this.violations.push('shown before the grant');
    for (const endpoint of open)
      if (endpoint.id !== mark(watcher, presentity)) this.violations.push(`${bareKey(watcher)} was shown ${endpoint.id}`);
  }

  /** Looks at what went out on the wire since the last look. */
  wire(): void {
    for (; this.#seen < this.world.out.length; this.#seen++) {
      const sent = this.world.out[this.#seen] as Outgoing; // within the length
      if (sent.method === 'NOTIFY') {
        this.counts.notifies++;
        const callId = sent.header('Call-ID') ?? '';
        this.notifies.set(callId, (this.notifies.get(callId) ?? 0) + 1);
        const watcher = sent.header('To')?.includes('nora') === true ? nora : eve;
        const open = [...sent.body.matchAll(/<tuple id="ID-([^"]*)"><status><basic>open/g)].map(([, id]) => id);
        for (const id of open) assert.equal(id, mark(watcher, li), "another watcher's tuple");
        if (!/^active/.test(sent.header('Subscription-State') ?? '') && !/timeout/.test(sent.header('Subscription-State') ?? ''))
          assert.equal(sent.body, '', 'a body that is not active');
      } else if (sent.header('Expires') !== '0') {
        this.counts.subscribes++;
        const presentity = sent.header('To')?.includes('nora') === true ? nora : eve;
        assert.ok(!this.refused.has(bareKey(presentity)), 'SUBSCRIBE to somebody who has refused');
      }
    }
  }

  async act(one: Command): Promise<void> {
    const person = 'who' in one ? (SIP_PEOPLE[one.who] ?? nora) : nora;
    switch (one.do) {
      case 'watch':
        return this.#watch(person, one.expires);
      case 'refresh':
        return this.#refresh(person, one.expires);
      case 'stanza':
        return this.#stanza(person, one.verb);
      case 'follow': {
        const said: Said =
          one.verb === 'subscribe'
            ? { kind: 'presence.requested' }
            : one.verb === 'probe'
              ? { kind: 'presence.probed' }
              : { kind: 'presence.ended', by: 'watcher', reason: 'unsubscribed', retry: 'never' };
        await this.#submit(event(li, person, said));
        return;
      }
      case 'notify': {
        const subscribe = this.world.out.findLast(
          (sent) => sent.method === 'SUBSCRIBE' && sent.header('To')?.includes(person.local) === true,
        );
        if (subscribe === undefined) return;
        // What it answers was sent before it.
        this.wire();
        const body = one.state === 'active' ? pidf([mark(li, person), 'open']) : '';
        const state = one.state.startsWith('terminated') ? one.state : `${one.state};expires=3600`;
        await this.world.notify(subscribe, ++this.#calls + 1_000_000, state, body, {
          From: `<sip:${person.local}@fabrikam.example>;tag=theirs`,
        });
        return;
      }
      case 'answer': {
        const waiting = this.world.out.findLast((sent) => !answered.has(sent));
        if (waiting !== undefined) await answer(waiting, one.status);
        return;
      }
      case 'pass':
        await this.world.pass(one.ms);
        return;
      case 'policy':
        this.allowed = one.allowed;
        await this.presence.policyChanged();
        return;
      case 'restart':
        this.presence.close();
        this.#seen = 0;
        this.world.start();
        this.presence = this.#start();
        await this.world.presence.restore();
        await this.presence.resume();
        return;
    }
  }

  /** Every SUBSCRIBE that is accepted is followed by a NOTIFY (a poll within five seconds). */
  async #watch(person: Address, expires: number): Promise<void> {
    const callId = `w${++this.#calls}`;
    const From = `<sip:${person.local}@fabrikam.example>;tag=${person.local}`;
    const reply = await this.world.receive('SUBSCRIBE', { 'Call-ID': callId, From, Expires: String(expires) });
    if (reply.status !== 200) return;
    if (expires === 0) await this.world.pass(5000);
    else this.dialogs.set(person.local, { tag: reply.toTag ?? '', cseq: 1 });
    this.callOf.set(person.local, callId);
    await this.#followed(callId, 0);
  }

  readonly callOf = new Map<string, string>();

  async #refresh(person: Address, expires: number): Promise<void> {
    const dialog = this.dialogs.get(person.local);
    const callId = this.callOf.get(person.local) ?? '';
    if (dialog === undefined) return;
    this.wire();
    const before = this.notifies.get(callId) ?? 0;
    const reply = await this.world.receive('SUBSCRIBE', {
      'Call-ID': callId,
      From: `<sip:${person.local}@fabrikam.example>;tag=${person.local}`,
      To: `<sip:li@contoso.example>;tag=${dialog.tag}`,
      CSeq: `${++dialog.cseq} SUBSCRIBE`,
      Expires: String(expires),
    });
    if (reply.status === 200) await this.#followed(callId, before);
    if (expires === 0) this.dialogs.delete(person.local);
  }

  async #followed(callId: string, before: number): Promise<void> {
    // One NOTIFY at a time: the one that is out is answered first.
    for (const sent of this.world.out.filter((one) => one.method === 'NOTIFY' && one.header('Call-ID') === callId)) await answer(sent, 200);
    this.wire();
    assert.ok((this.notifies.get(callId) ?? 0) > before, 'a SUBSCRIBE without NOTIFY');
  }

  async #stanza(watcher: Address, verb: Verb): Promise<void> {
    const said = (what: Said): Promise<Outcome> => this.#submit(event(li, watcher, what));
    switch (verb) {
      case 'subscribed':
        await said({ kind: 'presence.granted' });
        return;
      case 'unsubscribed':
        await said({ kind: 'presence.denied' });
        return;
      case 'bounced': {
        const pending = this.store.rows.get(`${bareKey(watcher)} ${bareKey(li)}`)?.state === 'pending';
        // What never arrived may be sent again.
        if (pending && this.allowed) this.subscribedAt.delete(bareKey(watcher));
        await said({ kind: 'presence.ended', by: 'presentity', reason: 'probation', retry: { afterMs: 300_000 } });
        return;
      }
      case 'available':
      case 'unavailable': {
        const availability = verb === 'available' ? 'open' : 'closed';
        const endpoints = [{ id: mark(watcher, li), availability, notes: [], at: this.world.clock.now() }] as const;
        await said({ kind: 'presence.notified', scope: 'partial', document: { endpoints } });
        return;
      }
    }
    verb satisfies never;
  }
}

/** Every document names in its only endpoint for whom it was made. */
function mark(watcher: Address, presentity: Address): string {
  return `${presentity.local}-for-${watcher.local}`;
}

const answered = new WeakSet<Outgoing>();
async function answer(sent: Outgoing, status: number): Promise<void> {
  if (answered.has(sent)) return;
  answered.add(sent);
  if (status === 0) await sent.lose();
  else await sent.answer(status, { Expires: '3600' });
}

test('whatever happens in whatever order, the invariants of both machines hold', async () => {
  const total = { shown: 0, notifies: 0, subscribes: 0 };
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...STANDING), fc.array(command, { maxLength: 25, size: 'max' }), async (standing, commands) => {
      const both = new Both();
      for (const one of [...standing, ...commands]) {
        await both.act(one);
        await both.presence.settled();
        both.wire();
        assert.deepEqual(both.violations, []);
      }
      both.presence.close();
      both.world.presence.close();
      for (const key of ['shown', 'notifies', 'subscribes'] as const) total[key] += both.counts[key];
    }),
    {
      numRuns: 40,
      examples: [
        // What a restart takes up again is not taken up any more once it was refused.
        [
          [],
          [
            { do: 'follow', who: 1, verb: 'subscribe' },
            { do: 'restart' },
            { do: 'follow', who: 1, verb: 'subscribe' },
            { do: 'notify', who: 1, state: 'terminated;reason=rejected' },
          ],
        ],
      ],
    },
  );
  // The sequences do reach what the invariants are about.
  assert.ok(total.shown > 10 && total.notifies > 40 && total.subscribes > 10, JSON.stringify(total));
});
