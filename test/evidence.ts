// `npm run evidence`: runs what an auditor asks for and writes docs/evidence.md: every case by name with how it ended, the
// loss table of the last `npm run faults`, versions, date, and the command that repeats each part.

import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { run } from 'node:test';
import packageJson from '../package.json' with { type: 'json' };
import { PEER_PACKAGES } from './support/available.ts';

interface Part {
  readonly title: string;
  /** What it shows, for somebody who was not there. */
  readonly says: string;
  readonly files: readonly string[];
  readonly command: string;
}

interface Case {
  readonly suite: string;
  readonly title: string;
  readonly how: 'held' | 'FAILED' | 'not run here';
}

const FILE_LIMIT_MS = 5 * 60_000;

const hostile = (name: string): string[] => [`test/hostile/${name}.test.ts`];
const PARTS: readonly Part[] = [
  {
    title: 'Who is let in: the certificate matrix',
    says: 'Each identity connects as a client and is met as a server; `held` means that it was accepted or refused as it must be, with the right reason.',
    files: ['test/edge/certificate-matrix.test.ts'],
    command: 'npx node --test test/edge/certificate-matrix.test.ts',
  },
  {
    title: 'SIP torture messages',
    says: 'RFC 4475 and RFC 5118 over TLS and TCP at the running edge; after each the edge answers OPTIONS.',
    files: hostile('torture'),
    command: 'npx node --test test/hostile/torture.test.ts',
  },
  {
    title: 'SIP smuggling, false senders, stray responses',
    says: 'Two readings of one message must not exist.',
    files: hostile('sip-smuggling'),
    command: 'npx node --test test/hostile/sip-smuggling.test.ts',
  },
  {
    title: 'Hostile XML',
    says: 'Before TLS, inside TLS, and from a proven partner; memory is watched.',
    files: hostile('xml'),
    command: 'npx node --expose-gc --test test/hostile/xml.test.ts',
  },
  {
    title: 'Values that try to become structure',
    says: 'What one side says never becomes a header, an element or another address on the other.',
    files: [...hostile('injection'), ...hostile('crossing')],
    command: 'npx node --test test/hostile/injection.test.ts test/hostile/crossing.test.ts',
  },
  {
    title: 'Who asks whether a user exists learns nothing',
    says: 'The same bytes for permitted, unknown, blocked and refused.',
    files: hostile('enumeration'),
    command: 'npx node --test test/hostile/enumeration.test.ts',
  },
  {
    title: 'Nobody makes us connect where they like',
    says: 'Names, redirects and headers that lead to private or local addresses.',
    files: hostile('ssrf'),
    command: 'npx node --test test/hostile/ssrf.test.ts',
  },
  {
    title: 'Every bound on what a peer may hold',
    says: 'One partner cannot take every place there is.',
    files: hostile('places'),
    command: 'npx node --test test/hostile/places.test.ts',
  },
  {
    title: 'The fault zoo: broken partners, each with its right diagnosis',
    says: '`isthmus partner test` against partners that are broken in one way each, and against good ones.',
    files: globSync('test/zoo/*.peers.ts').sort(),
    command: 'npm test zoo',
  },
];

const sections: string[] = [];
let failures = 0;
for (const part of PARTS) {
  process.stdout.write(`${part.title} ...`);
  const cases = await play(part.files);
  const bad = cases.filter(({ how }) => how === 'FAILED').length;
  failures += bad;
  process.stdout.write(` ${cases.length} cases, ${bad} failed\n`);
  sections.push(section(part, cases));
}
writeFileSync('docs/evidence.md', [head(), ...sections, losses(), missing()].join('\n'));
process.stdout.write('docs/evidence.md is written.\n');
process.exitCode = failures === 0 ? 0 : 1;

async function play(files: readonly string[]): Promise<readonly Case[]> {
  const cases: Case[] = [];
  const suites: string[] = [];
  const events = run({ files: [...files], concurrency: 1, timeout: FILE_LIMIT_MS, execArgv: ['--expose-gc', '--test-force-exit'] });
  events.on('test:start', ({ name, nesting }) => void (suites[nesting] = name));
  const note = (
    test: { name: string; nesting: number; details: { type?: string | undefined }; skip?: string | boolean | undefined },
    held: boolean,
  ): void => {
    if (test.details.type === 'suite' || (test.nesting === 0 && files.some((file) => test.name.endsWith(file)))) return;
    const skipped = test.skip !== undefined && test.skip !== false;
    cases.push({
      suite: test.nesting === 0 ? '' : (suites[test.nesting - 1] ?? ''),
      title: test.name,
      how: skipped ? 'not run here' : held ? 'held' : 'FAILED',
    });
  };
  events.on('test:pass', (test) => note(test, true));
  events.on('test:fail', (test) => note(test, false));
  for await (const _ of events);
  return cases;
}

function head(): string {
  const at = new Date().toISOString().slice(0, 16).replace('T', ' ');
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const versions = [
    `Isthmus ${packageJson.version}, commit ${commit}`,
    `Node ${process.versions.node}, OpenSSL ${process.versions.openssl}, SQLite ${process.versions.sqlite ?? 'unknown'}`,
    `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}, ${process.platform}`,
    `libraries: ${Object.entries(packageJson.dependencies)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    `peers: ${PEER_PACKAGES.map(({ name }) => debianVersion(name)).join(', ')}`,
  ];
  return `# Evidence

Written by \`npm run evidence\` on ${at} UTC; nothing in it was typed by hand. It is for whoever must judge this edge without having been there: what was tried, how it ended, and the command that tries it again.

${versions.map((line) => `- ${line}`).join('\n')}
`;
}

function debianVersion(name: string): string {
  try {
    return `${name} ${execFileSync('dpkg-query', ['-W', '-f', `\${Version}`, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })}`;
  } catch {
    return `${name} (not installed)`;
  }
}

function section({ title, says, command }: Part, cases: readonly Case[]): string {
  const count = (how: Case['how']): number => cases.filter((one) => one.how === how).length;
  const skipped = count('not run here');
  const bySuite = Map.groupBy(cases, ({ suite }) => suite);
  const lists = [...bySuite].map(([suite, list]) => {
    const rows = list.map(({ title: name, how }) => `| ${cell(name)} | ${how} |`);
    return `${suite === '' ? '' : `\n**${cell(suite)}**\n`}\n| case | outcome |\n|---|---|\n${rows.join('\n')}\n`;
  });
  return `## ${title}

${says} **${cases.length} cases, ${count('held')} held, ${count('FAILED')} failed${skipped === 0 ? '' : `, ${skipped} not run here`}.** Again: \`${command}\`

<details><summary>every case</summary>
${lists.join('')}
</details>
`;
}

/** Text that stands in one cell of a Markdown table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll(/\s+/g, ' ');
}

/** The loss table of the last `npm run faults`, with its date. */
function losses(): string {
  const text = readFileSync('docs/faults.md', 'utf8');
  const when = /\d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC[^;]*/.exec(text)?.[0]?.replaceAll('\n', ' ') ?? 'an unknown date';
  const table = /^\| fault \|.*(?:\n\|.*)*/m.exec(text)?.[0] ?? 'There is no loss table yet.';
  return `## Nothing is lost: the loss table

From [faults.md](faults.md), which says what each column means and which goals were missed; played on ${when}. Again: \`npm run faults\`

${table}
`;
}

function missing(): string {
  return `## What this page does not show

- No outside body has audited Isthmus. Every case above was written by those who wrote what it tests.
- Fuzzing beyond the short run of \`npm test\`: \`npm run fuzz\`. Speed and memory: [bench.md](bench.md).
- A power cut cannot be played on one machine; kills, full disks, and broken write-ahead logs are in the loss table.
`;
}
