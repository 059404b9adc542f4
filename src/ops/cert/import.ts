// `isthmus cert import`: a certificate in whatever form it came, with its key or for the key that waits here. Judged, held
// against what partners have shown, and only then put in force.

import * as z from 'zod';
import { readHomeFiles } from '../../config/files.ts';
import { plainOf } from '../../config/yaml-plain.ts';
import type { Candidate, CertificateDesk } from '../../model/certificate-desk.ts';
import { utcDay } from '../../model/utc.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { atDesk, CONTENT, commonName, givenFiles, inJson, ourDomains, passportsOf, passwordIn } from './given.ts';
import { type Preview, preview } from './preview.ts';
import { previewText } from './preview-text.ts';

export const certImport = verb({
  words: 'cert import',
  summary: 'checks a certificate, shows which partners would refuse it, and puts it in force',
  positionals: ['[files...]'],
  options: {
    name: { type: 'string', value: 'PAIR', says: 'the folder in certs/own; default: the one it renews, else main' },
    'password-file': { type: 'string', value: 'FILE', says: 'its first line opens a .pfx or an encrypted key' },
    'dry-run': { type: 'boolean', says: 'only says what it would do' },
    force: { type: 'boolean', says: 'although it loses names of ours' },
  },
  details: [
    'FILES are PEM in any order, DER, PKCS#12 (.pfx, .p12) or PKCS#7 (.p7b): leaf, intermediates, root and key, in one file or several. Without a key',
    'the one that isthmus cert request made is found. The chain is sorted, the root left out. Refused with words: another key, an incomplete chain,',
    'a certificate that is expired, not yet valid, weak, or of an authority, and one that loses names of ours (--force allows that alone).',
    'The pair before lies in certs/own/PAIR/previous/. A running process takes the new one within a second; no connection ends.',
  ].join('\n'),
  example: 'isthmus cert import corp.pfx --password-file ./pfx-password --dry-run',
  input: z.object({
    files: z.array(z.string()).max(20, 'at most 20 files').default([]).describe('On the command line: the files.'),
    content: CONTENT,
    name: z.string().optional().describe('Folder in certs/own. Default: the one it renews, else main.'),
    passwordFile: z.string().optional().describe('On the command line: a file whose first line opens what is protected.'),
    password: z.string().optional().describe('Over the API: what opens a .pfx or an encrypted key.').meta({ secret: true }),
    dryRun: z.boolean().optional().describe('Only say what it would do.'),
    force: z.boolean().optional().describe('Although it loses names of ours.'),
  }),
  http: { method: 'POST', path: '/certificates/import' },
  role: 'admin',
  audited: true,
  where: 'here',
  run: (operations, input) =>
    atDesk(operations, 'cert import', async (desk): Promise<Report> => {
      const files = givenFiles(operations, input.files, input.content);
      const password = passwordIn(operations, input.passwordFile, input.password);
      const loaded = operations.load();
      const domains = ourDomains(loaded);
      const host = writtenHost(operations.dir);
      const candidate = await desk.examine(files, {
        ...(input.name !== undefined && { name: input.name }),
        ...(password !== undefined && { password }),
        domains: domains === undefined ? [] : [...new Set([...domains, ...(host === undefined ? [] : [host])])],
      });
      const forced = candidate.faults.filter((fault) => input.force === true && fault.code === 'names');
      const faults = candidate.faults.filter((fault) => !forced.includes(fault));
      const foreseen = await foresee(operations, desk, candidate, domains ?? []);
      const now = operations.clock.now();
      const put = faults.length === 0 && input.dryRun !== true;
      if (put) candidate.put(forced.length > 0);
      const notes = [
        ...forced.map((fault) => `${fault.text} (--force)`),
        ...candidate.warnings,
        ...(domains === undefined ? ['the home has faults (isthmus check), so that names were not judged'] : []),
      ];
      return {
        text: textOf(candidate, { faults, notes, foreseen, put, dryRun: input.dryRun === true, given: input.files }),
        json: {
          pair: candidate.name,
          inForce: put,
          faults,
          notes,
          chain: candidate.chain.map((one) => inJson(one, now)),
          replaces: candidate.replaces === undefined ? null : inJson(candidate.replaces, now),
          covers: candidate.covers,
          preview: {
            ...foreseen.preview,
            partners: foreseen.preview.partners.map((one) => ({
              ...one,
              ...(one.lastSeen !== undefined && { lastSeen: new Date(one.lastSeen).toISOString() }),
            })),
          },
        },
        exit: faults.length > 0 ? 1 : 0,
        ...(put && { changes: changeLine(candidate) }),
      };
    }),
});

interface Foresight {
  readonly preview: Preview;
  readonly noDatabase: boolean;
}

/** What partners would make of it. */
async function foresee(
  operations: Operations,
  desk: CertificateDesk,
  candidate: Candidate,
  domains: readonly string[],
): Promise<Foresight> {
  const loaded = operations.load();
  const passports = await passportsOf(operations);
  const now = operations.clock.now();
  const valid = desk
    .list(domains)
    .own.filter(({ faults, chain: [leaf] }) => faults.length === 0 && leaf !== undefined && leaf.notBefore <= now && now <= leaf.notAfter);
  const names = (covers: Candidate['covers'], domain: string, protocol: 'sip' | 'xmpp'): boolean =>
    covers.some((one) => one.domain === domain && one[protocol]);
  const lost = domains.flatMap((domain) =>
    (['sip', 'xmpp'] as const)
      .filter((protocol) => valid.some((one) => names(one.covers, domain, protocol)))
      .filter(
        (protocol) =>
          !names(candidate.covers, domain, protocol) &&
          !valid.some((one) => one.name !== candidate.name && names(one.covers, domain, protocol)),
      )
      .map((protocol) => ({ domain, protocol })),
  );
  return {
    noDatabase: passports === undefined,
    preview: preview({
      next: candidate.chain,
      ...(candidate.replaces && { current: candidate.replaces }),
      lost,
      partners: loaded.ok ? [...new Set(loaded.table.partners.values())] : [],
      passports: passports ?? [],
    }),
  };
}

interface Outcome {
  readonly faults: Candidate['faults'];
  readonly notes: readonly string[];
  readonly foreseen: Foresight;
  readonly put: boolean;
  readonly dryRun: boolean;
  readonly given: readonly string[];
}

/** From the leaf up to the root, whether the root was given or not. */
function chainWords({ chain }: Candidate): string {
  const top = chain.at(-1);
  const above = top === undefined || top.selfSigned ? [] : [top.issuer];
  return [...chain.map((one) => one.subject), ...above].map(commonName).join(' < ');
}

function textOf(candidate: Candidate, { faults, notes, foreseen, put, dryRun, given }: Outcome): string {
  const [leaf] = candidate.chain;
  const lines: string[] = [];
  if (leaf !== undefined) {
    const named = candidate.covers.filter((one) => one.sip || one.xmpp).map((one) => one.domain);
    lines.push(
      `certificate  ${leaf.names.join(', ') || commonName(leaf.subject)}; ${leaf.keyType}; ${utcDay(leaf.notBefore)} to ${utcDay(leaf.notAfter)}`,
      `chain        ${chainWords(candidate)}`,
      `made for     ${leaf.eku.join(', ') || 'any purpose'}`,
      `domains      ${named.join(', ') || 'none of ours'}`,
      `key          ${KEY_WORDS[candidate.keyFrom]}`,
      `replaces     ${candidate.replaces === undefined ? 'nothing that is valid' : `${candidate.replaces.fingerprint.slice(0, 16)}..., until ${utcDay(candidate.replaces.notAfter)}`} in certs/own/${candidate.name}`,
    );
  }
  lines.push(...notes.map((note) => `note         ${note}`), ...faults.map((fault) => `refused      ${fault.text}`));
  if (leaf !== undefined) lines.push('', previewText(foreseen.preview, foreseen.noDatabase));
  lines.push('', ending(candidate, { faults, put, dryRun, given }));
  return lines.join('\n');
}

const KEY_WORDS = {
  file: 'in the files that were given',
  staged: 'the one that isthmus cert request made here',
  inForce: 'the one in force: the key stays, the certificate is new',
} as const;

function ending(
  { name, faults: all, keyFrom, replaces }: Candidate,
  { faults, put, dryRun, given }: Pick<Outcome, 'faults' | 'put' | 'dryRun' | 'given'>,
): string {
  if (faults.length > 0) {
    const stays = replaces === undefined ? 'nothing was changed' : 'nothing was changed; what is in force stays';
    return faults.every((fault) => fault.code === 'names')
      ? `${stays}. --force puts it in force without these names, --name OTHER beside it`
      : stays;
  }
  if (!put)
    return dryRun
      ? `nothing was changed (--dry-run)${all.length > 0 ? '' : '; without it the certificate would be put in force'}`
      : 'nothing was changed';
  const own = `certs/own/${name}`;
  return [
    `in force: ${own}/. A running process takes it within a second; no connection ends.`,
    ...(replaces === undefined ? [] : [`back: isthmus cert import ${own}/previous/fullchain.pem ${own}/previous/key.pem --name ${name}`]),
    ...(keyFrom === 'file' && given.length > 0
      ? [`the private key is now in ${own}/key.pem (mode 0600); remove it from ${given.join(', ')}`]
      : []),
  ].join('\n');
}

function changeLine({ name, chain: [leaf], replaces }: Candidate): string {
  return `certs/own/${name}: ${replaces?.fingerprint ?? 'nothing'} -> ${leaf?.fingerprint ?? ''}`;
}

/** `edge.host` as it is written: partners compare it with our certificate, and a set without it does not load. */
function writtenHost(dir: string): string | undefined {
  try {
    const value = plainOf(readHomeFiles(dir).get('isthmus.yaml')?.text ?? '');
    const edge: unknown = typeof value === 'object' && value !== null && 'edge' in value ? value.edge : undefined;
    const host: unknown = typeof edge === 'object' && edge !== null && 'host' in edge ? edge.host : undefined;
    return typeof host === 'string' ? host.toLowerCase() : undefined;
  } catch {
    return undefined; // isthmus check tells what is wrong there
  }
}
