// Every verb by its words: the command line and the API read the same table. A file is read when its verb is used.

import type { Verb } from './verb.ts';

export interface VerbRow {
  readonly words: string;
  readonly summary: string;
  readonly load: () => Promise<Verb>;
}

export const VERBS: readonly VerbRow[] = [
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
  { words: 'audit export', summary: 'the audit log as JSON lines', load: async () => (await import('./audit/export.ts')).auditExport },
  { words: 'drain', summary: 'ends the process so that nothing is lost', load: async () => (await import('./process/drain.ts')).drain },
  {
    words: 'partner import',
    summary: "takes over another system's partners: Lync and Skype for Business, Prosody, ejabberd",
    load: async () => (await import('./import/import.ts')).partnerImport,
  },
];
