// `isthmus restore`: a backup becomes a home again, or is only looked at. It never writes over a home that runs, and with
// --force it moves what is there aside; nothing is deleted. The home is marked: its first start must say that it takes over.

import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { placesOf } from '../../config/places.ts';
import type { Judge } from '../../config/policy-tests.ts';
import type { Actor, AuditLog } from '../../model/audit.ts';
import type { Snapshots } from '../../model/snapshot.ts';
import { type Call, type Command, type ExitCode, JSON_OPTION, type Terminal } from '../command.ts';
import { findHome } from '../home-search.ts';
import { sizeText } from './backup.ts';
import { extract } from './extract.ts';
import { generationOf, writeGeneration } from './generation.ts';
import { judgeBackup, type Verdict } from './judge.ts';
import { DATA_FOLDER, HOME_FOLDER, type Manifest } from './manifest.ts';
import { giveTo, moveAside, place, userOf } from './place.ts';

export interface RestoreParts {
  readonly snapshots: Snapshots;
  readonly judge: Judge;
  readonly actor: (terminal: Terminal) => Actor;
  openAudit(data: string): AuditLog;
  /** Wall ms. */
  now(): number;
}

export function restoreCommand(parts: RestoreParts): Command {
  return {
    words: 'restore',
    summary: 'looks into a backup, or makes a home of it',
    positionals: ['FILE'],
    options: {
      verify: { type: 'boolean', says: 'only look: every hash, the databases from end to end, the files as a start would load them' },
      into: { type: 'string', value: 'DIR', says: 'the home to make; default: the home that is found here' },
      force: { type: 'boolean', says: 'the folder is not empty: move what is there aside, and restore' },
      why: { type: 'string', value: 'TEXT', says: 'the reason, for the audit log' },
      json: JSON_OPTION,
    },
    details: [
      'FILE is what isthmus backup wrote; "-" reads standard input. A home that runs is refused: isthmus drain ends it. The folder of',
      'data: goes where the restored isthmus.yaml says. What came after the backup is gone; messages that were sent after it may be',
      'sent again, with the same identifiers. The restored home starts with isthmus start --takeover, once it is certain that the one',
      'before is stopped. Exit 1: the backup cannot be used.',
    ].join('\n'),
    example: 'isthmus restore isthmus.tar.gz --into /etc/isthmus --why "disk of edge1 failed"',
    run: (call, terminal) => run(parts, call, terminal),
  };
}

/** What is said, and how it ends. */
interface Said {
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
  readonly exit: ExitCode;
}

async function run(parts: RestoreParts, { values, positionals }: Call, terminal: Terminal): Promise<ExitCode> {
  const stop = new AbortController();
  const interrupted = (): void => stop.abort();
  process.once('SIGINT', interrupted);
  try {
    const file = positionals[0] === '-' ? '-' : resolve(terminal.cwd, positionals[0] ?? '');
    const into = typeof values.into === 'string' ? resolve(terminal.cwd, values.into) : undefined;
    const said =
      values.verify === true
        ? await verify(parts, file, stop.signal)
        : await restore(
            parts,
            file,
            into,
            values.force === true,
            typeof values.why === 'string' ? values.why : undefined,
            terminal,
            stop.signal,
          );
    if (values.json === true) terminal.out(JSON.stringify(said.json, null, 2));
    else (said.exit === 2 ? terminal.err : terminal.out)(said.text);
    return said.exit;
  } catch (error) {
    if (stop.signal.aborted) {
      terminal.err('isthmus restore: stopped; nothing was changed');
      return 1;
    }
    // What the file system refuses is the operator's to see to; anything else is a defect and shows itself whole.
    if (!(error instanceof Error && 'code' in error)) throw error;
    terminal.err(`isthmus restore: ${error.message}\n  what was there before, if it was moved, stands beside it as *.before-*`);
    return 2;
  } finally {
    process.removeListener('SIGINT', interrupted);
  }
}

async function verify(parts: RestoreParts, file: string, signal: AbortSignal): Promise<Said> {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-verify-'));
  try {
    return (await unpack(parts, file, folder, signal)).said;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Unpacked {
  readonly said: Said;
  /** Present when it can be used. */
  readonly manifest?: Manifest;
}

async function unpack(parts: RestoreParts, file: string, folder: string, signal: AbortSignal): Promise<Unpacked> {
  const found = await extract(file, folder, signal);
  if (!found.ok) {
    return { said: { text: `${nameOf(file)} cannot be used: ${found.why}.`, json: { usable: false, faults: [found.why] }, exit: 1 } };
  }
  const { manifest, bytes } = found;
  const verdict = await judgeBackup(folder, manifest, parts.snapshots, parts.judge, parts.now());
  const said = saidOf(file, manifest, bytes, verdict);
  return verdict.faults.length === 0 ? { said, manifest } : { said };
}

const nameOf = (file: string): string => (file === '-' ? 'what came on standard input' : file);

function saidOf(file: string, manifest: Manifest, bytes: number, { faults, remarks, inspection }: Verdict): Said {
  const { takenAt, host, version, generation, files } = manifest;
  const { rows, waiting, audit } = inspection;
  const usable = faults.length === 0;
  const counts = Object.entries(rows).map(([table, count]) => `${table} ${count}`);
  const text = [
    usable ? `${nameOf(file)} is whole and can be used.` : `${nameOf(file)} cannot be used:`,
    ...faults.map((fault) => `  ${fault}`),
    `made by Isthmus ${version} on ${host}, as of ${takenAt}, generation ${generation}`,
    `${files.length} files, ${sizeText(bytes)}, every SHA-256 is right`,
    `rows: ${counts.length === 0 ? 'none' : counts.join(', ')}; ${waiting} ${waiting === 1 ? 'message waits' : 'messages wait'}; ${audit.lines} ${audit.lines === 1 ? 'line' : 'lines'} of audit log`,
    ...remarks,
  ].join('\n');
  const json = {
    usable,
    faults,
    remarks,
    takenAt,
    host,
    version,
    generation,
    files: files.length,
    bytes,
    rows,
    waiting,
    auditLines: audit.lines,
  };
  return { text, json, exit: usable ? 0 : 1 };
}

async function restore(
  parts: RestoreParts,
  file: string,
  into: string | undefined,
  force: boolean,
  why: string | undefined,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Said> {
  const found = into === undefined ? findHome(undefined, terminal) : { dir: into };
  if ('looked' in found) return usage('no home is here; name the folder to make: --into DIR');
  const { dir } = found;
  const busy = blocked(parts, dir, force);
  if (busy !== undefined) return usage(busy);
  mkdirSync(dirname(dir), { recursive: true });
  removeLeftovers(dirname(dir), `.${basename(dir)}-restoring-`, parts.now());
  const staging = mkdtempSync(join(dirname(dir), `.${basename(dir)}-restoring-`));
  try {
    const { said, manifest } = await unpack(parts, file, staging, signal);
    if (manifest === undefined) return said;
    const home = join(staging, HOME_FOLDER);
    // Relative places of the restored isthmus.yaml are seen from where the home will stand.
    const placed = placesOf(home).data;
    const inside = !relative(home, placed).startsWith('..');
    const data = inside ? join(dir, relative(home, placed)) : placed;
    const dataBusy =
      blocked(parts, data, force) ??
      (parts.snapshots.held(data) ? `a process runs with the data folder ${data}: stop it first` : undefined);
    if (dataBusy !== undefined) return usage(dataBusy);
    const before = existsSync(data) ? generationOf(data) : undefined;
    const stamp = new Date(parts.now()).toISOString().replaceAll(/[:.]/g, '-');
    const user = userOf(data) ?? userOf(dir);
    const homeAside = moveAside(dir, stamp);
    const dataAside = inside ? undefined : moveAside(data, stamp);
    const aside = [homeAside, dataAside].filter((path) => path !== undefined);
    const oldData = inside && homeAside !== undefined ? join(homeAside, relative(dir, data)) : dataAside;
    await place(home, dir);
    await place(join(staging, DATA_FOLDER), data);
    const kept = await keepAudit(parts, oldData, data, manifest);
    const at = new Date(parts.now()).toISOString();
    const generation = Math.max(manifest.generation, before?.generation ?? 1);
    writeGeneration(data, { generation, host: hostname(), at, restored: { from: manifest.host, takenAt: manifest.takenAt } });
    await note(parts, data, terminal, { file, takenAt: manifest.takenAt, from: manifest.host }, why);
    if (user !== undefined) for (const folder of [dir, data]) giveTo(folder, user);
    const root = process.getuid?.() === 0 && user === undefined;
    const text = [
      said.text,
      '',
      `restored into ${dir}${inside ? '' : ` and ${data}`}`,
      ...aside.map((path) => `what was there before is ${path}`),
      ...(kept ? ['the audit log of the home before was kept: it holds what was done since'] : []),
      ...(root ? [`the files belong to root: chown -R USER ${dir}${inside ? '' : ` ${data}`} when another user runs it`] : []),
      'next, once it is certain that the one before is stopped and stays stopped:',
      `  isthmus start --takeover --home ${dir}`,
    ].join('\n');
    return { text, json: { ...said.json, restored: dir, data, aside, auditKept: kept }, exit: 0 };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** A restore takes minutes at most. */
const LEFTOVER_MS = 24 * 3_600_000;

/** What a restore that was killed has left: keys may be in it. One that is still at work is younger. */
function removeLeftovers(folder: string, prefix: string, now: number): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (name.startsWith(prefix) && now - (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now) > LEFTOVER_MS)
      rmSync(path, { recursive: true, force: true });
  }
}

/** @returns why nothing may be written there */
function blocked(parts: RestoreParts, dir: string, force: boolean): string | undefined {
  if (!existsSync(dir)) return undefined;
  const { data } = placesOf(dir);
  if (parts.snapshots.held(data) || parts.snapshots.held(dir)) return `a process runs with ${dir}: isthmus drain ends it`;
  return readdirSync(dir).length > 0 && !force ? `${dir} is not empty; --force moves what is there aside` : undefined;
}

/** A restored database does not take back what was done since: the longer chain stays. @returns true when the old one was kept */
async function keepAudit(parts: RestoreParts, oldData: string | undefined, data: string, { auditLast }: Manifest): Promise<boolean> {
  if (oldData === undefined || auditLast === undefined || !(await parts.snapshots.continuesAudit(oldData, auditLast))) return false;
  for (const tail of ['', '-wal', '-shm']) {
    rmSync(join(data, `audit.db${tail}`), { force: true });
    if (existsSync(join(oldData, `audit.db${tail}`))) await cp(join(oldData, `audit.db${tail}`), join(data, `audit.db${tail}`));
  }
  return true;
}

async function note(parts: RestoreParts, data: string, terminal: Terminal, input: object, why: string | undefined): Promise<void> {
  const audit = parts.openAudit(data);
  try {
    const entry = { at: parts.now(), actor: parts.actor(terminal), act: 'restore', input: JSON.stringify(input), exit: 0 };
    await audit.append({ ...entry, ...(why !== undefined && { why }) });
  } finally {
    audit.close();
  }
}

function usage(text: string): Said {
  return { text: `isthmus restore: ${text}`, json: { error: 'usage', text }, exit: 2 };
}
