// What is said: from a client of ours to another user of ours, to a partner, and from a partner to a user of ours.
// RFC 6121 §8.5 says which clients get it, XEP-0280 which get a copy. A message is on disk before anybody is told that it was
// taken, and waits there for who is away.

import { LRUCache } from 'lru-cache';
import { reason } from '../../errors.ts';
import { type Address, bare, bareKey, sameBare, show } from '../../model/address.ts';
import type { Captured } from '../../model/archive.ts';
import { atMost } from '../../model/at-most.ts';
import type { Said } from '../../model/core.ts';
import { StoreError } from '../../model/outbox-store.ts';
import { delivered, failed, HANDED_OVER, type Outcome, refused } from '../../model/outcome.ts';
import { Turns } from '../../model/turns.ts';
import type { OpenClient, OpenClients } from '../clients.ts';
import type { People } from '../people/people.ts';
import type { CoreParts } from '../ports.ts';
import type { Kept } from './kept.ts';

/** How long somebody who was written to by a person who is not to be disturbed may answer. */
const ANSWERS_MS = 60 * 60_000;

/** What messages ask of presence. */
export interface Disturbing {
  /** Has this user said that nobody may disturb, and is `from` nobody who may all the same? */
  refuses(user: string, from: Address): Promise<boolean>;
}

export class Messages {
  readonly #parts: CoreParts;
  readonly #clients: OpenClients;
  readonly #people: People;
  readonly #kept: Kept;
  readonly #disturbing: Disturbing;
  readonly #turns = new Turns();
  /** Wall ms at which one of ours last wrote to somebody: `from>to`. */
  readonly #written = new LRUCache<string, number>(atMost(10_000));

  constructor(parts: CoreParts, clients: OpenClients, people: People, kept: Kept, disturbing: Disturbing) {
    this.#parts = parts;
    this.#clients = clients;
    this.#people = people;
    this.#kept = kept;
    this.#disturbing = disturbing;
  }

  /** A client of ours says something to anybody. */
  async say(from: OpenClient, heard: Said): Promise<Outcome> {
    const said = await this.#asSaid(from, heard);
    if ('code' in said) return refused(said);
    const { to } = said.event;
    // XEP-0191 §3.4: who blocks somebody does not write to them either.
    if ((await this.#people.profile(from.key)).blocks(to))
      return refused(reason('PEER_NOT_ACCEPTABLE', `${show(bare(to))} is on the block list of ${from.key}.`));
    const other = said.event.kind === 'im.sent' ? await this.#people.didYouMean(to, from.user) : undefined;
    if (other !== undefined) return refused(other);
    let written: Promise<void> | undefined;
    let told = false;
    const taken = (): void => {
      if (told) return;
      told = true;
      written = this.#taken(from, said);
      written?.catch(() => {}); // waited for below, unless it was refused after all
    };
    const outcome = await this.#sayOn(from, said, taken);
    if (outcome.kind === 'refused' || outcome.kind === 'failed') return outcome;
    taken();
    try {
      await written;
      return outcome;
    } catch (error) {
      return notStored(error);
    }
  }

  /** Something arrived for a user of ours. @param taken called before a client has it that could answer */
  async deliver(said: Said, taken: () => void = () => {}): Promise<Outcome> {
    const { event } = said;
    const { to } = event;
    if (!(await this.#people.isUser(to))) return refused(this.#unknown(to));
    const person = bareKey(to);
    const profile = await this.#people.profile(person);
    // XEP-0191 §3.1: as if nobody were there.
    const word = profile.entry(bareKey(event.from))?.level ?? profile.settings.domains[event.from.domain];
    if (profile.blocks(event.from) || word === 'blocked') return refused(this.#unknown(to));
    if (event.kind !== 'im.receipt' && (await this.#disturbs(person, event.from)))
      return event.kind === 'im.composing'
        ? HANDED_OVER // typing is nobody's error
        : refused(reason('PEER_BUSY', `${show(bare(to))} does not want to be disturbed now.`, { retry: 'never' }));
    const lane = `${bareKey(event.from)}>${person}`;
    const name = profile.entry(bareKey(event.from))?.name;
    const met = { with: 'message', proof: event.origin.proof, ...(name !== undefined && { name }) } as const;
    const sender = event.kind === 'im.sent' ? this.#parts.outsider?.(event.from, met) : undefined;
    const known = sender === undefined ? said : { ...said, sender };
    const { done } = await this.#turns.run(lane, async () => ({ done: this.#hand(person, known, taken) }));
    return done;
  }

  /** Whom somebody has written to may answer, whatever they have chosen: it is they who speak. */
  async #disturbs(person: string, from: Address): Promise<boolean> {
    if (!(await this.#disturbing.refuses(person, from))) return false;
    const writtenAt = this.#written.get(`${person}>${bareKey(from)}`);
    return writtenAt === undefined || this.#parts.clock.now() - writtenAt > ANSWERS_MS;
  }

  settled(): Promise<void> {
    return this.#turns.settled();
  }

  async #asSaid(from: OpenClient, heard: Said): Promise<Said | ReturnType<typeof reason>> {
    const { user, client } = from;
    const origin = {
      network: 'core',
      side: 'local',
      peer: user.domain,
      connection: client.connection,
      proof: 'account',
      address: client.address,
    } as const;
    const event = { ...heard.event, from: from.address, origin };
    if (event.kind !== 'im.sent') return { ...heard, event };
    const { wireId, messageId } = event.ids;
    // XEP-0184 §3 names the stanza id, RFC 5438 §7.2.1.1 the IMDN Message-ID; see model/core.ts, Said.
    const knownAs = (client.face === 'xmpp' ? (wireId ?? messageId) : (messageId ?? wireId)) ?? event.id;
    const named = { ...event, ids: { ...event.ids, messageId: knownAs } };
    const filtered = this.#parts.serves(event.to) ? (this.#parts.filter?.(named) ?? named) : named;
    if ('code' in filtered) return filtered;
    // A face's own text would bring back what the filter has taken out.
    if (filtered.body !== named.body) return { event: filtered };
    return { ...heard, event: filtered };
  }

  #sayOn(from: OpenClient, said: Said, taken: () => void): Promise<Outcome> {
    const { event } = said;
    const lane = `${from.key}>${bareKey(event.to)}`;
    return this.#parts.serves(event.to)
      ? this.deliver(said, sameBare(from.user, event.to) ? undefined : taken) // a note to oneself is what came
      : this.#turns.run(lane, async () => ({ done: this.#parts.submit(event) })).then(({ done }) => done);
  }

  /**
   * What was taken stands in the sender's history, before any answer to it, and is shown on their other clients (XEP-0280 §7).
   * @returns when it is on disk
   */
  #taken(from: OpenClient, said: Said): Promise<void> | undefined {
    const { event } = said;
    if (event.kind === 'im.composing') return undefined;
    if (event.kind === 'im.sent') this.#written.set(`${from.key}>${bareKey(event.to)}`, this.#parts.clock.now());
    const noted = said.store === undefined ? this.#parts.history?.note(from.user, 'out', said) : undefined;
    const { archiveId: _, ...rest } = said;
    const copy = { ...rest, ...(noted?.archiveId !== undefined && { archiveId: noted.archiveId }), copyOf: 'sent' } as const;
    if (!sameBare(from.user, event.to))
      for (const one of this.#clients.of(from.key).values())
        if (one !== from && one.client.wants.copies) void one.hand({ kind: 'said', ...copy });
    return noted?.written;
  }

  #hand(user: string, said: Said, taken: () => void): Promise<Outcome> {
    const { event } = said;
    const mine = [...this.#clients.of(user).values()];
    const named = event.to.resource === undefined ? undefined : mine.find((one) => one.resource === event.to.resource);
    // RFC 6121 §8.5.3.2.1: a resource that is not there is the bare address.
    const direct = named === undefined ? mine.filter((one) => one.takesMessages) : [named];
    const copies = mine.filter((one) => one.client.wants.copies && !direct.includes(one));
    if (event.kind === 'im.composing') {
      // RFC 6121 §8.5.2.2.1: what nobody is there for is of no use later.
      for (const one of direct) void one.hand({ kind: 'said', ...said });
      return Promise.resolve(HANDED_OVER);
    }
    return this.#archived(user, said, direct, copies, taken);
  }

  /** Archived with what is kept of it, or before anybody has it where nothing may pass that is not archived. */
  async #archived(
    user: string,
    said: Said,
    direct: readonly OpenClient[],
    copies: readonly OpenClient[],
    taken: () => void,
  ): Promise<Outcome> {
    const { event } = said;
    // What came over the border was archived there.
    const captured = event.kind === 'im.sent' && event.origin.proof === 'account' ? this.#parts.capture?.(event) : undefined;
    if (captured !== undefined && (captured.must || said.store === 'never')) {
      try {
        await captured.write();
      } catch (error) {
        return notStored(error);
      }
    }
    // With nobody there it may still be one too many, and nobody can answer it yet.
    if (direct.length > 0) taken();
    if (said.store === 'never') {
      for (const one of direct) void one.hand({ kind: 'said', ...said });
      for (const one of copies) void one.hand({ kind: 'said', ...said, copyOf: 'received' });
      return HANDED_OVER;
    }
    return this.#handOver(user, said, direct, copies, captured?.must === false ? captured : undefined);
  }

  async #handOver(
    user: string,
    said: Said,
    direct: readonly OpenClient[],
    copies: readonly OpenClient[],
    captured: Pick<Captured, 'line' | 'write'> | undefined,
  ): Promise<Outcome> {
    const { to } = said.event;
    try {
      const noted = said.store === undefined ? this.#parts.history?.note(bare(to), 'in', said) : undefined;
      const archived = { ...said, ...(noted?.archiveId !== undefined && { archiveId: noted.archiveId }) };
      const kept = this.#kept.put(user, archived, direct, captured?.line);
      for (const one of copies) void one.hand({ kind: 'said', ...archived, copyOf: 'received' });
      const [result] = await Promise.all([kept, noted?.written]);
      // A client has it, and the line that was to be written with it is not there: it is tried alone, and told when it fails.
      if (result.kind === 'taken' && result.written === false) await captured?.write();
      if (result.kind === 'full') {
        const text = `As many messages as may wait for ${show(bare(to))}.`;
        return refused(reason('LIMIT_QUEUE_FULL', text));
      }
      if (said.event.kind === 'im.sent') this.#parts.arrived?.(bare(to));
      if (result.kind === 'taken') return delivered(`taken by ${result.by} client${result.by === 1 ? '' : 's'}`);
      return delivered(`kept for ${show(bare(to))}`);
    } catch (error) {
      return notStored(error);
    }
  }

  #unknown(to: Address): ReturnType<typeof reason> {
    return reason('PEER_UNKNOWN_USER', `${show(bare(to))} is no user here.`);
  }
}

/** What a write that failed means to who waits for it; anything else is a defect. @throws what is no StoreError */
export function notStored(error: unknown): Outcome {
  if (error instanceof StoreError) return failed(error.reason);
  throw error;
}
