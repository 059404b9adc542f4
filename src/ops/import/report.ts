// What an import answers: in words for the operator, the summary last, and as data for programs.

import { type Finding, showFinding } from '../../config/finding.ts';
import type { Drafts, Remark } from './drafts.ts';
import type { ImportPlan } from './plan.ts';
import { showOrigin } from './record.ts';

/** One file that was read. */
export interface ReadSource {
  readonly file: string;
  readonly format: string;
  /** e.g. `412 of Get-CsAllowedDomain`. */
  readonly held: string;
}

export interface ImportResult {
  readonly sources: readonly ReadSource[];
  readonly plan: ImportPlan;
  readonly drafts: Drafts;
  readonly diff: string;
  /** Of the check of the set afterwards, about files of this import. */
  readonly notices: readonly Finding[];
  /** `aside`: into a folder of its own. */
  readonly ending: 'written' | 'aside' | 'dryRun' | 'refused';
  /** Where it was written. */
  readonly into: string;
  readonly refused?: { readonly why: string; readonly faults: readonly Finding[] };
}

const SHOWN_DIFF_LINES = 400;
const SHOWN_SAME_REMARKS = 20;

export function reportText(result: ImportResult): string {
  const { plan, drafts, diff, notices, refused } = result;
  const parts: string[][] = [];
  const diffLines = diff.trimEnd().split('\n');
  if (diff !== '') {
    const shown = diffLines.slice(0, SHOWN_DIFF_LINES);
    const rest = diffLines.length - shown.length;
    parts.push([...shown, ...(rest > 0 ? [`... ${rest} lines more (--json has all of it)`] : [])]);
  }
  const differs = plan.differences.map(({ file, key, here, there }) => `  ${file} ${key}: ${here ?? 'not there'}; the import has ${there}`);
  if (differs.length > 0) parts.push(['differs from what stands in the home, which was kept', ...differs]);
  for (const [kind, heading] of REMARKS) {
    const lines = remarkLines(drafts.remarks.filter((remark) => remark.kind === kind));
    if (lines.length > 0) parts.push([heading, ...lines]);
  }
  const told = groupedFindings(notices);
  if (told.length > 0) parts.push(['isthmus check will say of the new files', ...told]);
  if (refused !== undefined)
    parts.push([`nothing was written: ${refused.why}`, ...refused.faults.map((fault) => `  ${showFinding(fault)}`)]);
  parts.push(summary(result));
  return parts.map((lines) => lines.join('\n')).join('\n\n');
}

const REMARKS = [
  ['invalid', 'invalid where it came from'],
  ['note', 'taken over, with a difference'],
  ['lost', 'could not be carried over'],
] as const;

/** One reason, then each row that it holds for. */
function remarkLines(remarks: readonly Remark[]): string[] {
  const byReason = Map.groupBy(remarks, ({ why }) => why);
  return [...byReason].flatMap(([why, same]) => {
    const rows = same.slice(0, SHOWN_SAME_REMARKS).map(({ from, subject, what }) => `    ${showOrigin(from)}  ${subject}: ${what}`);
    const rest = same.length - rows.length;
    return [`  ${why}`, ...rows, ...(rest > 0 ? [`    ... and ${rest} more (--json has all of them)`] : [])];
  });
}

function groupedFindings(findings: readonly Finding[]): string[] {
  const same = Map.groupBy(findings, ({ found, right }) => `${found}; ${right}`);
  return [...same].map(
    ([words, all]) => `  ${all.length === 1 ? all[0]!.file : `${all.length} files, the first ${all[0]!.file}`}: ${words}`,
  );
}

function summary({ sources, plan, drafts, ending, into }: ImportResult): string[] {
  const count = (kind: Remark['kind']): number => drafts.remarks.filter((remark) => remark.kind === kind).length;
  const read = sources.map(({ file, held }) => `read ${file}: ${held}`);
  const did = [
    `${plural(plan.added.length, 'new partner')}`,
    ...(plan.merged.length > 0 ? [`${plural(plan.merged.length, 'file')} completed`] : []),
    ...(plan.same > 0 ? [`${plan.same} there already`] : []),
    `${plural(plan.blocked.length, 'new block')}`,
    ...(plan.providers.length > 0 ? [`${plural(plan.providers.length, 'provider')} (switched off)`] : []),
  ].join(', ');
  const open = `${count('invalid')} invalid there, ${count('lost')} not carried over, ${plural(plan.differences.length, 'difference')}`;
  const end = {
    written: [`wrote them into ${into}. Nothing has taken effect yet: read the files, then isthmus plan and isthmus apply`],
    aside: [`wrote them into ${into}; the home is untouched. Copy what you want into its routes/, then isthmus check`],
    dryRun: ['nothing was written (--dry-run)'],
    refused: [],
  }[ending];
  return [
    ...read,
    `${did}; ${open}`,
    ...(plan.changes.size === 0 && ending !== 'dryRun' && ending !== 'refused' ? ['nothing to write'] : end),
  ];
}

export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

export function reportJson({ sources, plan, drafts, diff, notices, ending, into, refused }: ImportResult): unknown {
  const of = (kind: Remark['kind']) =>
    drafts.remarks
      .filter((remark) => remark.kind === kind)
      .map(({ from, subject, what, why }) => ({ from: showOrigin(from), file: from.file, [from.unit]: from.row, subject, what, why }));
  return {
    ending,
    into,
    sources,
    added: plan.added,
    merged: plan.merged,
    same: plan.same,
    blocked: plan.blocked,
    providers: plan.providers,
    differences: plan.differences.map(({ file, key, here, there }) => ({ file, key, here: here ?? null, there })),
    invalid: of('invalid'),
    notes: of('note'),
    lost: of('lost'),
    notices,
    diff,
    ...(refused !== undefined && { refused: refused.why, faults: refused.faults }),
  };
}
