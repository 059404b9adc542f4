// isthmus check: every fault of a home at once, each with file:line:column. Reads files only, no network.

import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { readHomeFiles } from '../config/files.ts';
import { type Finding, showFinding } from '../config/finding.ts';
import { type Loaded, loadHome } from '../config/load.ts';
import type { Judge } from '../config/policy-tests.ts';
import { nearest } from '../config/spelling.ts';
import { type Command, type ExitCode, HOME_OPTION, JSON_OPTION, type Terminal } from './command.ts';
import { findHome, noHome } from './home-search.ts';

/** @param judge what policy decides, for the `tests:` in routes/policy.yaml */
export function checkCommand(judge: Judge): Command {
  return {
    words: 'check',
    summary: 'reads the home and reports every fault at once',
    positionals: ['[FILE]'],
    options: { home: HOME_OPTION, strict: { type: 'boolean', says: 'warnings count: exit 1 when there are any' }, json: JSON_OPTION },
    details: [
      'Reads isthmus.yaml, routes/, certs/ and secrets/ and runs the tests: of routes/policy.yaml. Nothing is asked of the network.',
      'With FILE only what stands in that file is shown; the whole set is read all the same.',
      'A fault (exit 2) keeps the set from taking effect. Warnings and what is "not yet" in force do not (exit 0; with --strict a warning exits 1).',
    ].join('\n'),
    example: 'isthmus check --home ./home routes/partners/partner.example.yaml',
    async run({ values, positionals: [written] }, terminal) {
      // `isthmus check ./home` means the home itself.
      const isHome = values.home === undefined && written !== undefined && existsSync(join(resolve(terminal.cwd, written), 'isthmus.yaml'));
      const file = isHome ? undefined : written;
      const above = file === undefined ? written : homeAbove(resolve(terminal.cwd, file));
      const named = typeof values.home === 'string' ? values.home : above;
      const found = findHome(named, terminal);
      if ('looked' in found) {
        terminal.err(noHome(found.looked, 'check'));
        return 2;
      }
      const only = file === undefined ? undefined : inside(found.dir, file, terminal);
      if (only !== undefined && !only.known) {
        terminal.err(
          `isthmus check: ${only.path} is not a file of the home ${found.dir}.${only.meant === undefined ? '' : ` Did you mean "${only.meant}"?`}`,
        );
        return 2;
      }
      const loaded = loadHome(found.dir, { judge });
      return report(found.dir, loaded, only?.path, values.json === true, values.strict === true, terminal);
    },
  };
}

/** The home that a file is in, when it stands where a home's files stand. */
function homeAbove(file: string): string | undefined {
  for (let dir = dirname(file); dir !== dirname(dir); dir = dirname(dir)) if (existsSync(join(dir, 'isthmus.yaml'))) return dir;
  return undefined;
}

/** FILE may be written from here or from the home. */
function inside(dir: string, file: string, terminal: Terminal): { path: string; known: boolean; meant?: string } {
  const known = [...readHomeFiles(dir).keys()];
  const fromHere = relative(dir, resolve(terminal.cwd, file)).split(sep).join('/');
  const path = known.includes(fromHere) ? fromHere : file.split(sep).join('/');
  const meant = nearest(path, known);
  return { path, known: known.includes(path), ...(meant !== undefined && { meant }) };
}

function report(dir: string, loaded: Loaded, only: string | undefined, json: boolean, strict: boolean, terminal: Terminal): ExitCode {
  const findings = [...loaded.faults, ...loaded.notices].filter((finding) => only === undefined || finding.file === only);
  const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length;
  const faults = count('fault');
  if (json) {
    terminal.out(
      JSON.stringify({ home: dir, ok: faults === 0, faults, warnings: count('warning'), notYet: count('notYet'), findings }, null, 2),
    );
  } else {
    for (const finding of findings) terminal.out(showFinding(finding));
    const words = [plural(faults, 'fault'), plural(count('warning'), 'warning'), `${count('notYet')} not yet`].join(', ');
    terminal.out(faults === 0 ? `${only ?? dir}: good (${words})` : `${only ?? dir}: ${words}. Nothing of this set takes effect`);
    if (loaded.ok && only === undefined) terminal.out(summary(loaded));
  }
  if (faults > 0) return 2;
  return strict && count('warning') > 0 ? 1 : 0;
}

function summary({ table }: Extract<Loaded, { ok: true }>): string {
  const domains = [...new Set(table.domains.values())].map(
    (own) => `${own.domain} (${own.served}${own.otherwise === undefined ? '' : `, otherwise ${own.otherwise.served}`})`,
  );
  const partners = [...new Set(table.partners.values())];
  const off = partners.filter((partner) => !partner.enabled).length;
  const listed = `${plural(partners.length - off, 'partner')}${off === 0 ? '' : ` (${off} switched off)`}`;
  return `${plural(domains.length, 'domain')} of ours: ${domains.join(', ')}; ${listed}; federation ${table.policy.federation}`;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
