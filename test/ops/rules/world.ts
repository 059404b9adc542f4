// A copy of the example home, the command line beside it, and, when a test starts it, the part of a running process that
// keeps the rules. A call goes the way of a real one: by the verb's own row, asking the process where it would.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLineOperations } from '../../../src/assembly/operations.ts';
import { Rules } from '../../../src/assembly/rules.ts';
import type { Home } from '../../../src/config/home.ts';
import { type Log, SILENT } from '../../../src/log.ts';
import type { Live } from '../../../src/ops/live.ts';
import type { Operations } from '../../../src/ops/operations.ts';
import { loadAccepted } from '../../../src/ops/rules/load-accepted.ts';
import type { Report, Verb } from '../../../src/ops/verb.ts';
import { perform } from '../../../src/ops/verb-command.ts';
import { VERBS } from '../../../src/ops/verb-table.ts';
import { judgeTest } from '../../../src/routing/policy-test.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { EXAMPLE_HOME } from '../../config/example.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { keep } from '../terminal.ts';

export class RulesWorld implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'isthmus-rules-'));
  readonly clock = new ManualClock();
  /** Log lines of the process. */
  readonly told: Readonly<Record<string, unknown>>[] = [];
  /** How often a new set has taken effect. */
  changes = 0;
  rules: Rules | undefined;
  #store: Store | undefined;
  #home: Home | undefined;
  readonly #commandLine;

  constructor() {
    cpSync(EXAMPLE_HOME, this.dir, { recursive: true });
    this.#commandLine = commandLineOperations(this.dir, keep(), (table, test) => judgeTest(table, test, this.clock.now()));
  }

  /** Runs a command; `given` as an API would give it. */
  async run(words: string, given: Readonly<Record<string, unknown>> = {}, why?: string): Promise<Report> {
    return this.#perform(words, given, why, { ...this.#commandLine, clock: this.clock, ask: (asked, input) => this.#ask(asked, input) });
  }

  /** What a start would run. */
  accepted() {
    return loadAccepted(this.dir, (table, test) => judgeTest(table, test, this.clock.now()));
  }

  /** Starts the part of a process that keeps the rules. */
  start(): Rules {
    const { loaded, differing } = this.accepted();
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
    const line = (fields: Readonly<Record<string, unknown>>): void => void this.told.push(fields);
    const log: Log = { ...SILENT, info: line, warn: line, error: line };
    this.rules = new Rules({ home: loaded.home, table: loaded.table, reload: () => loaded, differing }, this.clock, log, () => {
      this.changes += 1;
    });
    this.rules.prepare();
    this.rules.begin();
    this.#home = loaded.home;
    return this.rules;
  }

  stop(): void {
    this.rules = undefined;
  }

  /** The database, as a process has it. */
  get store(): Store {
    this.#store ??= openStore({ folder: join(this.dir, 'var'), clock: this.clock, mode: 'own' });
    return this.#store;
  }

  read(path: string): string {
    return readFileSync(join(this.dir, path), 'utf8');
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.dir, path), text);
  }

  [Symbol.dispose](): void {
    this.#commandLine.close();
    this.#store?.close();
    rmSync(this.dir, { recursive: true });
  }

  async #ask(words: string, input: Readonly<Record<string, unknown>>): Promise<Report | undefined> {
    const { rules } = this;
    if (rules === undefined || words === 'queue list') return undefined;
    const { why, ...given } = input;
    const home = this.#home;
    // Only what these verbs use of a process.
    const live = { home, table: rules.table, rules: rules.desk, sessions: { list: () => [] } } as unknown as Live;
    return this.#perform(words, given, typeof why === 'string' ? why : undefined, { ...this.#commandLine, clock: this.clock, live });
  }

  async #perform(
    words: string,
    given: Readonly<Record<string, unknown>>,
    why: string | undefined,
    operations: Operations,
  ): Promise<Report> {
    const verb: Verb | undefined = await VERBS.find((row) => row.words === words)?.load();
    if (verb === undefined) throw new Error(`no verb is called "${words}"`);
    return perform(verb, operations, verb.input.parse(given), given, why);
  }
}
