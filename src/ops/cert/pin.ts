// `isthmus cert pin`: from now on only these certificates of a partner are accepted. Edits the partner's file, comments kept.

import * as z from 'zod';
import { editHome, planEdit } from '../../config/edit.ts';
import { readHomeFiles } from '../../config/files.ts';
import { parseFingerprint, Wrong } from '../../config/values.ts';
import { plainOf } from '../../config/yaml-plain.ts';
import type { KeyPath, Step } from '../../config/yaml-step.ts';
import { DeskError } from '../../model/certificate-desk.ts';
import type { Passport } from '../../model/passport.ts';
import type { Partner, Protocol } from '../../model/table.ts';
import { utcDay } from '../../model/utc.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { atDesk, commonName, passportsOf } from './given.ts';
import { partnerDomain, refusal } from './trust.ts';

const PROTOCOLS = ['sip', 'xmpp'] as const;

export const certPin = verb({
  words: 'cert pin',
  summary: "accepts only named certificates from a partner (pins in the partner's file)",
  positionals: ['domain', '[fingerprints...]'],
  options: {
    'from-wire': { type: 'boolean', says: 'what the partner has shown last' },
    protocol: { type: 'string', value: 'sip|xmpp', says: 'for this protocol only; default: every one that is spoken with it' },
    force: { type: 'boolean', says: 'although what the partner shows today would be refused' },
    'dry-run': { type: 'boolean', says: 'only says what it would do' },
  },
  details: [
    'FINGERPRINTS are SHA-256 over the certificate, 64 hex digits, with or without colons. A partner that renews must tell the next one ahead:',
    'pin it beside the present one. A pin does not replace the check of chain and names. isthmus apply puts the changed file in force.',
  ].join('\n'),
  example: 'isthmus cert pin fabrikam.example --from-wire',
  input: z.object({
    domain: z.string().describe('A domain of the partner.'),
    fingerprints: z
      .array(z.string())
      .max(20, 'at most 20 fingerprints')
      .default([])
      .describe('SHA-256 over certificates, 64 hex digits each.'),
    fromWire: z.boolean().optional().describe('What the partner has shown last.'),
    protocol: z
      .enum(PROTOCOLS, { error: () => 'right would be sip or xmpp' })
      .optional()
      .describe('For this protocol only.'),
    force: z.boolean().optional().describe('Although what the partner shows today would be refused.'),
    dryRun: z.boolean().optional().describe('Only say what it would do.'),
  }),
  http: { method: 'POST', path: '/partners/{domain}/pins' },
  role: 'operator',
  audited: true,
  where: 'here',
  run: (operations, input) =>
    atDesk(operations, 'cert pin', async (): Promise<Report> => {
      const domain = partnerDomain(operations, input.domain);
      const partner = partnerOf(operations, domain);
      const given = input.fingerprints.map((text) => {
        const fingerprint = parseFingerprint(text);
        if (fingerprint instanceof Wrong) throw new DeskError(`"${text.slice(0, 100)}"; right would be ${fingerprint.right}`);
        return fingerprint;
      });
      if (given.length === 0 && input.fromWire !== true)
        throw new DeskError('a fingerprint is needed, or --from-wire for what the partner has shown last');
      const protocols = input.protocol === undefined ? partner.prefer : [input.protocol];
      const seen = ((await passportsOf(operations)) ?? []).filter(
        (one) => partner.domains.includes(one.domain) && protocols.includes(one.protocol),
      );
      if (input.fromWire === true && seen.length === 0) {
        throw new DeskError(
          `${domain} has not been seen yet over ${protocols.join(' or ')}; isthmus partner test ${domain} shows its certificate, or give a fingerprint`,
        );
      }
      const plans = protocols
        .map((protocol) => planFor(partner, protocol, seen, given, input.fromWire === true))
        .filter((plan) => plan.added.length > 0);
      if (plans.length === 0) return { text: `${partner.where.file} has these pins already`, json: { changed: false }, exit: 0 };
      const problems = plans.flatMap((plan) => plan.refused);
      const stops = problems.length > 0 && input.force !== true;
      const steps = stepsFor(operations, partner, plans);
      const edit = (stops || input.dryRun === true ? planEdit : editHome)(
        operations.dir,
        { [partner.where.file]: steps },
        { judge: operations.judge },
      );
      if ('refused' in edit) throw new DeskError(refusal(edit));
      const changed = !stops && input.dryRun !== true;
      const lines = [
        ...problems.map((problem) => `${stops ? 'refused' : 'note'}: ${problem}`),
        ...(seen.length === 0
          ? [`note: ${domain} has not been seen yet, so that nothing tells whether the fingerprint is the right one`]
          : []),
        edit.diff.trimEnd(),
        '',
        stops
          ? "nothing was changed. Pin today's certificate too (--from-wire), or --force"
          : input.dryRun === true
            ? 'nothing was changed (--dry-run)'
            : `written. isthmus apply puts it in force. Back: take the lines out of ${partner.where.file} again`,
      ];
      return {
        text: lines.join('\n'),
        json: {
          changed,
          file: partner.where.file,
          pins: Object.fromEntries(plans.map((plan) => [plan.protocol, plan.added])),
          problems,
          diff: edit.diff,
        },
        exit: stops ? 1 : 0,
        ...(changed && { changes: edit.diff }),
      };
    }),
});

interface Plan {
  readonly protocol: Protocol;
  readonly added: readonly string[];
  /** What would no longer be accepted. */
  readonly refused: readonly string[];
}

function planFor(partner: Partner, protocol: Protocol, seen: readonly Passport[], given: readonly string[], fromWire: boolean): Plan {
  const shown = seen.filter((passport) => passport.protocol === protocol);
  const wire = fromWire ? shown.flatMap((passport) => passport.chain[0]?.fingerprint ?? []) : [];
  const before = partner[protocol].pins;
  const added = [...new Set([...wire, ...given])].filter((fingerprint) => !before.includes(fingerprint));
  const after = [...before, ...added];
  const refused = shown.flatMap(({ chain: [leaf], domain, direction, lastSeen }) =>
    leaf === undefined || after.includes(leaf.fingerprint)
      ? []
      : [
          `${domain} shows ${leaf.fingerprint} today (${protocol} ${direction}, of "${commonName(leaf.issuer)}", last seen ${utcDay(lastSeen)}), which these pins refuse`,
        ],
  );
  return { protocol, added, refused };
}

/** A section for a protocol says that it is spoken; where the file does not say `prefer`, it must from now on. */
function stepsFor(operations: Operations, partner: Partner, plans: readonly Plan[]): Step[] {
  const { file } = partner.where;
  const value = plainOf(readHomeFiles(operations.dir).get(file)?.text ?? '');
  const has = (key: string): boolean => typeof value === 'object' && value !== null && Object.hasOwn(value, key);
  const needsPrefer = !has('prefer') && plans.some((plan) => !has(plan.protocol));
  const pins = (protocol: Protocol): KeyPath => [protocol, 'pins'];
  return [
    ...(needsPrefer ? [{ kind: 'set', path: ['prefer'], value: [...partner.prefer] } as const] : []),
    ...plans.flatMap(({ protocol, added }) => added.map((value): Step => ({ kind: 'append', path: pins(protocol), value }))),
  ];
}

function partnerOf(operations: Operations, domain: string): Partner {
  const loaded = operations.load();
  const partner = loaded.ok ? loaded.table.partners.get(domain) : undefined;
  if (partner === undefined) throw new DeskError(`there is no partner with the domain ${domain}`);
  return partner;
}
