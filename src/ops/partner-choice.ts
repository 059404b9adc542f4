// `--partner D`: one domain of a partner names all of them.

import { domainToASCII } from 'node:url';
import * as z from 'zod';
import type { Table } from '../model/table.ts';

/** A domain as typed: any case, with or without umlauts. Comes out as the A-label. */
export const domainInput = z
  .string()
  .max(255, 'no domain is that long')
  .transform((text) => domainToASCII(text.trim().replace(/\.$/, '')))
  .refine((domain) => domain !== '' && domain.includes('.'), 'a domain such as partner.example')
  .describe('A domain of the partner; it stands for all of them.');

/** Every domain of the partner that `domain` belongs to; a stranger's stands for itself. */
export function domainsOf(domain: string, table: Pick<Table, 'partners'>): ReadonlySet<string> {
  return new Set(table.partners.get(domain)?.domains ?? [domain]);
}
