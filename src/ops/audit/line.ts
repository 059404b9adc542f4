// One line of the audit log, for people and for programs.

import type { AuditLine } from '../../model/audit.ts';

export interface AuditLineJson {
  readonly number: number;
  readonly at: string;
  readonly actor: AuditLine['actor'];
  readonly act: string;
  readonly input: unknown;
  readonly exit: number;
  readonly changes?: string;
  readonly why?: string;
  readonly hash: string;
}

export function auditLineJson(line: AuditLine): AuditLineJson {
  const { number, at, actor, act, input, exit, changes, why, hash } = line;
  return {
    number,
    at: new Date(at).toISOString(),
    actor,
    act,
    input: parsed(input),
    exit,
    ...(changes !== undefined && { changes }),
    ...(why !== undefined && { why }),
    hash,
  };
}

/** Head line, then the reason and what changed, indented. */
export function auditLineText(line: AuditLine): string {
  const { actor } = line;
  const from = actor.address === undefined ? '' : ` from ${actor.address}`;
  const via = { commandLine: '', api: ' over the API', process: '' }[actor.via];
  const ended = line.exit === 0 ? '' : ` (exit ${line.exit})`;
  const rows = [
    `${line.number}  ${new Date(line.at).toISOString()}  ${actor.name} (${actor.role}${via}${from}): ${line.act}${inputText(line.input)}${ended}`,
  ];
  if (line.why !== undefined) rows.push(`    because: ${line.why}`);
  for (const row of line.changes?.trimEnd().split('\n') ?? []) rows.push(`    ${row}`);
  return rows.map(harmless).join('\n');
}

function inputText(input: string): string {
  const value = parsed(input);
  if (typeof value !== 'object' || value === null) return ` ${input}`;
  const pairs = Object.entries(value).map(([key, one]) => ` ${key}=${typeof one === 'string' ? one : JSON.stringify(one)}`);
  return pairs.join('');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What somebody else wrote must not move the reader's cursor. */
function harmless(row: string): string {
  return row.replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '?').replaceAll(/[\n\t]/g, ' ');
}
