// The journal of a home, tied: the archive, the position on disk, and the mail server that records/archive.yaml names. Its
// certificate is believed when a public authority issued it, or one of certs/trust/inside/.

import { join } from 'node:path';
import type { Home } from '../config/home.ts';
import type { Log } from '../log.ts';
import type { JournalSettings } from '../model/archive.ts';
import type { Clock } from '../model/ports.ts';
import { type Journal, type JournalDoor, MailRefused, makeJournal } from '../monitoring/journal.ts';
import { mailTransport } from '../monitoring/mail-transport.ts';
import type { Store } from '../store/store.ts';
import { rootsIn } from './people/directory.ts';
import { secretOf } from './secrets.ts';

export interface JournalGround {
  /** As of the set in force. */
  home(): Home;
  readonly store: Pick<Store, 'archive' | 'journal'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Sends nothing until it is started. */
export function homeJournal({ home, store, clock, log }: JournalGround): Journal {
  const { dir, edge } = home();
  return makeJournal({
    archive: store.archive,
    position: store.journal,
    clock,
    log,
    host: edge.host,
    settings: () => home().archive?.journal,
    open: (settings) => journalDoor(dir, settings),
  });
}

/** One connection for as many mails as it is given. @throws when a secret cannot be read */
export function journalDoor(dir: string, settings: JournalSettings): JournalDoor {
  const { from, to } = settings;
  const roots = rootsIn(join(dir, 'certs/trust/inside'));
  const transport = mailTransport(settings, (name) => secretOf(dir, name), { pool: true, roots });
  return {
    async send(mail) {
      const { rejected } = await transport.sendMail({ envelope: { from, to: [...to] }, raw: mail }).catch((error: unknown) => {
        throw isRefusal(error) ? new MailRefused(error.message) : error;
      });
      if (rejected !== undefined && rejected.length > 0)
        throw new Error(`the mail server does not take mail for ${rejected.map(String).join(', ')}`);
    },
    close: () => transport.close(),
  };
}

/** A reply to this very mail: to its content, or to its size (RFC 5321 §4.2.3: 552). */
function isRefusal(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const status = 'responseCode' in error && typeof error.responseCode === 'number' ? error.responseCode : undefined;
  return status === 552 || (error.code === 'EMESSAGE' && (status === undefined || status >= 500));
}
