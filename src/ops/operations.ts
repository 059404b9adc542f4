// What a verb works with: the home's files, its records, and the running process when there is one. The command line and
// the API each make one for a call (assembly/operations.ts).

import type { Home } from '../config/home.ts';
import type { Loaded } from '../config/load.ts';
import type { Judge } from '../config/policy-tests.ts';
import type { Renewals } from '../model/acme.ts';
import type { Approval, ApprovalStore, ArchiveStore, HoldStore } from '../model/archive.ts';
import type { Actor, AuditLog } from '../model/audit.ts';
import type { CertificateDesk } from '../model/certificate-desk.ts';
import type { BlockStore, ContactStore } from '../model/core-stores.ts';
import type { HistoryStore } from '../model/history.ts';
import type { InvitationStore } from '../model/invitations.ts';
import type { KeptOfPerson } from '../model/of-person.ts';
import type { LedgerStore } from '../model/outbox-store.ts';
import type { PassportStore } from '../model/passport.ts';
import type { PeerTryStore } from '../model/peer-try.ts';
import type { PeopleDesk } from '../model/people.ts';
import type { Clock } from '../model/ports.ts';
import type { PushStore } from '../model/push.ts';
import type { TokenStore } from '../model/sign-in-tokens.ts';
import type { Snapshots } from '../model/snapshot.ts';
import type { AuthorizationStore, ContactRequestStore, DecisionStore, DialogStore, DiscoveredStore } from '../model/stores.ts';
import type { DnsView } from './domain/ports.ts';
import type { Live } from './live.ts';
import type { OpenProber } from './partner-test/ports.ts';
import type { Replay } from './rules/replay.ts';
import type { Report } from './verb.ts';

/** Tables of the home that verbs read, and write single lines of. */
export interface Records {
  readonly ledger: LedgerStore;
  readonly decisions: DecisionStore;
  readonly requests: ContactRequestStore;
  readonly authorizations: AuthorizationStore;
  readonly dialogs: Pick<DialogStore, 'all'>;
  readonly discovered: DiscoveredStore;
  readonly passports: PassportStore;
  readonly peerTries: PeerTryStore;
  readonly histories: HistoryStore;
  readonly contacts: Pick<ContactStore, 'of'>;
  readonly blocked: Pick<BlockStore, 'of'>;
  readonly invitations: InvitationStore;
  readonly push: PushStore;
  readonly deviceTokens: TokenStore;
  readonly archive: ArchiveStore;
  readonly holds: HoldStore;
  readonly approvals: ApprovalStore;
  readonly ofPerson: readonly KeptOfPerson[];
}

export interface Operations {
  /** Absolute path of the home. */
  readonly dir: string;
  readonly clock: Clock;
  readonly actor: Actor;
  /** The reason that the actor gave. */
  readonly why?: string;
  /** What a second person has agreed to, and is done now (ops/approval.ts). */
  readonly approval?: Approval;
  /** The home as its files stand now, checked, with the `tests:` of the policy run. Reads the disk each time. */
  load(): Loaded;
  /** What policy decides about a test, for files that are not on disk yet (`editHome`). */
  readonly judge: Judge;
  /** What policy would say to a decision on record (`plan`). */
  readonly replay: Replay;
  /** The database, opened beside whoever runs it. @throws StoreError when this home has never been started */
  records(): Records;
  audit(): AuditLog;
  /** The people of the core. A home that has never been started gets its database here. @throws StoreError when it cannot be opened */
  people(): Promise<PeopleDesk>;
  /** Where certificates of the home are listed, asked for and brought in. Loaded when it is asked for. */
  certificates(): Promise<CertificateDesk>;
  /** Renewal by ACME for one command, while nothing runs; inside the process `live.renewals`. */
  renewals(loaded: Loaded & { readonly ok: true }): Promise<Renewals>;
  /** Copies of the databases, for a backup. Loaded when it is asked for. */
  snapshots(): Promise<Snapshots>;
  /** The process itself; present only inside it. */
  readonly live?: Live;
  /** How partners are tested from here, with connections of its own; inside the process `live.partners` has its own. */
  readonly prober: OpenProber;
  /** DNS as the world sees it now, asked of the home's name servers. */
  readonly dns: (home: Home) => Promise<DnsView>;
  /**
   * Asks the running process to do a verb; undefined: nothing runs with this home. Inside the process: runs it here.
   * @param line takes the lines of a longer answer; default: they are shown
   */
  ask(words: string, input: Readonly<Record<string, unknown>>, line?: (text: string) => void): Promise<Report | undefined>;
  /** One line on how far it is, for long work; shown on a terminal only. */
  progress(line: string): void;
  /** One line of a longer answer, before the report is there (a trace, `top`). */
  line(text: string): void;
  /** Aborted when the operator presses Ctrl-C or the API's client goes away. */
  readonly signal: AbortSignal;
}
