// What `isthmus explain FROM TO` says of the two addresses themselves: which system of a split domain has them, and whose other
// address one of them is.

import { bareKey, fromBareKey } from '../../model/address.ts';
import type { PeopleStore } from '../../model/people.ts';
import type { Table } from '../../model/table.ts';
import type { Report } from '../verb.ts';

/** @returns a sentence for each that needs one */
export async function addressNotes(
  addresses: readonly string[],
  people: Pick<PeopleStore, 'get' | 'knownBy'>,
  table: Table | undefined,
): Promise<readonly string[]> {
  const notes: string[] = [];
  for (const written of addresses) {
    const { local, domain } = fromBareKey(written);
    const own = table?.domains.get(domain);
    const address = bareKey({ local, domain: own?.domain ?? domain });
    const person = await people.get(address);
    const [known, ...others] = person === undefined ? await people.knownBy(address) : [];
    if (known !== undefined)
      notes.push(
        others.length > 0
          ? `${address} is an other address of several users; nobody is meant by it`
          : `${address} is an other address of ${bareKey(known.address)} (${known.name}); nothing is delivered to it`,
      );
    if (own?.served === 'core' && own.otherwise === undefined && person === undefined && known === undefined)
      notes.push(`there is no user ${address}; isthmus user list --find looks for a name`);
    if (person?.disabled === true) notes.push(`${address} is disabled; isthmus user enable ${address} lets them in again`);
    if (own?.otherwise !== undefined && known === undefined) {
      const { served, where } = own.otherwise;
      const there = `the internal ${served === 'sip' ? 'SIP' : 'XMPP'} system (${where.file}:${where.line ?? 1})`;
      notes.push(
        person === undefined
          ? `${address} is not in the core: it is looked for at ${there}`
          : `${address} lives in the core, not at ${there}`,
      );
    }
  }
  return notes;
}

/** Is this somebody of the core? Any name of their domain counts. */
export async function isUser(written: string, people: Pick<PeopleStore, 'get'>, table: Table | undefined): Promise<boolean> {
  const { local, domain } = fromBareKey(written);
  return (await people.get(bareKey({ local, domain: table?.domains.get(domain)?.domain ?? domain }))) !== undefined;
}

/** The report with the notes before its rules and its last word. */
export function withNotes(report: Report, notes: readonly string[]): Report {
  if (notes.length === 0) return report;
  const json = typeof report.json === 'object' && report.json !== null ? { ...report.json, addresses: notes } : report.json;
  return { ...report, text: [['The addresses', ...notes.map((note) => `  ${note}`)].join('\n'), report.text].join('\n\n'), json };
}
