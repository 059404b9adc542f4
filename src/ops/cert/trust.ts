// `isthmus cert trust`: an authority that is to be believed, on one side only: a root for everyone must never come from a
// typing error. The file lands in certs/trust/ and counts at once.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { editHome, type FileChanges, planEdit, type Refused } from '../../config/edit.ts';
import { showFinding } from '../../config/finding.ts';
import { nearest } from '../../config/spelling.ts';
import { parseDomain, Wrong } from '../../config/values.ts';
import { type CertificateDesk, type CertificateFacts, DeskError } from '../../model/certificate-desk.ts';
import { daysLeft } from '../../model/expiry.ts';
import type { Passport } from '../../model/passport.ts';
import { utcDay } from '../../model/utc.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { atDesk, CONTENT, commonName, givenFiles, inJson, passportsOf, readableDiff } from './given.ts';

export const certTrust = verb({
  words: 'cert trust',
  summary: 'trusts an authority on one side, or for one partner alone',
  positionals: ['[file]'],
  options: {
    side: { type: 'string', value: 'edge|inside', says: "edge: the internet, besides the system's roots; inside: our own servers" },
    partner: { type: 'string', value: 'DOMAIN', says: 'for this partner alone, in place of all other roots' },
    force: { type: 'boolean', says: 'although the partner, as last seen, would be refused from then on' },
    'dry-run': { type: 'boolean', says: 'only says what it would do' },
  },
  details:
    'FILE is PEM, DER or PKCS#7. It counts at once: a running process judges every connection anew. isthmus cert list shows what is trusted.',
  example: 'isthmus cert trust partner-ca.pem --partner fabrikam.example',
  input: z.object({
    file: z.string().optional().describe('On the command line: the file.'),
    content: CONTENT,
    side: z
      .enum(['edge', 'inside'], { error: () => 'right would be edge or inside' })
      .optional()
      .describe('edge: the internet; inside: our own servers.'),
    partner: z.string().optional().describe('A partner: these roots count for it alone and replace all others.'),
    force: z.boolean().optional().describe('Although the partner would be refused from then on.'),
    dryRun: z.boolean().optional().describe('Only say what it would do.'),
  }),
  http: { method: 'POST', path: '/certificates/trust' },
  role: 'admin',
  audited: true,
  where: 'here',
  run: (operations, input) =>
    atDesk(operations, 'cert trust', async (desk): Promise<Report> => {
      if ((input.side === undefined) === (input.partner === undefined))
        throw new DeskError('one of --side edge, --side inside and --partner DOMAIN is needed: whom the authority may vouch for');
      const [file] = givenFiles(operations, input.file === undefined ? [] : [input.file], input.content);
      const found = await desk.certificates(file!); // givenFiles returns one at least, or throws
      const partner = input.partner === undefined ? undefined : partnerDomain(operations, input.partner);
      const folder = partner === undefined ? `certs/trust/${input.side}` : `certs/trust/partners/${partner}`;
      return trust(operations, desk, { found, folder, partner, force: input.force === true, dryRun: input.dryRun === true });
    }),
});

interface Wish {
  readonly found: readonly (CertificateFacts & { readonly pem: string })[];
  readonly folder: string;
  readonly partner: string | undefined;
  readonly force: boolean;
  readonly dryRun: boolean;
}

async function trust(operations: Operations, desk: CertificateDesk, { found, folder, partner, force, dryRun }: Wish): Promise<Report> {
  const now = operations.clock.now();
  const ended = found.filter((one) => one.notAfter < now);
  if (ended.length > 0)
    throw new DeskError(
      `${ended.map((one) => commonName(one.subject)).join(', ')} expired on ${utcDay(ended[0]!.notAfter)}; ask its owner for the one that follows`,
    );
  const there = desk.list([]).authorities.filter((one) => one.file.startsWith(`${folder}/`));
  const known = there.flatMap((one) => one.certificates.map((each) => each.fingerprint));
  const fresh = found.filter((one) => !known.includes(one.fingerprint));
  if (fresh.length === 0)
    return { text: `${folder} holds ${found.map((one) => commonName(one.subject)).join(', ')} already`, json: { changed: false }, exit: 0 };

  const notes = fresh.flatMap((one) => notesOf(one, now));
  const problems: string[] = [];
  if (partner !== undefined && known.length === 0) {
    const shown = (await passportsOf(operations))?.filter((passport) => passport.domain === partner) ?? [];
    notes.push(`from now on only these roots count for ${partner}; the system's and certs/trust/edge no longer do`);
    if (shown.length === 0) notes.push(`${partner} has not been seen yet, so that nothing tells whether they are the right ones`);
    for (const passport of shown.filter((one) => !leadsTo(one, found))) {
      const top = passport.chain.at(-1);
      problems.push(
        `${partner}, as last seen on ${utcDay(passport.lastSeen)} (${passport.protocol} ${passport.direction}), shows a certificate of "${commonName(top?.issuer ?? '')}", which would be refused`,
      );
    }
  }
  const path = freePath(operations.dir, folder, fresh[0]!);
  const change: FileChanges = { [path]: fresh.map((one) => `# ${one.subject}, SHA-256 ${one.fingerprint}\n${one.pem}`).join('') };
  const stops = problems.length > 0 && !force;
  const edit = (stops || dryRun ? planEdit : editHome)(operations.dir, change, { judge: operations.judge });
  if ('refused' in edit) throw new DeskError(refusal(edit));
  const diff = readableDiff(edit.diff);
  const lines = [
    ...fresh.map((one) => `${commonName(one.subject)}: ${one.keyType}, until ${utcDay(one.notAfter)}, SHA-256 ${one.fingerprint}`),
    ...notes.map((note) => `note: ${note}`),
    ...problems.map((problem) => `${force ? 'note' : 'refused'}: ${problem}`),
    '',
    diff,
    '',
    stops
      ? 'nothing was changed; --force does it all the same'
      : dryRun
        ? 'nothing was changed (--dry-run)'
        : `in force at once. Back: ${partner !== undefined && known.length === 0 ? `rm -r ${join(operations.dir, folder)}` : `rm ${join(operations.dir, path)}`}`,
  ];
  const changed = !stops && !dryRun;
  return {
    text: lines.join('\n'),
    json: { changed, file: path, certificates: fresh.map(({ pem: _, ...facts }) => inJson(facts, now)), notes, problems, diff },
    exit: stops ? 1 : 0,
    ...(changed && { changes: diff }),
  };
}

function notesOf(one: CertificateFacts, now: number): string[] {
  const name = commonName(one.subject);
  return [
    ...(one.isAuthority ? [] : [`${name} is no authority: exactly this certificate is trusted, and nothing below it`]),
    ...(one.isAuthority && !one.selfSigned
      ? [`${name} is an authority below "${commonName(one.issuer)}": what that one issued elsewhere is not trusted`]
      : []),
    ...(daysLeft(one.notAfter, now) < 30 ? [`${name} ends on ${utcDay(one.notAfter)}`] : []),
  ];
}

/** As far as the names say: the signatures are judged at the handshake. */
function leadsTo(passport: Passport, roots: readonly CertificateFacts[]): boolean {
  return passport.chain.some((shown) => roots.some((root) => root.fingerprint === shown.fingerprint || root.subject === shown.issuer));
}

/** A partner's domain, as the files have it. @throws DeskError */
export function partnerDomain(operations: Operations, text: string): string {
  const domain = parseDomain(text);
  if (domain instanceof Wrong) throw new DeskError(`"${text.slice(0, 100)}"; right would be ${domain.right}`);
  const loaded = operations.load();
  if (!loaded.ok) throw new DeskError('the home has faults, so that its partners are not known; isthmus check shows them');
  if (loaded.table.partners.has(domain)) return domain;
  const meant = nearest(domain, loaded.table.partners.keys());
  const did = meant === undefined ? '' : ` Did you mean "${meant}"?`;
  throw new DeskError(`there is no partner with the domain ${domain} in routes/partners/.${did}`);
}

/** What an edit would break, in words. */
export function refusal({ refused, faults }: Refused): string {
  return [refused, ...faults.map((fault) => `  ${showFinding(fault)}`)].join('\n');
}

function freePath(dir: string, folder: string, one: CertificateFacts): string {
  const plain = commonName(one.subject)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60);
  const base = plain === '' ? one.fingerprint.slice(0, 16) : plain;
  const free = ['', `-${one.fingerprint.slice(0, 8)}`]
    .map((more) => `${folder}/${base}${more}.pem`)
    .find((path) => !existsSync(join(dir, path)));
  return free ?? `${folder}/${one.fingerprint}.pem`;
}
