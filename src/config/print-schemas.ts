// Writes the JSON Schemas of the home's files beside them, for editors: node src/config/print-schemas.ts [FOLDER]
// A test compares what is written with what would be.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type * as z from 'zod';
import { accessSection } from './sections/access.ts';
import { acmeSection } from './sections/acme.ts';
import { archiveSection } from './sections/archive.ts';
import { calendarsSection } from './sections/calendars.ts';
import { directorySection } from './sections/directory.ts';
import { domainsSection } from './sections/domains.ts';
import { filtersSection } from './sections/filters.ts';
import { isthmusSection } from './sections/isthmus.ts';
import { networkSection, providerSection, refusedSection } from './sections/later.ts';
import { partnerSection } from './sections/partner.ts';
import { policySection } from './sections/policy.ts';
import { presenceSection } from './sections/presence.ts';
import { statesSection } from './sections/states.ts';
import { jsonSchema } from './shape.ts';

const SCHEMAS: Readonly<Record<string, { readonly schema: z.ZodType; readonly title: string }>> = {
  'isthmus.schema.json': { schema: isthmusSection, title: 'isthmus.yaml' },
  'routes/domains.schema.json': { schema: domainsSection, title: 'routes/domains.yaml' },
  'routes/policy.schema.json': { schema: policySection, title: 'routes/policy.yaml' },
  'routes/filters.schema.json': { schema: filtersSection, title: 'routes/filters.yaml' },
  'routes/partner.schema.json': { schema: partnerSection, title: 'routes/partners/<domain>.yaml' },
  'routes/provider.schema.json': { schema: providerSection, title: 'routes/providers/<name>.yaml' },
  'routes/network.schema.json': { schema: networkSection, title: 'routes/networks/<name>.yaml' },
  'people/directory.schema.json': { schema: directorySection, title: 'people/directory.yaml' },
  'people/states.schema.json': { schema: statesSection, title: 'people/states.yaml' },
  'people/presence.schema.json': { schema: presenceSection, title: 'people/presence.yaml' },
  'people/calendars.schema.json': { schema: calendarsSection, title: 'people/calendars.yaml' },
  'people/access.schema.json': { schema: accessSection, title: 'people/access.yaml' },
  'records/archive.schema.json': { schema: archiveSection, title: 'records/archive.yaml' },
  'certs/refused.schema.json': { schema: refusedSection, title: 'certs/revoked/refused.yaml' },
  'certs/acme.schema.json': { schema: acmeSection, title: 'certs/acme.yaml' },
};

/** Path of each schema file in the repository, and its text. */
export function schemaFiles(): Map<string, string> {
  return new Map(
    Object.entries(SCHEMAS).map(([path, { schema, title }]) => [path, `${JSON.stringify(jsonSchema(schema, title), null, 2)}\n`]),
  );
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(import.meta.dirname, '../..'));
  for (const [path, text] of schemaFiles()) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
