// What only a running process knows and can do. Each part is implemented where it lives and tied in assembly/start.ts.

import type { Home } from '../config/home.ts';
import type { Renewals } from '../model/acme.ts';
import type { ArchiveSight, JournalState } from '../model/archive.ts';
import type { ClientSights, StateDesk } from '../model/core.ts';
import type { Health } from '../model/health.ts';
import type { Alert } from '../model/notify.ts';
import type { QueueDesk } from '../model/queue.ts';
import type { Sessions } from '../model/sessions.ts';
import type { Sight } from '../model/sight.ts';
import type { Table } from '../model/table.ts';
import type { Traces } from '../model/trace.ts';
import type { PartnerRoom } from './partner-test/ports.ts';
import type { RulesDesk } from './rules/desk.ts';

export interface Live {
  /** Wall ms. */
  readonly startedAt: number;
  readonly version: string;
  /** What it was started with; listeners and data do not change while it runs. */
  readonly home: Home;
  /** The rules in force. */
  table(): Table;
  readonly sessions: Sessions;
  /** Replaces the rules in force. */
  readonly rules: RulesDesk;
  readonly health: Health;
  /** What waits, and what operators do with it. */
  readonly queue: QueueDesk;
  /** The process itself. */
  readonly sight: Sight;
  /** Listens to one partner, decrypted and redacted. */
  readonly traces: Traces;
  /** Tests of partners with the process' own connections. */
  readonly partners: PartnerRoom;
  /** Certificates that renew themselves. */
  readonly renewals: Renewals;
  /** Users of the core who are signed in. */
  readonly clients: ClientSights;
  /** What users of the core are seen as. */
  readonly states: StateDesk;
  /** Somebody was disabled or removed: their sessions are over when this resolves. */
  peopleChanged(): Promise<void>;
  /** Somebody is erased: who has them in a list or a session is told, and nothing of them stays in memory. @param address bare key */
  erased(address: string): Promise<void>;
  /** The journal mailbox; undefined: nothing is journaled. */
  journal(): Promise<JournalState | undefined>;
  /** How archiving goes (records/archive.yaml). */
  archive(): ArchiveSight;
  /** What needs a look, longest first. */
  alerts(): readonly Alert[];
  /**
   * Ends the process as SIGTERM does; resolves when everything but the admin socket is closed.
   * @param say is told each step @returns how many messages wait on disk for the next start
   */
  drain(say: (line: string) => void): Promise<{ readonly waiting: number }>;
}
