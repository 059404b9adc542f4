// How somebody comes in with an invitation (XEP-0445), and how a user changes the own password: one desk for every door. The
// same rules as for operators hold for passwords; who tries tokens out is made to wait.

import type { Log } from '../../log.ts';
import { type Address, bareKey, fromBareKey } from '../../model/address.ts';
import type { Person } from '../../model/core.ts';
import { stateOf, tokenHash } from '../../model/invitation-link.ts';
import type { Invitation, InvitationDesk, InvitationStore, Joined } from '../../model/invitations.ts';
import type { PeopleDesk, PeopleStore } from '../../model/people.ts';
import type { Clock } from '../../model/ports.ts';
import { LockOut } from './lock-out.ts';

/** From one address in a quarter of an hour. */
const WRONG_TOKENS = 20;

export interface InvitationParts {
  readonly store: InvitationStore;
  readonly people: Pick<PeopleStore, 'get' | 'put' | 'credentials'>;
  readonly setPassword: PeopleDesk['setPassword'];
  readonly clock: Clock;
  readonly log: Log;
  /** Do users of this domain live here? */
  readonly serves: (domain: string) => boolean;
  /** What is wrong with a password; undefined: nothing. */
  readonly passwordFault: (password: string, person: Person) => string | undefined;
  /** Is the password of this user another's to know (a directory's)? */
  elsewhere(user: string): Promise<boolean>;
  /** Writes a line of the audit log. */
  audit(act: 'user join' | 'user password', user: string, from: string, changes: string): Promise<void>;
}

export function invitationDesk(parts: InvitationParts): InvitationDesk {
  const { store, people, clock, log, serves } = parts;
  const lockOut = new LockOut(clock, { user: WRONG_TOKENS, address: WRONG_TOKENS, windowMs: 15 * 60_000 });
  /** Names that somebody is just taking. */
  const busy = new Set<string>();
  const no = (about: 'token' | 'name' | 'password', text: string): Joined => ({ ok: false, about, text });

  const join = async (seen: Invitation, address: Address, password: string, from: string): Promise<Joined> => {
    const key = bareKey(address);
    const known = await people.get(key);
    const person: Person = known ?? { address, name: address.local, disabled: false, groups: seen.groups, createdAt: clock.now() };
    if (known !== undefined && (seen.address === undefined || known.disabled || (await people.credentials(key)).length > 0))
      return seen.address === undefined ? no('name', 'that name is taken') : no('token', 'this account has a password already');
    if (known !== undefined && (await parts.elsewhere(key)))
      return no('token', "this account has the password of your organisation's directory");
    if (known === undefined && seen.address === undefined && (await isReserved(store, key, clock.now())))
      return no('name', 'that name is taken');
    const fault = parts.passwordFault(password, person);
    if (fault !== undefined) return no('password', fault);
    // XEP-0445 §5: it may have ended since it was looked at, but not been used up or revoked.
    if (!(await store.take(seen.id, key, Math.min(clock.now(), seen.expiresAt)))) return no('token', 'this invitation was used or revoked');
    try {
      if (known === undefined) await people.put(person);
      await parts.setPassword(person, '', password);
    } catch (error) {
      await store.giveBack(seen.id, key);
      throw error;
    }
    log.info({ event: 'user.joined', user: key, invitation: seen.id, address: from }, 'somebody has come in with an invitation');
    await parts.audit('user join', key, from, `${known === undefined ? 'added' : 'first password of'} ${key} by invitation ${seen.id}`);
    return { ok: true, person, added: known === undefined };
  };

  return {
    async look(token, from) {
      if (lockOut.waitMs(from, from) > 0) return undefined;
      const hash = tokenHash(token);
      const found = hash === undefined ? undefined : await store.byHash(hash);
      if (found !== undefined && stateOf(found, clock.now()) === 'open' && serves(found.domain)) return found;
      lockOut.failed(from, from);
      return undefined;
    },
    async join(seen, local, password, from) {
      const named = seen.address === undefined ? undefined : fromBareKey(seen.address);
      if (named !== undefined && local !== undefined && local !== named.local)
        return no('name', `this invitation is for ${seen.address ?? ''}`);
      const chosen = named?.local ?? local;
      if (chosen === undefined || chosen === '') return no('name', 'choose a name');
      const address = named ?? { local: chosen, domain: seen.domain };
      const key = bareKey(address);
      if (busy.has(key)) return no('name', 'that name is taken');
      // Who is there is nobody's to find out, invited or not.
      if (lockOut.waitMs(from, from) > 0) return no('name', 'too many tries; wait a quarter of an hour');
      busy.add(key);
      try {
        const joined = await join(seen, address, password, from);
        if (!joined.ok && joined.about === 'name') lockOut.failed(from, from);
        return joined;
      } finally {
        busy.delete(key);
      }
    },
    async change(user, password) {
      const key = bareKey(user);
      const person = await people.get(key);
      if (person === undefined || (await parts.elsewhere(key)))
        return { kind: 'elsewhere', text: "your password is the one of your organisation's directory; it is changed there" };
      const fault = parts.passwordFault(password, person);
      if (fault !== undefined) return { kind: 'password', text: fault };
      await parts.setPassword(person, '', password);
      log.info({ event: 'user.changedPassword', user: key }, 'a user has changed their own password');
      await parts.audit('user password', key, '', `${key}: main password set by the user`);
      return undefined;
    },
  };
}

/** XEP-0445 §6: a name that somebody else is invited under. */
async function isReserved(store: InvitationStore, key: string, now: number): Promise<boolean> {
  return (await store.list(now)).some((one) => one.address === key && stateOf(one, now) === 'open');
}
