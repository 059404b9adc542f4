// Opens the database of a home and hands out one table per noun. All durable state of one process goes through here.
//   var/isthmus.db        the database (WAL)        var/store.key      the key of its seals, 0600
//   var/isthmus.owner     held while a process runs it       var/archive.key  the key of what people said and were told
//   var/records.key       the key of the organisation's archive, made with its first line

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { reason } from '../errors.ts';
import type { ApprovalStore, ArchiveStore, HoldStore, JournalStore } from '../model/archive.ts';
import { names } from '../model/archive.ts';
import type { BlockStore, ChosenStore, ContactStore, KeptStore } from '../model/core-stores.ts';
import type { DirectoryStore } from '../model/directory.ts';
import type { HistoryStore } from '../model/history.ts';
import type { InvitationStore } from '../model/invitations.ts';
import type { MovedStore } from '../model/moves.ts';
import type { KeptOfPerson } from '../model/of-person.ts';
import type { LedgerStore, OutboxStore, SecretStore, SentIds, ServiceClockStore } from '../model/outbox-store.ts';
import { StoreError } from '../model/outbox-store.ts';
import type { PassportStore } from '../model/passport.ts';
import type { PeerTryStore } from '../model/peer-try.ts';
import type { PeopleStore } from '../model/people.ts';
import type { PersonalStore } from '../model/personal.ts';
import type { Clock } from '../model/ports.ts';
import type { PresenceSettingsStore } from '../model/presence-settings.ts';
import type { PushStore } from '../model/push.ts';
import type { TokenStore } from '../model/sign-in-tokens.ts';
import type {
  AuthorizationStore,
  ContactRequestStore,
  DecisionStore,
  DialogStore,
  DiscoveredStore,
  SpellingStore,
} from '../model/stores.ts';
import type { UploadStore } from '../model/uploads.ts';
import { approvalTable, journalTable } from './approvals.ts';
import { archiveTable } from './archive.ts';
import { authorizationTable } from './authorizations.ts';
import { blockTable, chosenTable, contactTable } from './contacts.ts';
import { type CommitStats, type Database, storeError } from './database.ts';
import { openFile, visitFile } from './database-file.ts';
import { decisionTable } from './decisions.ts';
import { tokenTable } from './device-tokens.ts';
import { directoryTable } from './directory.ts';
import { historyTable } from './history.ts';
import { holdTable } from './holds.ts';
import { invitationTable } from './invitations.ts';
import { keptTable } from './kept-items.ts';
import { Ledger } from './ledger.ts';
import { LedgerPen } from './ledger-pen.ts';
import { movedTable } from './moved.ts';
import { ofPersonTables } from './of-person.ts';
import { OutboxTable } from './outbox.ts';
import { own } from './owner.ts';
import { passportTable } from './passports.ts';
import { peerTryTable } from './peer-tries.ts';
import { peopleTable } from './people.ts';
import { personalTable } from './personal.ts';
import { presenceSettingsTable } from './presence-settings.ts';
import { pushTable } from './push.ts';
import type { Remark } from './remark.ts';
import { requestTable } from './requests.ts';
import { sealsOf } from './seals.ts';
import { clockTable, dialogTable, discoveredTable, secretTable, spellingTable } from './small-tables.ts';
import { Threads } from './threads.ts';
import { uploadTable } from './uploads.ts';

const DEDUP_MS = 24 * 3600 * 1000;
/** Conversations that nobody used for this long are forgotten. */
const THREAD_MS = 90 * DEDUP_MS;
/** A message that its user has not come for in this time is given up. */
const KEPT_MS = 90 * DEDUP_MS;
/** An invitation that is over is still listed for so long. */
const INVITED_MS = 90 * DEDUP_MS;

export interface StoreOptions {
  /** The folder of `data:`; made when it is not there. */
  readonly folder: string;
  readonly clock: Clock;
  /**
   * `own`: the running process; migrates, checks, and refuses a second owner.
   * `visit`: a command beside it; reads, and writes single decisions.
   */
  readonly mode: 'own' | 'visit';
  /** How long copies are recognised, in ms of service time. Default 24 h. */
  readonly dedupMs?: number;
  /** The file may not grow past this (pages of 4 KiB); writes then fail as on a full disk. */
  readonly maxPages?: number;
}

export interface StoreStats extends CommitStats {
  /** Lazy writes that wait for the disk. */
  readonly backlog: number;
}

export interface Store {
  readonly outbox: OutboxStore;
  readonly ledger: LedgerStore;
  readonly sentIds: SentIds;
  readonly serviceClock: ServiceClockStore;
  readonly authorizations: AuthorizationStore;
  readonly dialogs: DialogStore;
  readonly spellings: SpellingStore;
  readonly requests: ContactRequestStore;
  readonly discovered: DiscoveredStore;
  readonly decisions: DecisionStore;
  readonly secrets: SecretStore;
  readonly passports: PassportStore;
  readonly people: PeopleStore;
  readonly deviceTokens: TokenStore;
  readonly push: PushStore;
  readonly invitations: InvitationStore;
  readonly directory: DirectoryStore;
  readonly personal: PersonalStore;
  readonly contacts: ContactStore;
  readonly blocked: BlockStore;
  readonly chosen: ChosenStore;
  readonly presenceSettings: PresenceSettingsStore;
  readonly kept: KeptStore;
  readonly moved: MovedStore;
  readonly histories: HistoryStore;
  readonly uploads: UploadStore;
  readonly peerTries: PeerTryStore;
  /** Everything that is kept of one person, thing by thing. */
  readonly ofPerson: readonly KeptOfPerson[];
  readonly archive: ArchiveStore;
  readonly holds: HoldStore;
  readonly approvals: ApprovalStore;
  readonly journal: JournalStore;
  /** What was found at the start. Empty is good. */
  readonly remarks: readonly Remark[];
  stats(): StoreStats;
  /** Removes what is older than the given ages in ms (`retention:`), in small steps. */
  expire(ages: {
    readonly ledgerMs: number;
    readonly decisionsMs: number;
    readonly requestsMs: number;
    readonly historyMs: number;
  }): Promise<void>;
  /** Writes lazy marks now. */
  flush(): void;
  close(): void;
}

/**
 * @throws StoreError: another owner, a newer database, a key that is none, a folder that cannot be written;
 *   for `visit` also when there is no database
 */
export function openStore(options: StoreOptions): Store {
  const { folder, clock } = options;
  const path = join(folder, 'isthmus.db');
  const remarks: Remark[] = [];
  if (options.mode === 'visit') return assemble(visitFile(path), folder, options, remarks, () => {});
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StoreError(reason('STORE_FULL', `the folder ${folder} of data: cannot be made: ${String(error)}`), { cause: error });
  }
  const owner = own(join(folder, 'isthmus.owner'));
  try {
    const db = openFile(path, clock, remarks);
    if (options.maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${options.maxPages}`);
    return assemble(db, folder, options, remarks, () => owner.release());
  } catch (error) {
    owner.release();
    throw error instanceof StoreError ? error : storeError(error);
  }
}

function assemble(db: Database, folder: string, options: StoreOptions, remarks: Remark[], released: () => void): Store {
  const { clock } = options;
  const seals = sealsOf(db, folder, remarks);
  const seal = seals.waiting;
  const ledger = new Ledger(db, clock);
  const threads = new Threads(db, clock);
  const decisions = decisionTable(db);
  const requests = requestTable(db, seal);
  const kept = keptTable(db, seal);
  const deviceTokens = tokenTable(db, seal);
  const invitations = invitationTable(db);
  const histories = historyTable(db, seals.histories);
  const holds = holdTable(db);
  const ofPeople = {
    people: peopleTable(db, seal),
    personal: personalTable(db, seal),
    contacts: contactTable(db, seal),
    blocked: blockTable(db),
    chosen: chosenTable(db),
    presenceSettings: presenceSettingsTable(db, seal),
    uploads: uploadTable(db),
    invitations,
    kept,
    histories,
    archive: archiveTable(db, seals.records, holds),
    holds,
  };
  return {
    ...ofPeople,
    ofPerson: ofPersonTables(db, folder, ofPeople),
    outbox: new OutboxTable(db, seal, ledger, new LedgerPen(db), threads, options.dedupMs ?? DEDUP_MS),
    ledger,
    sentIds: ledger,
    serviceClock: clockTable(db),
    authorizations: authorizationTable(db),
    dialogs: dialogTable(db),
    spellings: spellingTable(db),
    requests,
    discovered: discoveredTable(db),
    decisions,
    secrets: secretTable(db, seal),
    passports: passportTable(db),
    deviceTokens,
    push: pushTable(db, seal),
    directory: directoryTable(db),
    moved: movedTable(db),
    peerTries: peerTryTable(db),
    approvals: approvalTable(db),
    journal: journalTable(db),
    remarks,
    stats: () => ({ ...db.stats(), backlog: db.backlog }),
    async expire({ ledgerMs, decisionsMs, requestsMs, historyMs }) {
      const now = clock.now();
      await untilNone(() => ledger.expire(now - ledgerMs));
      await untilNone(() => decisions.expire(now - decisionsMs));
      await untilNone(() => threads.expire(now - THREAD_MS));
      await requests.expire(now - requestsMs);
      await kept.expire(now - KEPT_MS, now);
      await deviceTokens.expire(now);
      await invitations.expire(now - INVITED_MS);
      await histories.expire(now - historyMs, (owner) => holds.inForce().some((hold) => names(hold, owner)));
    },
    flush: () => db.flush(),
    close() {
      db.close();
      released();
    },
  };
}

/** Step by step, so that messages are committed between two of them. */
async function untilNone(step: () => Promise<number>): Promise<void> {
  while ((await step()) > 0);
}
