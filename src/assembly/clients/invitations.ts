// Invitations of a home: the desk that every door asks, with the rules for passwords and the audit log.

import type { Home } from '../../config/home.ts';
import { invitationDesk } from '../../core/sign-in/invitations.ts';
import type { Log } from '../../log.ts';
import type { InvitationDesk } from '../../model/invitations.ts';
import type { Clock } from '../../model/ports.ts';
import { passwordFault } from '../../ops/user/password-rules.ts';
import { openAudit } from '../../store/audit.ts';
import type { Store } from '../../store/store.ts';
import { deskOf } from '../people/people.ts';

export interface InvitationGround {
  readonly home: () => Home;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Do users of this domain live in the core? */
  readonly serves: (domain: string) => boolean;
}

export function invitationsOf({ home, store, clock, log, serves }: InvitationGround): InvitationDesk {
  const { dir, data } = home();
  return invitationDesk({
    store: store.invitations,
    people: store.people,
    setPassword: (person, device, password) => deskOf(dir, data, store, clock).setPassword(person, device, password),
    clock,
    log,
    serves,
    passwordFault,
    elsewhere: async (user) => home().people.directory?.signIn === 'ldap' && (await store.directory.get(user)) !== undefined,
    async audit(act, user, from, changes) {
      // Rare, and beside the log of the admin socket: opened for one line.
      const audit = openAudit(data);
      try {
        const actor = { name: user, role: 'viewer', via: 'process', ...(from !== '' && { address: from }) } as const;
        await audit.append({ at: clock.now(), actor, act, input: JSON.stringify({ address: user }), exit: 0, changes });
      } catch (error) {
        log.error({ event: 'store.failed', err: error }, 'the audit log could not be written');
      } finally {
        audit.close();
      }
    },
  });
}
