// The rules in force, and how a running process replaces them: a set is read, checked, kept in var/applied and swapped in
// whole, or nothing changes and the log says why. `isthmus apply`, `undo`, SIGHUP and a save under `reload: onChange` all
// come through here.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type AcceptedBy, AppliedError, AppliedSets, type SetHead } from '../config/applied.ts';
import type { FileChanges } from '../config/edit.ts';
import { type HomeFiles, readHomeFiles } from '../config/files.ts';
import { showFinding } from '../config/finding.ts';
import type { Home } from '../config/home.ts';
import { checkHome, type Loaded } from '../config/load.ts';
import { FileMemory } from '../config/memory.ts';
import type { Judge } from '../config/policy-tests.ts';
import type { Log } from '../log.ts';
import type { Clock } from '../model/ports.ts';
import type { Table } from '../model/table.ts';
import { type RulesDesk, rulesDesk, type Taken } from '../ops/rules/desk.ts';
import type { Ready } from '../ops/start.ts';
import { judgeTest } from '../routing/policy-test.ts';
import { type Reloads, watchFolder } from './reload.ts';

/** The table in force, and the desk where it is replaced. */
export class Rules {
  readonly #ready: Ready;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #log: Log;
  readonly #changed: () => void;
  readonly #desk: RulesDesk;
  readonly #check: (files: HomeFiles, generation: number) => Loaded;
  #table: Table;
  /** What isthmus.yaml said last; listeners and places keep what the process started with. */
  #home: Home;

  /** @param changed called after a new set has taken effect */
  constructor(ready: Ready, clock: Pick<Clock, 'now'>, log: Log, changed: () => void) {
    this.#ready = ready;
    this.#clock = clock;
    this.#log = log;
    this.#changed = changed;
    this.#table = ready.table;
    this.#home = ready.home;
    const { dir, data } = ready.home;
    const judge: Judge = (table, test) => judgeTest(table, test, clock.now());
    // Files that are as they were are not parsed again: with a thousand partners that is most of the time.
    const memory = new FileMemory();
    this.#check = (files, generation) =>
      checkHome(dir, files, {
        judge,
        generation,
        nowMs: clock.now(),
        memory,
        credentials: process.env.CREDENTIALS_DIRECTORY !== undefined,
      });
    this.#desk = rulesDesk({
      dir,
      sets: new AppliedSets(data),
      judge,
      now: () => clock.now(),
      inForce: () => ({ home: this.#home, table: this.#table }),
      generation: () => this.#table.generation + 1,
      check: this.#check,
      swap: (loaded) => {
        this.#table = loaded.table;
        this.#home = loaded.home;
      },
    });
  }

  readonly table = (): Table => this.#table;
  /** isthmus.yaml as of the set in force. */
  readonly home = (): Home => this.#home;
  /** Is told of each set that was taken or refused without a command: at SIGHUP, or on save. */
  onReload: (by: string, taken: boolean) => void = () => {};

  /** For verbs: the same steps, each told in the log. */
  readonly desk: RulesDesk = {
    current: () => this.#desk.current(),
    takeFiles: (by: AcceptedBy) => this.#told(this.#desk.takeFiles(by), by.by),
    takeEdit: (changes: FileChanges, by: AcceptedBy) => this.#told(this.#desk.takeEdit(changes, by), by.by),
    goBack: () => this.#told(this.#desk.goBack(), 'undo'),
  };

  /** Takes the files as they stand now, or keeps what is in force. @returns true when they are in force */
  reload(by = 'SIGHUP'): boolean {
    const taken = this.desk.takeFiles({ at: this.#clock.now(), by }).kind !== 'refused';
    this.onReload(by, taken);
    return taken;
  }

  /** Reads the files once before the doors open, so that the first `apply` need not parse a thousand partners while messages wait. */
  prepare(): void {
    try {
      this.#check(readHomeFiles(this.#home.dir), this.#table.generation);
    } catch {
      // A folder that cannot be read is told when somebody applies it.
    }
  }

  /**
   * Everything is open: the first set is kept, the files as they are; where the home reloads on save, every later one too.
   * Not before: who mends a home that did not start must not be held to the set that did not. What cannot be kept is told;
   * the rules are in force all the same.
   */
  begin(): void {
    let current: SetHead | undefined;
    try {
      current = this.#desk.current();
    } catch (error) {
      if (!(error instanceof AppliedError)) throw error;
    }
    if (current !== undefined && this.#home.reload === 'onApply') {
      const files = this.#ready.differing ?? [];
      if (files.length > 0)
        this.#log.warn({ event: 'rules.differ', set: current.number, files: files.slice(0, 100) }, 'files were changed and never applied');
      return;
    }
    const taken = this.#desk.takeFiles({ at: this.#clock.now(), by: 'start' });
    if (taken.kind === 'taken')
      this.#log.info({ event: 'rules.accepted', set: taken.set.number, by: 'start' }, 'the files are the set in force');
    if (taken.kind === 'refused')
      this.#log.warn({ event: 'rules.unkept', found: taken.text }, 'the set in force could not be kept; a restart takes the files again');
  }

  /** Who is in the groups that a directory fills, as its last round found it. In force at once; the files are as they were. */
  groupsChanged(groups: ReadonlyMap<string, ReadonlySet<string>>): void {
    const { policy, generation } = this.#table;
    this.#table = { ...this.#table, generation: generation + 1, policy: { ...policy, groups: new Map([...policy.groups, ...groups]) } };
    this.#log.info(
      { event: 'directory.groups', generation: this.#table.generation, groups: [...groups.keys()] },
      'groups have other members',
    );
    this.#changed();
  }

  /** Takes what is saved, where the home asks for it. */
  watch(home: Home, clock: Clock): Reloads {
    if (home.reload !== 'onChange') return { stop() {} };
    const folders = ['routes', 'people', 'records'].map((name) => join(home.dir, name)).filter((path) => existsSync(path));
    const watches = folders.map((path) => watchFolder(path, clock, this.#log, () => void this.reload('save')));
    return { stop: () => watches.forEach((one) => void one.stop()) };
  }

  #told(taken: Taken, by: string): Taken {
    if (taken.kind === 'refused') {
      if (taken.faults.length === 0) this.#log.error({ event: 'rules.rejected', fault: taken.text, by }, 'the old rules stay');
      for (const fault of taken.faults.slice(0, 100))
        this.#log.error({ event: 'rules.rejected', fault: showFinding(fault), by }, 'the old rules stay');
      return taken;
    }
    const changes = taken.kind === 'taken' ? taken.changes.length : 0;
    this.#log.info(
      { event: 'rules.reloaded', generation: this.#table.generation, set: taken.set.number, changes, by },
      'the rules are in force; listeners keep what they started with',
    );
    this.#changed();
    return taken;
  }
}
