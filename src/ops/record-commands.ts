// The command that reads what a home has on record: explain. It opens the
// database beside a running process; without a database nothing has ever run here (exit 3).

import { showFinding } from '../config/finding.ts';
import type { Home } from '../config/home.ts';
import { loadHome } from '../config/load.ts';
import { type LedgerStore, StoreError } from '../model/outbox-store.ts';
import type { DecisionStore } from '../model/stores.ts';
import { type Call, type Command, type ExitCode, HOME_OPTION, JSON_OPTION, type Terminal } from './command.ts';
import { explain } from './explain.ts';
import { findHome, noHome } from './home-search.ts';
import type { Report } from './verb.ts';

/** The tables these commands need. */
export interface Records {
  readonly ledger: LedgerStore;
  readonly decisions: DecisionStore;
  close(): void;
}
/** Opens them beside whoever runs. @throws StoreError when there is no database, or it cannot be opened */
export type OpenRecords = (home: Home) => Records;

export function explainCommand(open: OpenRecords): Command {
  return {
    words: 'explain',
    summary: 'what became of a message, in plain words',
    positionals: ['ID|FROM', '[TO]'],
    options: {
      home: HOME_OPTION,
      presence: { type: 'boolean', says: 'with FROM TO: subscriptions instead of messages' },
      since: {
        type: 'string',
        value: 'TIME',
        says: 'with FROM TO: only since then (14:00 UTC, or an ISO date); default: the last 24 hours',
      },
      json: JSON_OPTION,
    },
    details: [
      'ID is a Call-ID, a stanza id, an origin-id or our own id of a log line. FROM and TO are addresses; nobody needs to know an id.',
      '"delivered" was confirmed by the far end, "handed over" was written and never confirmed. Texts of messages are not kept.',
      'Exit 1: it was refused, failed, expired or is not known.',
    ].join('\n'),
    example: 'isthmus explain li@partner.example nora@corp.example --since 14:00',
    run: (call, terminal) =>
      withRecords('explain', call, terminal, open, (records, now) => {
        const { since, presence } = call.values;
        const query = { words: call.positionals, presence: presence === true, ...(typeof since === 'string' && { since }) };
        return explain(query, { ledger: records.ledger, decisions: records.decisions, now });
      }),
  };
}

async function withRecords(
  words: string,
  { values }: Call,
  terminal: Terminal,
  open: OpenRecords,
  work: (records: Records, now: number) => Promise<Report>,
): Promise<ExitCode> {
  const found = findHome(typeof values.home === 'string' ? values.home : undefined, terminal);
  if ('looked' in found) {
    terminal.err(noHome(found.looked, words));
    return 2;
  }
  const loaded = loadHome(found.dir);
  if (!loaded.ok) {
    for (const fault of loaded.faults) terminal.err(showFinding(fault));
    return 2;
  }
  let records: Records;
  try {
    records = open(loaded.home);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    terminal.err(`isthmus ${words}: ${error.reason.text}\n  isthmus start --home ${found.dir} makes it`);
    return 3;
  }
  try {
    const report = await work(records, Date.now());
    terminal.out(values.json === true ? JSON.stringify(report.json, null, 2) : report.text);
    return report.exit;
  } finally {
    records.close();
  }
}
