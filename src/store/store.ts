// Opens the database of a home and hands out one table per noun. All durable state of one process goes through here.
//   var/isthmus.db        the database (WAL)        var/store.key      the key of its seals, 0600
//   var/isthmus.owner     held while a process runs it       var/archive.key  the key of what people said and were told
//   var/records.key       the key of the organisation's archive, made with its first line

import { mkdirSync, statSync } from 'node:fs';
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
  ThreadStore,
} from '../model/stores.ts';
import type { UploadStore } from '../model/uploads.ts';
import { approvalTable, journalTable } from './approvals.ts';
import { archiveTable } from './archive.ts';
import { authorizationTable } from './authorizations.ts';
import { text } from './column.ts';
import { blockTable, chosenTable, contactTable } from './contacts.ts';
import { type CommitStats, Database, isDamage, storeError } from './database.ts';
import { decisionTable } from './decisions.ts';
import { tokenTable } from './device-tokens.ts';
import { directoryTable } from './directory.ts';
import { historyTable } from './history.ts';
import { holdTable } from './holds.ts';
import { invitationTable } from './invitations.ts';
import { keptTable } from './kept-items.ts';
import { Ledger } from './ledger.ts';
import { LedgerPen } from './ledger-pen.ts';
import { migrate, newestVersion, versionOf } from './migrate.ts';
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
import { requestTable } from './requests.ts';
import { salvage } from './salvage.ts';
import { keyFile, lazySeal, sealWith } from './seal.ts';
import { clockTable, dialogTable, discoveredTable, secretTable, spellingTable } from './small-tables.ts';
import { Threads } from './threads.ts';
import { uploadTable } from './uploads.ts';
import { inspectWal } from './wal.ts';

const DEDUP_MS = 24 * 3600 * 1000;
/** Conversations that nobody used for this long are forgotten. */
const THREAD_MS = 90 * DEDUP_MS;
/** A message that its user has not come for in this time is given up. */
const KEPT_MS = 90 * DEDUP_MS;
/** An invitation that is over is still listed for so long. */
const INVITED_MS = 90 * DEDUP_MS;
/** A larger file is not checked from end to end at every start. */
const CHECKED_BYTES = 2 ** 30;

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

/** One thing found at the start that an operator should know. */
export interface Remark {
  readonly what: 'key' | 'log' | 'damage' | 'unchecked';
  readonly text: string;
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
  readonly threads: ThreadStore;
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
  if (options.mode === 'visit') return assemble(visit(path), folder, options, remarks, () => {});
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StoreError(reason('STORE_FULL', `the folder ${folder} of data: cannot be made: ${String(error)}`), { cause: error });
  }
  const owner = own(join(folder, 'isthmus.owner'));
  try {
    const db = openOwn(path, clock, remarks);
    if (options.maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${options.maxPages}`);
    return assemble(db, folder, options, remarks, () => owner.release());
  } catch (error) {
    owner.release();
    throw error instanceof StoreError ? error : storeError(error);
  }
}

function visit(path: string): Database {
  const have = statSync(path, { throwIfNoEntry: false });
  if (have === undefined) throw new StoreError(reason('STORE_FULL', `there is no database at ${path}: this home has not been started yet`));
  try {
    const db = new Database(path);
    const [version, newest] = [versionOf(db), newestVersion()];
    if (version === newest) return db;
    db.close();
    throw new StoreError(reason('US_BUG', `the database has shape ${version}, this version knows ${newest}: use the version that runs`));
  } catch (error) {
    throw error instanceof StoreError ? error : storeError(error);
  }
}

function openOwn(path: string, clock: Clock, remarks: Remark[]): Database {
  const wal = inspectWal(`${path}-wal`);
  if (wal !== undefined && (wal.lost > 0 || wal.cut)) {
    const gone = `${wal.lost} pages after its last good commit (page ${wal.good})${wal.cut ? ' and a piece of one' : ''} are left out`;
    remarks.push({
      what: 'log',
      text: `the write-ahead log ends early: ${gone}. After a kill that is an unfinished write; else rows are gone`,
    });
  }
  let damage: string | undefined;
  let db: Database | undefined;
  try {
    db = new Database(path);
    damage = check(db, path, remarks);
    if (damage === undefined) {
      migrate(db);
      return db;
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    damage = error instanceof Error ? error.message : String(error);
  }
  try {
    db?.close();
  } catch {
    // a damaged file may not close
  }
  const saved = salvage(path, clock.now());
  const missing = saved.incomplete.length === 0 ? 'no table is visibly incomplete' : `not whole: ${saved.incomplete.join(', ')}`;
  remarks.push({
    what: 'damage',
    text: `the database was damaged (${damage.replaceAll(/\s+/g, ' ')}); ${saved.rows} rows were carried over, ${missing}; ${saved.gone} events that waited are gone; the old file is ${saved.aside}`,
  });
  return new Database(path);
}

function check(db: Database, path: string, remarks: Remark[]): string | undefined {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > CHECKED_BYTES) {
    remarks.push({ what: 'unchecked', text: `${path} is over 1 GiB and was not checked from end to end` });
    return undefined;
  }
  const answer = db.prepare('PRAGMA quick_check(1)').get();
  const verdict = answer === undefined ? 'no answer' : text(answer, 'quick_check');
  return verdict === 'ok' ? undefined : verdict;
}

function assemble(db: Database, folder: string, options: StoreOptions, remarks: Remark[], released: () => void): Store {
  const { clock } = options;
  const keyPath = join(folder, 'store.key');
  const { key, remark, made } = keyFile(keyPath);
  if (remark !== undefined) remarks.push({ what: 'key', text: remark });
  if (made && db.prepare('SELECT 1 AS yes FROM outbox').get() !== undefined) {
    remarks.push({ what: 'key', text: `${keyPath} was gone and is new: what waited cannot be read any more and its senders are told` });
  }
  const seal = sealWith(key);
  const archivePath = join(folder, 'archive.key');
  const archive = keyFile(archivePath);
  if (archive.remark !== undefined) remarks.push({ what: 'key', text: archive.remark });
  if (archive.made && db.prepare('SELECT 1 AS yes FROM history').get() !== undefined) {
    remarks.push({ what: 'key', text: `${archivePath} was gone and is new: the history so far cannot be read without the old one` });
  }
  const recordsPath = join(folder, 'records.key');
  const hasRecords = db.prepare('SELECT 1 AS yes FROM archive').get() !== undefined;
  if (hasRecords && statSync(recordsPath, { throwIfNoEntry: false }) === undefined)
    remarks.push({
      what: 'key',
      text: `${recordsPath} is gone: the archive so far cannot be read without it; what is archived from now on has a new one`,
    });
  const records = lazySeal(recordsPath);
  if (records.remark !== undefined) remarks.push({ what: 'key', text: records.remark });
  const ledger = new Ledger(db, clock);
  const threads = new Threads(db, clock);
  const decisions = decisionTable(db);
  const requests = requestTable(db, seal);
  const kept = keptTable(db, seal);
  const deviceTokens = tokenTable(db, seal);
  const invitations = invitationTable(db);
  const histories = historyTable(db, sealWith(archive.key));
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
    archive: archiveTable(db, records.seal, holds),
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
    threads,
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
