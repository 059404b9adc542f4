// isthmus init: a new home from the repository's own certs/ and routes/, which are the operators' documentation by
// example, and a .gitignore that keeps keys, secrets and var/ out of git.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseDomain, Wrong } from '../config/values.ts';
import { type Command, JSON_OPTION } from './command.ts';

const PACKAGE = resolve(import.meta.dirname, '../..');
const EXAMPLE_DOMAINS = { sip: 'corp.example', xmpp: 'chat.example', core: 'people.example' } as const;
type Served = keyof typeof EXAMPLE_DOMAINS;

const GITIGNORE = `# Keys, secrets and what the process makes stay out of git.
/var/
/secrets/*
!/secrets/.gitkeep
/certs/own/*/key.pem
/certs/own/*/next/
/certs/own/*/previous/
*.key
*.p12
*.pfx
`;

const EMPTY_FOLDERS = ['certs/own', 'certs/trust/edge', 'certs/trust/inside', 'certs/trust/partners', 'certs/revoked', 'secrets'];

export const init: Command = {
  words: 'init',
  summary: 'writes a new home, with comments in every file',
  positionals: ['DIR'],
  options: {
    domain: { type: 'string', value: 'DOMAIN', says: 'your domain, in place of the examples' },
    served: {
      type: 'string',
      value: 'sip|xmpp|core',
      says: 'who has its users: a SIP or an XMPP server inside, or Isthmus itself; default: sip',
    },
    json: JSON_OPTION,
  },
  details: 'DIR must be new or empty. The files are yours: edit them, keep them in git (keys, secrets and var/ are ignored).',
  example: 'isthmus init ./home --domain corp.example --served xmpp',
  async run({ values, positionals }, terminal) {
    const refuse = (sentence: string) => {
      terminal.err(`isthmus init: ${sentence}`);
      return 2 as const;
    };
    const dir = resolve(terminal.cwd, positionals[0]!);
    const served = values.served ?? 'sip';
    if (!isServed(served)) return refuse(`--served "${String(served)}"; right would be sip, xmpp or core`);
    const domain = typeof values.domain === 'string' ? parseDomain(values.domain) : undefined;
    if (domain instanceof Wrong) return refuse(`--domain "${String(values.domain)}"; right would be ${domain.right}`);
    try {
      if (readdirSync(dir).length > 0) return refuse(`${dir} is not empty; name a new folder`);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'ENOENT') return refuse(`${dir} cannot be used: ${String(code)}`);
    }
    const files = newHome(domain, served);
    try {
      for (const folder of EMPTY_FOLDERS) mkdirSync(join(dir, folder), { recursive: true, ...(folder === 'secrets' && { mode: 0o700 }) });
      for (const [path, text] of files) {
        mkdirSync(dirname(join(dir, path)), { recursive: true });
        writeFileSync(join(dir, path), text, { flag: 'wx' });
      }
    } catch (error) {
      return refuse(`cannot write to ${dir}: ${error instanceof Error ? error.message : String(error)}`);
    }
    const fromHere = relative(terminal.cwd, dir) || '.';
    const shown = fromHere.startsWith('..') ? dir : fromHere;
    if (values.json === true) terminal.out(JSON.stringify({ home: dir, files: [...files.keys()] }, null, 2));
    else terminal.out(nextSteps(shown, domain, served, [...files.keys()]));
    return 0;
  },
};

/** The files of a new home. @param domain replaces the example's; without it both examples stay */
export function newHome(domain: string | undefined, served: Served): Map<string, string> {
  const files = new Map<string, string>([['.gitignore', GITIGNORE]]);
  const adapt = (text: string) => (domain === undefined ? text : text.replaceAll(EXAMPLE_DOMAINS.sip, domain));
  const copy = (from: string, to: string) => files.set(to, adapt(readFileSync(join(PACKAGE, from), 'utf8')));
  copy('isthmus.example.yaml', 'isthmus.yaml');
  copy('isthmus.schema.json', 'isthmus.schema.json');
  for (const folder of ['routes', 'people', 'records', 'certs']) {
    for (const path of readdirSync(join(PACKAGE, folder), { recursive: true, encoding: 'utf8' }).sort()) {
      const name = `${folder}/${path.replaceAll('\\', '/')}`;
      if (/\.(yaml|yaml\.example|md|schema\.json)$/.test(name)) copy(name, name);
    }
  }
  if (domain !== undefined) {
    const text = readFileSync(join(PACKAGE, 'routes/domains.yaml'), 'utf8');
    files.set('routes/domains.yaml', onlyDomain(text, EXAMPLE_DOMAINS[served], domain));
    if (served === 'core') files.set('isthmus.yaml', facingClients(files.get('isthmus.yaml')!)); // copied above
  }
  for (const folder of EMPTY_FOLDERS) files.set(`${folder}/.gitkeep`, '');
  return files;
}

/** Keeps one example domain under its new name, and the others as comments. */
function onlyDomain(text: string, example: string, domain: string): string {
  let entry: string | undefined;
  return text
    .split('\n')
    .map((line) => {
      entry = /^ {2}([a-z][a-z0-9.-]*):\s*$/.exec(line)?.[1] ?? (/^\S/.test(line) ? undefined : entry);
      if (entry === undefined || line.trim() === '') return line;
      if (entry === example) return line.replaceAll(example, domain);
      return line.replace(/^ {2}/, '  # ');
    })
    .join('\n');
}

/** Opens doors to clients, and none to servers inside, of which a home with this one domain has none. */
function facingClients(text: string): string {
  let inside = false;
  return text
    .replace(/^# clients:/m, 'clients:')
    .split('\n')
    .map((line) => {
      if (/^\S/.test(line)) inside = line.startsWith('inside:');
      return inside && line !== '' ? `# ${line}` : line;
    })
    .join('\n');
}

function isServed(word: unknown): word is Served {
  return typeof word === 'string' && Object.hasOwn(EXAMPLE_DOMAINS, word);
}

const FIRST_STEP: Readonly<Record<Served, (dir: string) => string>> = {
  sip: (dir) => `${join(dir, 'routes/domains.yaml')}: nextHop and acceptFrom, your internal SIP servers`,
  xmpp: (dir) => `${join(dir, 'routes/domains.yaml')}: component, your internal XMPP server`,
  core: (dir) => `isthmus user add ADDRESS --generate --home ${dir}, or user import: the people`,
};

function nextSteps(dir: string, domain: string | undefined, served: Served, files: readonly string[]): string {
  const name = domain ?? EXAMPLE_DOMAINS[served];
  return [
    `wrote ${files.length} files into ${dir}`,
    '',
    'next',
    `  1. ${FIRST_STEP[served](dir)}`,
    `  2. ${join(dir, 'isthmus.yaml')}: host and addresses`,
    `  3. a certificate that names ${name}: isthmus cert request and isthmus cert import --home ${dir};`,
    `     or rename certs/acme.yaml.example to acme.yaml, and isthmus cert renew --home ${dir} gets it by ACME`,
    `  4. ${join(dir, 'routes/partners/')}: one file for each partner; the examples are switched off`,
    `  5. isthmus check --home ${dir}`,
    `  6. isthmus start --home ${dir}`,
  ].join('\n');
}
