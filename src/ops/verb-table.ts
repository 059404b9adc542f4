// Every verb by its words: the command line and the API read the same table. A file is read when its verb is used.

import type { Verb } from './verb.ts';

export interface VerbRow {
  readonly words: string;
  readonly summary: string;
  readonly load: () => Promise<Verb>;
}

export const VERBS: readonly VerbRow[] = [
  {
    words: 'cert list',
    summary: 'our certificates and those of partners, and what ends soon',
    load: async () => (await import('./cert/list.ts')).certList,
  },
  {
    words: 'cert request',
    summary: 'makes a key, and the request (CSR) for your authority',
    load: async () => (await import('./cert/request.ts')).certRequest,
  },
  {
    words: 'cert import',
    summary: 'checks a certificate, shows who would refuse it, uses it',
    load: async () => (await import('./cert/import.ts')).certImport,
  },
  { words: 'cert trust', summary: 'trusts an authority on one side', load: async () => (await import('./cert/trust.ts')).certTrust },
  { words: 'cert pin', summary: "pins a partner's certificate", load: async () => (await import('./cert/pin.ts')).certPin },
  { words: 'cert revoke', summary: 'refuses a certificate from now on', load: async () => (await import('./cert/revoke.ts')).certRevoke },
  {
    words: 'cert renew',
    summary: 'renews our certificates by ACME, as certs/acme.yaml says',
    load: async () => (await import('./cert/renew.ts')).certRenew,
  },
  { words: 'request list', summary: 'strangers who wait for an answer', load: async () => (await import('./request/list.ts')).requestList },
  { words: 'request approve', summary: 'lets a stranger in', load: async () => (await import('./request/decide.ts')).requestApprove },
  { words: 'request deny', summary: 'turns a stranger away', load: async () => (await import('./request/decide.ts')).requestDeny },
  { words: 'audit list', summary: 'who did what, newest first', load: async () => (await import('./audit/list.ts')).auditList },
  {
    words: 'audit verify',
    summary: 'checks that the audit log is whole',
    load: async () => (await import('./audit/verify.ts')).auditVerify,
  },
  {
    words: 'audit export',
    summary: 'the audit log as JSON lines, oldest first',
    load: async () => (await import('./audit/export.ts')).auditExport,
  },
  { words: 'drain', summary: 'ends the process so that nothing is lost', load: async () => (await import('./process/drain.ts')).drain },
  {
    words: 'partner import',
    summary: 'takes partners over from Lync, Skype for Business, Prosody, ejabberd',
    load: async () => (await import('./import/import.ts')).partnerImport,
  },
  {
    words: 'partner test',
    summary: 'why it does not connect: both ways, step by step',
    load: async () => (await import('./partner-test/verb.ts')).partnerTest,
  },
  {
    words: 'domain list',
    summary: 'your own domains, what serves each, and which certificate it shows',
    load: async () => (await import('./domain/list.ts')).domainList,
  },
  {
    words: 'domain show',
    summary: 'one domain of yours: inside, certificate, partners that can reach it',
    load: async () => (await import('./domain/list.ts')).domainShow,
  },
  {
    words: 'domain dns',
    summary: 'prints the DNS records to publish for your own domains, and checks them',
    load: async () => (await import('./domain/dns.ts')).domainDns,
  },
  {
    words: 'backup',
    summary: 'writes everything of a home into one file, while it runs',
    load: async () => (await import('./backup/backup.ts')).backup,
  },
  { words: 'status', summary: 'how the process and every partner stand', load: async () => (await import('./status/status.ts')).status },
  { words: 'top', summary: 'the busiest partners, refreshed', load: async () => (await import('./status/top.ts')).top },
  {
    words: 'session list',
    summary: 'who is connected, and how they proved it',
    load: async () => (await import('./session/list.ts')).sessionList,
  },
  {
    words: 'session close',
    summary: 'ends a connection, or all of a partner',
    load: async () => (await import('./session/close.ts')).sessionClose,
  },
  { words: 'queue list', summary: 'what waits, for whom, and why', load: async () => (await import('./queue/list.ts')).queueList },
  {
    words: 'queue retry',
    summary: 'tries now what waits, whatever its back-off',
    load: async () => (await import('./queue/move.ts')).queueRetry,
  },
  {
    words: 'queue drop',
    summary: 'takes what waits out of the queue; its senders are told',
    load: async () => (await import('./queue/move.ts')).queueDrop,
  },
  {
    words: 'explain',
    summary: 'what became of a message or a subscription, and why',
    load: async () => (await import('./explain/verb.ts')).explain,
  },
  {
    words: 'apply',
    summary: 'the files as they stand take effect, if they are good',
    load: async () => (await import('./rules/apply.ts')).apply,
  },
  { words: 'undo', summary: 'the set before is in force again', load: async () => (await import('./rules/undo.ts')).undo },
  {
    words: 'partner add',
    summary: 'makes a domain a partner: writes its file',
    load: async () => (await import('./partner/add.ts')).partnerAdd,
  },
  {
    words: 'partner block',
    summary: 'refuses a domain, a user or an address, whatever else is written',
    load: async () => (await import('./partner/block.ts')).partnerBlock,
  },
  {
    words: 'partner unblock',
    summary: 'takes a domain, a user or an address off the block list',
    load: async () => (await import('./partner/block.ts')).partnerUnblock,
  },
  {
    words: 'partner pause',
    summary: 'holds or refuses what goes to and comes from a partner, for maintenance',
    load: async () => (await import('./partner/pause.ts')).partnerPause,
  },
  {
    words: 'partner resume',
    summary: 'ends a pause: what was held is sent',
    load: async () => (await import('./partner/pause.ts')).partnerResume,
  },
  {
    words: 'partner remove',
    summary: 'ends a partnership: takes its file away',
    load: async () => (await import('./partner/add.ts')).partnerRemove,
  },
  {
    words: 'partner trace',
    summary: 'what a partner and we say to each other, decrypted and redacted',
    load: async () => (await import('./trace/verb.ts')).partnerTrace,
  },
  {
    words: 'plan',
    summary: 'what apply would change, and who would be cut off or newly allowed',
    load: async () => (await import('./rules/plan.ts')).plan,
  },
  {
    words: 'partner list',
    summary: 'the partners: state, protocols, last seen, owner, review',
    load: async () => (await import('./partner/list.ts')).partnerList,
  },
  {
    words: 'partner show',
    summary: 'one partner: what it may, what it has shown of itself, what waits',
    load: async () => (await import('./partner/show.ts')).partnerShow,
  },
  { words: 'user add', summary: 'adds a user of the core', load: async () => (await import('./user/add.ts')).userAdd },
  { words: 'user import', summary: 'adds and changes users from a table', load: async () => (await import('./user/import.ts')).userImport },
  { words: 'user list', summary: 'the users of the core', load: async () => (await import('./user/list.ts')).userList },
  { words: 'user show', summary: 'one user, and what they sign in with', load: async () => (await import('./user/show.ts')).userShow },
  {
    words: 'user state',
    summary: 'what a user is seen as, and their choice',
    load: async () => (await import('./user/state.ts')).userState,
  },
  { words: 'user change', summary: "changes a user's fields", load: async () => (await import('./user/add.ts')).userChange },
  { words: 'user password', summary: 'gives a user a password', load: async () => (await import('./user/password.ts')).userPassword },
  {
    words: 'user invite',
    summary: 'a link with which somebody sets their own password',
    load: async () => (await import('./user/invite.ts')).userInvite,
  },
  { words: 'user disable', summary: 'keeps a user out', load: async () => (await import('./user/switch.ts')).userDisable },
  { words: 'user enable', summary: 'lets a user in again', load: async () => (await import('./user/switch.ts')).userEnable },
  {
    words: 'user history',
    summary: 'what a user said and was told, also by words',
    load: async () => (await import('./user/history.ts')).userHistory,
  },
  {
    words: 'user export',
    summary: "a user's conversations as files, with a manifest of hashes",
    load: async () => (await import('./user/export.ts')).userExport,
  },
  {
    words: 'archive status',
    summary: 'what of whom is archived, how much there is, and whether it works',
    load: async () => (await import('./archive/status.ts')).archiveStatus,
  },
  {
    words: 'archive list',
    summary: 'messages of the archive, by person, domain and time',
    load: async () => (await import('./archive/list.ts')).archiveList,
  },
  {
    words: 'archive search',
    summary: 'messages of the archive that hold some words',
    load: async () => (await import('./archive/list.ts')).archiveSearch,
  },
  {
    words: 'archive purge',
    summary: 'removes what is older than the retention now',
    load: async () => (await import('./archive/purge.ts')).archivePurge,
  },
  {
    words: 'hold add',
    summary: 'keeps what people said from every purge and erasure',
    load: async () => (await import('./hold/hold.ts')).holdAdd,
  },
  {
    words: 'hold list',
    summary: 'holds in force, and those that were released',
    load: async () => (await import('./hold/hold.ts')).holdList,
  },
  { words: 'hold release', summary: 'ends a hold', load: async () => (await import('./hold/hold.ts')).holdRelease },
  {
    words: 'archive approvals',
    summary: 'what waits for a second person',
    load: async () => (await import('./archive/approvals.ts')).archiveApprovals,
  },
  {
    words: 'archive approve',
    summary: 'agrees to what somebody else has asked for',
    load: async () => (await import('./archive/approve.ts')).archiveApprove,
  },
  {
    words: 'archive deny',
    summary: 'refuses what somebody else has asked for',
    load: async () => (await import('./archive/approve.ts')).archiveDeny,
  },
  {
    words: 'archive export',
    summary: 'messages of the archive as files, with a manifest of hashes',
    load: async () => (await import('./archive/export.ts')).archiveExport,
  },
  {
    words: 'archive verify',
    summary: 'checks a folder that was handed out',
    load: async () => (await import('./archive/verify.ts')).archiveVerify,
  },
  { words: 'user move', summary: 'moves a user of a split domain', load: async () => (await import('./user/move.ts')).userMove },
  {
    words: 'user erase',
    summary: 'removes everything that is kept of a person',
    load: async () => (await import('./user/erase.ts')).userErase,
  },
  { words: 'user remove', summary: 'takes a user away', load: async () => (await import('./user/remove.ts')).userRemove },
];
