// `isthmus cert revoke`: a certificate that is refused whatever its chain says, or an authority's revocation list. Both count
// at once, also for connections that are open: every proof is judged anew.

import { basename } from 'node:path';
import * as z from 'zod';
import { editHome, type FileChanges, planEdit } from '../../config/edit.ts';
import { parseFingerprint, type Wrong } from '../../config/values.ts';
import { type CertificateDesk, DeskError, type GivenFile } from '../../model/certificate-desk.ts';
import { utcDay } from '../../model/utc.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { atDesk, CONTENT, commonName, givenFiles, listInJson, passportsOf, plural, readableDiff } from './given.ts';
import { refusal } from './trust.ts';

const REFUSED = 'certs/revoked/refused.yaml';

export const certRevoke = verb({
  words: 'cert revoke',
  summary: "refuses a peer's certificate from now on, or takes an authority's revocation list",
  positionals: ['[what]'],
  options: {
    reason: { type: 'string', value: 'TEXT', says: 'shown to whoever asks why; needed for a certificate' },
    'dry-run': { type: 'boolean', says: 'only says what it would do' },
  },
  details: [
    "WHAT is a SHA-256 fingerprint, a certificate's file, or a revocation list (CRL, PEM or DER). A certificate goes into certs/revoked/refused.yaml,",
    'a list into certs/revoked/NAME.crl.pem. Our own certificate is revoked by its authority, not here.',
  ].join('\n'),
  example: 'isthmus cert revoke 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 --reason "key stolen, told by phone"',
  input: z.object({
    what: z.string().optional().describe('A SHA-256 fingerprint; on the command line also a file.'),
    content: CONTENT,
    reason: z.string().max(500, 'at most 500 characters').optional().describe('Shown to whoever asks why.'),
    dryRun: z.boolean().optional().describe('Only say what it would do.'),
  }),
  http: { method: 'POST', path: '/certificates/revoke' },
  role: 'operator',
  audited: true,
  where: 'here',
  run: (operations, input) =>
    atDesk(operations, 'cert revoke', async (desk): Promise<Report> => {
      const dryRun = input.dryRun === true;
      const typed = input.what === undefined ? undefined : parseFingerprint(input.what);
      if (typeof typed === 'string')
        return refuse(operations, desk, { fingerprint: typed, subject: undefined, reason: input.reason, dryRun });
      if (input.what === undefined && (input.content ?? []).length === 0)
        throw new DeskError("WHAT is needed: a SHA-256 fingerprint, a certificate's file, or a revocation list");
      const [file] = givenFiles(operations, input.what === undefined ? [] : [readable(input.what, typed)], input.content);
      const given = file!; // givenFiles returns one at least, or throws
      const lists = await desk.revocationLists(given).catch((error: unknown) => {
        if (error instanceof DeskError) return undefined;
        throw error;
      });
      if (lists !== undefined) return takeList(operations, desk, given, lists, dryRun);
      const found = await desk.certificates(given);
      const [one] = found.length === 1 ? found : found.filter((each) => !each.isAuthority);
      if (one === undefined || (found.length > 1 && found.filter((each) => !each.isAuthority).length > 1)) {
        throw new DeskError(
          `${given.label} holds ${plural(found.length, 'certificate')}; give the fingerprint of the one that is meant: ${found.map((each) => `${commonName(each.subject)} ${each.fingerprint}`).join(', ')}`,
        );
      }
      return refuse(operations, desk, { fingerprint: one.fingerprint, subject: commonName(one.subject), reason: input.reason, dryRun });
    }),
});

/** 64 odd letters are no file name. */
function readable(what: string, wrong: Wrong | undefined): string {
  if (/^[0-9a-f:]{40,}$/i.test(what)) throw new DeskError(`"${what.slice(0, 100)}"; right would be ${wrong?.right ?? 'a fingerprint'}`);
  return what;
}

interface Refuse {
  readonly fingerprint: string;
  readonly subject: string | undefined;
  readonly reason: string | undefined;
  readonly dryRun: boolean;
}

async function refuse(operations: Operations, desk: CertificateDesk, { fingerprint, subject, reason, dryRun }: Refuse): Promise<Report> {
  if (reason === undefined || reason.trim() === '')
    throw new DeskError('--reason TEXT is needed; it is shown to whoever asks why the peer is refused');
  const listing = desk.list([]);
  const ours = listing.own.find((one) => one.chain.some((each) => each.fingerprint === fingerprint));
  if (ours !== undefined)
    throw new DeskError(
      `this certificate is ours (certs/own/${ours.name}); its authority revokes it. Replace it here: isthmus cert request ${ours.name} --new-key`,
    );
  const known = listing.refused.find((one) => one.fingerprint === fingerprint);
  if (known !== undefined) return { text: `${REFUSED} refuses it already: ${known.reason}`, json: { changed: false }, exit: 0 };
  const passports = (await passportsOf(operations)) ?? [];
  const shown = passports.filter((one) => one.chain.some((each) => each.fingerprint === fingerprint));
  const who = [...new Set(shown.map((one) => one.domain))];
  const named = subject ?? shown[0]?.chain.flatMap((each) => (each.fingerprint === fingerprint ? [commonName(each.subject)] : []))[0];
  const value = { fingerprint, reason: reason.trim(), ...(named !== undefined && { note: `${named}, ${utcDay(operations.clock.now())}` }) };
  const note =
    who.length === 0
      ? 'no partner has been seen with it'
      : `${who.join(', ')} showed it when last seen and will be refused until another certificate is there`;
  return done(operations, { [REFUSED]: [{ kind: 'append', path: [], value }] }, dryRun, [note], `take the entry out of ${REFUSED} again`, {
    fingerprint,
    partners: who,
  });
}

async function takeList(
  operations: Operations,
  desk: CertificateDesk,
  file: GivenFile,
  lists: Awaited<ReturnType<CertificateDesk['revocationLists']>>,
  dryRun: boolean,
): Promise<Report> {
  const now = operations.clock.now();
  const there = desk.list([]).revocationLists;
  const [first] = lists;
  const before = first && there.find((one) => one.issuer === first.issuer);
  if (first === undefined) throw new DeskError(`${file.label} holds no revocation list`);
  if (before !== undefined && before.thisUpdate > first.thisUpdate) {
    throw new DeskError(
      `${before.file} is newer (${utcDay(before.thisUpdate)}) than this list of ${first.issuer} (${utcDay(first.thisUpdate)})`,
    );
  }
  const plain = basename(first.issuer.split(', ')[0] ?? '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60);
  const path = before?.file ?? `certs/revoked/${plain === '' ? 'list' : plain}.crl.pem`;
  const notes = lists.map(
    (one) =>
      `${one.issuer}: ${plural(one.revoked, 'certificate')} revoked, list of ${utcDay(one.thisUpdate)}${one.nextUpdate === undefined ? '' : `, next by ${utcDay(one.nextUpdate)}`}`,
  );
  if (first.nextUpdate !== undefined && first.nextUpdate < now)
    notes.push('the list should have been replaced already; what it revokes stays revoked all the same');
  notes.push('it counts for certificates of this authority only; its signature is checked whenever one is judged');
  return done(
    operations,
    { [path]: lists.map((one) => one.pem).join('') },
    dryRun,
    notes,
    before === undefined ? `rm ${path}` : 'put the list before back',
    { file: path, lists: lists.map(({ pem: _, ...one }) => listInJson(one)) },
  );
}

function done(operations: Operations, changes: FileChanges, dryRun: boolean, notes: readonly string[], back: string, json: object): Report {
  const edit = (dryRun ? planEdit : editHome)(operations.dir, changes, { judge: operations.judge });
  if ('refused' in edit) throw new DeskError(refusal(edit));
  const diff = readableDiff(edit.diff);
  const end = dryRun ? 'nothing was changed (--dry-run)' : `in force at once, also for open connections. Back: ${back}`;
  return {
    text: [...notes, '', diff, '', end].join('\n'),
    json: { changed: !dryRun, ...json, notes, diff },
    exit: 0,
    ...(!dryRun && { changes: diff }),
  };
}
