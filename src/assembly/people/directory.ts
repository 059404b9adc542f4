// The directory of a home: one round for a command, round after round in the running process, and the bind behind a sign-in.

import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '../../config/home.ts';
import { DirectorySignIn } from '../../core/sign-in/directory-sign-in.ts';
import { LockOut } from '../../core/sign-in/lock-out.ts';
import { PasswordSignIn } from '../../core/sign-in/sign-in.ts';
import { type Door, fits } from '../../directory/connect.ts';
import { type Round, syncOnce } from '../../directory/sync.ts';
import type { Log } from '../../log.ts';
import type { SignIn } from '../../model/core.ts';
import type { DirectorySettings } from '../../model/directory.ts';
import type { Clock, Timer } from '../../model/ports.ts';
import type { Table } from '../../model/table.ts';
import type { Store } from '../../store/store.ts';
import type { Reloads } from '../reload.ts';
import { secretOf } from '../secrets.ts';

type PeopleTables = Pick<Store, 'people' | 'directory'>;

/** Changes that move no mark of an entry (memberOf in Active Directory) are found at least this often, ms. */
const FULL_MS = 3_600_000;
/** Without a directory: how often it is looked whether the home has one now, ms. */
const IDLE_MS = 30_000;

interface RoundParts {
  readonly dir: string;
  readonly data: string;
  readonly store: PeopleTables;
  readonly clock: Pick<Clock, 'now'>;
  readonly settings: DirectorySettings;
  readonly table: Table;
  readonly full: boolean;
  readonly dryRun: boolean;
}

/** One round; who is in its groups is kept for whoever reads the home next. @throws DirectoryError */
export async function takeRound({ dir, data, store, clock, settings, table, full, dryRun }: RoundParts): Promise<Round> {
  const serves = (domain: string): string | undefined => {
    const own = table.domains.get(domain);
    return own?.served === 'core' ? own.domain : undefined;
  };
  const groups = table.policy.ldapGroups ?? new Map<string, string>();
  const round = await syncOnce({ door: doorOf(dir, settings), ...store, clock, serves }, { full, dryRun, groups });
  if (!dryRun && groups.size > 0) keepGroups(data, round.groups);
  return round;
}

function doorOf(dir: string, settings: DirectorySettings): Door {
  return {
    settings,
    password: () => (settings.password === undefined ? undefined : secretOf(dir, settings.password)),
    roots: () => rootsIn(join(dir, 'certs/trust/inside')),
  };
}

/** PEM texts of a folder of authorities. */
export function rootsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.pem'))
      .map((name) => readFileSync(join(folder, name), 'utf8'));
  } catch {
    return []; // no folder, no roots: no TLS server is believed
  }
}

/** Beside the database, written whole or not at all (config/files.ts DIRECTORY_GROUPS). */
function keepGroups(data: string, groups: Round['groups']): void {
  const folder = join(data, 'directory');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const text = `${JSON.stringify(Object.fromEntries(groups), null, 1)}\n`;
  writeFileSync(join(folder, 'groups.json.new'), text, { mode: 0o600 });
  renameSync(join(folder, 'groups.json.new'), join(folder, 'groups.json'));
}

export interface WatchParts {
  /** As of the set in force. */
  readonly home: () => Home;
  readonly table: () => Table;
  readonly store: PeopleTables;
  readonly clock: Clock;
  readonly log: Log;
  /** The directory says anew who is in its groups. */
  readonly groupsChanged: (groups: ReadonlyMap<string, ReadonlySet<string>>) => void;
}

/** Round after round, as long as the home has a directory. */
export function watchDirectory({ home, table, store, clock, log, groupsChanged }: WatchParts): Reloads {
  let timer: Timer | undefined;
  let stopped = false;
  let wholeAt = Number.NEGATIVE_INFINITY;
  let failing = false;
  const round = async (): Promise<void> => {
    const { dir, data, people } = home();
    const { directory: settings } = people;
    if (settings !== undefined) {
      const full = clock.monotonic() - wholeAt >= FULL_MS;
      try {
        const done = await takeRound({ dir, data, store, clock, settings, table: table(), full, dryRun: false });
        if (full) wholeAt = clock.monotonic();
        if (failing || done.added.length + done.changed.length + done.disabled.length + done.enabled.length > 0) tell(done, log);
        failing = false;
        if (done.spared > 0)
          log.warn(
            { event: 'directory.doubtful', gone: done.spared, entries: done.entries },
            'most users are gone from the directory at once; nobody was disabled',
          );
        for (const address of done.disabled)
          log.info({ event: 'user.disabled', user: address, by: 'directory' }, 'gone from the directory, or disabled there');
        if (differs(done.groups, table())) groupsChanged(new Map([...done.groups].map(([name, members]) => [name, new Set(members)])));
      } catch (error) {
        // Once, and again when it is there.
        if (!failing) log.warn({ event: 'directory.failed', err: error }, 'the directory could not be asked; everybody stays as they were');
        failing = true;
      }
    }
    if (!stopped) timer = clock.after(settings?.refreshMs ?? IDLE_MS, () => void round());
  };
  timer = clock.after(0, () => void round());
  return {
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}

function tell(done: Round, log: Log): void {
  const { entries, added, changed, disabled, enabled, skipped } = done;
  log.info(
    {
      event: 'directory.synced',
      entries,
      added: added.length,
      changed: changed.length,
      disabled: disabled.length,
      enabled: enabled.length,
      skipped: skipped.length,
    },
    'the people are as the directory has them',
  );
}

function differs(groups: Round['groups'], { policy }: Table): boolean {
  return [...groups].some(([name, members]) => {
    const before = policy.groups.get(name);
    return before === undefined || before.size !== members.length || members.some((member) => !before.has(member));
  });
}

export interface SignInGround {
  readonly home: () => Home;
  readonly store: PeopleTables;
  readonly clock: Clock;
  readonly log: Log;
  readonly secret: Uint8Array;
}

/** Who may sign in: by the passwords that are kept here, and where the home says so by the directory's. */
export function signInOf({ home, store, clock, log, secret }: SignInGround): SignIn {
  const lockOut = new LockOut(clock);
  const settings = (): DirectorySettings | undefined => {
    const { directory } = home().people;
    return directory?.signIn === 'ldap' ? directory : undefined;
  };
  const dnOf = async (user: string): Promise<string | undefined> =>
    settings() === undefined ? undefined : (await store.directory.get(user))?.dn;
  const { people } = store;
  const own = new PasswordSignIn({
    // The main password of somebody from the directory is the directory's; what is kept here is for single devices.
    people: {
      ...people,
      credentials: async (address) => {
        const kept = await people.credentials(address);
        return (await dnOf(address)) === undefined ? kept : kept.filter(({ device }) => device !== '');
      },
    },
    clock,
    log,
    secret,
    lockOut,
  });
  return new DirectorySignIn({
    own,
    lockOut,
    log,
    dnOf,
    fits: async (dn, password) => {
      const now = settings();
      return now !== undefined && fits(doorOf(home().dir, now), dn, password);
    },
  });
}
