// The files of a home that nobody would read because their name is not quite right. A rule that is silently ignored is
// the worst of faults, so a stray file in routes/ is one, and so is a folder that cannot be read.

import { type HomeFiles, WHOLE_FOLDER } from './files.ts';
import { type Findings, wholeFile } from './finding.ts';
import { nearest } from './spelling.ts';

const ROUTES_FILES = ['domains.yaml', 'policy.yaml', 'filters.yaml'] as const;
const ROUTES_FOLDERS = ['partners', 'providers', 'networks'] as const;
const RECORDS_FILES = ['archive.yaml'] as const;
const PEOPLE_FILES = ['directory.yaml', 'states.yaml', 'access.yaml', 'presence.yaml', 'calendars.yaml'] as const;
const CERTS_FOLDERS = ['own', 'trust', 'revoked'] as const;

/** Tells every file whose name or place is not quite right, with the name that may be meant. */
export function checkLayout(files: HomeFiles, findings: Findings): void {
  const told = new Set<string>();
  const tell = (path: string, what: string, found: string, right: string, meant: string | undefined) => {
    if (told.has(what)) return;
    told.add(what);
    findings.fault('CONFIG_FILE', wholeFile(path), found, right, meant);
  };
  for (const path of files.keys()) {
    const steps = path.split('/');
    const name = steps.at(-1)!;
    if (isForPeople(name)) continue;
    if (steps.length === 1) {
      const meant = nearest(name, ['isthmus.yaml']);
      if (name !== 'isthmus.yaml' && (meant !== undefined || /^isthmus\.ya?ml$/.test(name))) {
        tell(path, path, `nobody reads ${name}`, 'isthmus.yaml', 'isthmus.yaml');
      }
    } else if (steps[0] === 'routes' && steps.length === 2) {
      if (ROUTES_FILES.some((known) => known === name) || name.endsWith('.csv')) continue;
      tell(
        path,
        path,
        `nobody reads ${name} in routes/`,
        `${ROUTES_FILES.join(', ')}, groups as .csv, and the folders ${ROUTES_FOLDERS.join(', ')}`,
        nearest(name, ROUTES_FILES),
      );
    } else if (steps[0] === 'routes') {
      const folder = steps[1]!;
      if (!ROUTES_FOLDERS.some((known) => known === folder)) {
        tell(
          path,
          `routes/${folder}`,
          `the folder routes/${folder} means nothing`,
          `one of ${ROUTES_FOLDERS.join(', ')}`,
          nearest(folder, ROUTES_FOLDERS),
        );
      } else if (steps.length > 3 || !name.endsWith('.yaml')) {
        const meant = name.endsWith('.yml') ? name.replace(/\.yml$/, '.yaml') : undefined;
        tell(path, path, `nobody reads ${name} here`, `routes/${folder}/<name>.yaml`, meant);
      }
    } else if (steps[0] === 'people' && (steps.length > 2 || !PEOPLE_FILES.some((known) => known === name))) {
      tell(path, path, `nobody reads ${steps.slice(1).join('/')} in people/`, PEOPLE_FILES.join(', '), nearest(name, PEOPLE_FILES));
    } else if (steps[0] === 'records' && (steps.length > 2 || !RECORDS_FILES.some((known) => known === name))) {
      tell(path, path, `nobody reads ${steps.slice(1).join('/')} in records/`, RECORDS_FILES.join(', '), nearest(name, RECORDS_FILES));
    } else if (steps[0] === 'certs' && steps.length > 2 && !CERTS_FOLDERS.some((known) => known === steps[1])) {
      tell(
        path,
        `certs/${steps[1]}`,
        `the folder certs/${steps[1]} means nothing`,
        `one of ${CERTS_FOLDERS.join(', ')}`,
        nearest(steps[1]!, CERTS_FOLDERS),
      );
    } else if (steps[0] === 'certs' && steps.length === 2 && name !== 'acme.yaml') {
      tell(path, path, `nobody reads ${name} directly in certs/`, 'own/<name>/, trust/<side>/ or revoked/', nearest(name, ['acme.yaml']));
    }
  }
}

/** Taken for empty, an unreadable folder would cut off every partner, or forget every block. */
export function checkFolders(files: HomeFiles, findings: Findings): void {
  for (const [path, { unreadable }] of files) {
    if (unreadable === undefined || !path.endsWith(WHOLE_FOLDER) || path.startsWith('secrets/')) continue;
    const folder = path.slice(0, -WHOLE_FOLDER.length);
    findings.fault(
      'CONFIG_FILE',
      wholeFile(folder),
      `the folder cannot be read: ${unreadable}`,
      'readable by whoever checks and whoever runs it',
    );
  }
}

/** README, JSON Schemas, .gitignore and editors' droppings. */
function isForPeople(name: string): boolean {
  return name.startsWith('.') || name.endsWith('.md') || name.endsWith('.schema.json') || name.endsWith('~') || name.endsWith('.example');
}
