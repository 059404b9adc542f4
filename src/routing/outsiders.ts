// How people outside are shown to users of ours (routes/filters.yaml, `externalMark: names`): under a name that says where they are
// from and that they are external, and with a sentence on who vouches for it. A name that they chose themselves never stands there.

import type { Address } from '../model/address.ts';
import type { Outsider } from '../model/core.ts';
import type { ProofWord } from '../model/event.ts';
import type { Table } from '../model/table.ts';
import { partnerOf } from './partner.ts';

/** Proofs of a connection to a partner; other words say that the event was made here. */
const PROVEN: ReadonlySet<ProofWord> = new Set(['certificate', 'namedServer', 'discoveredServer', 'posh']);

export interface Met {
  /** What they have sent. */
  readonly with: 'message' | 'request';
  /** The name that the user of ours gave them. */
  readonly name?: string;
  /** Of the event; a request that the neck repeats has none of its own. */
  readonly proof?: ProofWord;
}

/** @returns undefined for people of ours, and where nothing is to be marked */
export function outsiderOf(from: Address, met: Met, table: Table): Outsider | undefined {
  if (table.domains.has(from.domain)) return undefined;
  const partner = partnerOf(from.domain, table);
  const mark = table.filters?.externalMark;
  const names = mark?.names ?? 'all';
  if (partner?.filters?.externalMark === false || names === 'off' || (names === 'requests' && met.with === 'message')) return undefined;
  const { proof } = met;
  const told = proof !== undefined && (PROVEN.has(proof) || proof === 'dialback' || proof === 'none');
  // A partner that asks for dialback may have come by it.
  const unproven = told ? !PROVEN.has(proof) : partner?.xmpp.proof === 'dialback' && partner.prefer.includes('xmpp');
  if (mark?.who === 'unproven' && !unproven) return undefined;
  const { local, domain } = from;
  // Whose domain it is stands at its end.
  const shown = domain.length > MAX_DOMAIN ? `...${domain.slice(-MAX_DOMAIN)}` : domain;
  const known = partner === undefined || partner.discovered ? 'no partner of ours' : 'a partner of ours';
  const vouched = unproven
    ? `${domain} is ${known}, and no certificate proves that this comes from there.`
    : `${domain} is ${known}, proven by its certificate.`;
  return { name: `${met.name ?? (plain(local) || shown)} (${shown}, ${unproven ? 'unproven' : 'external'})`, vouched };
}

/** Characters that stay of an address, so that what we say of it is not pushed out of sight. */
const MAX_LOCAL = 40;
const MAX_DOMAIN = 60;
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** Without parentheses, in which only we say something; letters that run the other way do not turn what stands behind them. */
function plain(local: string): string {
  const chars = [...local.replaceAll(/[\s()\p{Cc}\p{Cf}]+/gu, ' ').trim()];
  const cut = chars.length > MAX_LOCAL ? `${chars.slice(0, MAX_LOCAL).join('')}...` : chars.join('');
  return RIGHT_TO_LEFT.test(cut) ? `\u2068${cut}\u2069` : cut;
}
