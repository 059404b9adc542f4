// Users of a split domain who have come to the core, or gone to the internal system, while it runs (model/moves.ts): what was in
// memory of them is forgotten, colleagues see them at the new place, and what waited for them is handed on.

import { fromBareKey } from '../../model/address.ts';
import type { OpenClients } from '../clients.ts';
import type { Partners } from '../partners.ts';
import type { CoreParts } from '../ports.ts';
import type { Visibility } from '../presence/visibility.ts';
import type { People } from './people.ts';

/** Messages handed on at once. */
const PAGE = 50;

export interface MovingRooms {
  readonly parts: Pick<CoreParts, 'kept' | 'moved' | 'submit' | 'clock' | 'ids' | 'log'>;
  readonly clients: OpenClients;
  readonly people: People;
  readonly partners: Partners;
  readonly visibility: Visibility;
}

/** What the running core does when one of its users has moved. Each may be called again. */
export function afterMoves({ parts, clients, people, partners, visibility }: MovingRooms) {
  const { kept, submit, clock, ids, log } = parts;

  /** Everybody who is signed in and has the user on their list. */
  const colleagues = (key: string): string[] =>
    [...clients.users()].filter((user) => user !== key && people.profiles.peek(user)?.entry(key) !== undefined);

  const forward = async (key: string): Promise<void> => {
    for (let after = 0; ; ) {
      const page = await kept.of(key, after, PAGE);
      for (const { number, said } of page) {
        // The id is spent: under it the message has been taken once.
        const event = { ...said.event, id: ids.event() };
        const outcome = event.kind === 'im.composing' ? undefined : await submit(event);
        if (outcome?.kind === 'failed') return; // no room now: it stays, for the next start
        kept.taken(number, clock.now(), false);
        const code = outcome?.kind === 'refused' ? outcome.reason.code : undefined;
        log.info({ event: 'user.forwarded', user: key, id: said.event.id, as: event.id, ...(code !== undefined && { code }) });
      }
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.number;
    }
  };

  return {
    async came(key: string): Promise<void> {
      people.profiles.forget(key);
      for (const user of colleagues(key)) partners.hide(user, fromBareKey(key));
      log.info({ event: 'user.moved', user: key, to: 'core' });
    },
    async wentInside(key: string): Promise<void> {
      await visibility.changed(key); // after what its clients' end has to show, which the list in memory says to whom
      people.profiles.forget(key);
      for (const user of colleagues(key)) {
        const entry = people.profiles.peek(user)?.entry(key);
        if (entry !== undefined) for (const one of clients.of(user).values()) if (one.available) partners.watch(one, entry);
      }
      log.info({ event: 'user.moved', user: key, to: 'inside' });
      await forward(key);
    },
    async forwardAll(): Promise<void> {
      for (const key of (await parts.moved?.all()) ?? []) await forward(key);
    },
  };
}
