// What is known of each partner, from its file, the policy, the records and the audit log: one line each, for `partner list`,
// `show` and the report for auditors.

import { readHomeFiles } from '../../config/files.ts';
import type { Loaded } from '../../config/load.ts';
import { StoreError } from '../../model/outbox-store.ts';
import type { Passport } from '../../model/passport.ts';
import type { Block, Partner, Table } from '../../model/table.ts';
import type { Operations } from '../operations.ts';
import { setsOf } from '../rules/by.ts';
import { type ForPeople, forPeople } from './file.ts';

/** Decisions that are looked through for the last sign of life. */
const NEWEST = 200_000;
const AUDIT_LINES = 10_000;

export interface PartnerFacts extends ForPeople {
  readonly partner: Partner;
  /** The entry that blocks one of its domains. */
  readonly blocked?: Block;
  /** Wall ms; undefined: never seen, or longer ago than the records reach. */
  readonly lastSeen?: number;
  /** Who added it and when, where the audit log knows: by `partner add`, else whoever applied the set its file came with. */
  readonly added?: { readonly at: number; readonly by: string; readonly why?: string };
}

export interface AllFacts {
  readonly table: Table;
  readonly partners: readonly PartnerFacts[];
  readonly passports: readonly Passport[];
  /** False: this home has never been started, so nobody has been seen. */
  readonly recorded: boolean;
}

/** @param loaded the home as its files stand */
export async function partnerFacts(operations: Operations, loaded: Extract<Loaded, { ok: true }>): Promise<AllFacts> {
  const { table } = loaded;
  const { seen, passports, recorded } = await seenOf(operations);
  const [added, applied] = [await addedOf(operations), await appliedOf(operations)];
  const files = readHomeFiles(operations.dir);
  const now = operations.clock.now();
  const partners = [...new Set(table.partners.values())].map((partner): PartnerFacts => {
    const times = partner.domains.flatMap((domain) => seen.get(domain) ?? []);
    const blocked = table.policy.blocked.find((block) => blocks(block, partner, now));
    const add = added.get(partner.name) ?? applied.get(partner.where.file);
    return {
      partner,
      ...forPeople(files.get(partner.where.file)?.text ?? ''),
      ...(blocked !== undefined && { blocked }),
      ...(times.length > 0 && { lastSeen: Math.max(...times) }),
      ...(add !== undefined && { added: add }),
    };
  });
  return { table, partners: partners.sort((a, b) => (a.partner.name < b.partner.name ? -1 : 1)), passports, recorded };
}

function blocks(block: Block, partner: Partner, now: number): boolean {
  if (block.domain === undefined || (block.untilMs !== undefined && block.untilMs <= now)) return false;
  return partner.domains.some((domain) => domain === block.domain || (block.subdomains && domain.endsWith(`.${block.domain}`)));
}

async function seenOf(operations: Operations): Promise<{ seen: Map<string, number>; passports: readonly Passport[]; recorded: boolean }> {
  try {
    const { passports, decisions } = operations.records();
    const seen = new Map(await decisions.lastOfDomains(NEWEST));
    const all = await passports.all();
    const sessions = operations.live?.sessions.list() ?? [];
    const note = (domain: string, at: number): void => void seen.set(domain, Math.max(at, seen.get(domain) ?? 0));
    for (const { domain, lastSeen } of all) note(domain, lastSeen);
    for (const { proven } of sessions) for (const domain of proven.keys()) note(domain, operations.clock.now());
    return { seen, passports: all, recorded: true };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return { seen: new Map(), passports: [], recorded: false };
  }
}

/** The last `partner add` of each domain that was done. */
async function addedOf(operations: Operations): Promise<Map<string, NonNullable<PartnerFacts['added']>>> {
  const added = new Map<string, NonNullable<PartnerFacts['added']>>();
  try {
    const lines = await operations.audit().list({ act: 'partner add', limit: AUDIT_LINES });
    for (const { at, actor, input, exit, why } of lines) {
      if (exit !== 0) continue;
      const given: unknown = JSON.parse(input);
      const domain = given !== null && typeof given === 'object' && 'domain' in given ? given.domain : undefined;
      if (typeof domain !== 'string' || added.has(domain.toLowerCase())) continue;
      added.set(domain.toLowerCase(), { at, by: actor.name, ...(why !== undefined && { why }) });
    }
  } catch {
    // Without an audit log that can be read, nobody is named.
  }
  return added;
}

/** Who accepted the set in which a partner's file was new, by file: most are written with an editor, then applied. */
async function appliedOf(operations: Operations): Promise<Map<string, NonNullable<PartnerFacts['added']>>> {
  const applied = new Map<string, NonNullable<PartnerFacts['added']>>();
  try {
    // The first set has no diff in the audit log; what is in it has been there since.
    const first = setsOf(operations).list().at(-1);
    if (first?.number === 1) {
      const { files, at, by, why } = setsOf(operations).get(1);
      for (const path of files.keys()) applied.set(path, { at, by, ...(why !== undefined && { why }) });
    }
    const lines = await operations.audit().list({ act: 'apply', limit: AUDIT_LINES });
    for (const { at, actor, exit, changes, why } of lines.toReversed()) {
      if (exit !== 0 || changes === undefined) continue;
      for (const [, path = ''] of changes.matchAll(/^--- \/dev\/null\n\+\+\+ b\/(routes\/partners\/[^\n]+)$/gm))
        applied.set(path, { at, by: actor.name, ...(why !== undefined && { why }) });
    }
  } catch {
    // Without sets or an audit log that can be read, nobody is named.
  }
  return applied;
}

export type PartnerState = 'on' | 'off' | 'paused' | 'blocked';

export function stateOf({ partner, blocked }: PartnerFacts, now: number): PartnerState {
  if (blocked !== undefined) return 'blocked';
  if (!partner.enabled) return 'off';
  const { paused } = partner;
  return paused !== undefined && (paused.untilMs === undefined || paused.untilMs > now) ? 'paused' : 'on';
}

export function reviewDue({ reviewBefore }: ForPeople, now: number): boolean {
  return reviewBefore !== undefined && Date.parse(`${reviewBefore}T00:00:00Z`) <= now;
}
