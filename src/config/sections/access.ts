// people/access.yaml: which of our users may reach the outside, and which way (external access policies, lync-features A9).

import * as z from 'zod';
import { entry, text } from '../shape.ts';
import { caseMapped } from '../values.ts';

const may = entry({
  partners: z.boolean().optional().describe('Anybody outside at all.'),
  sip: z.boolean().optional().describe('Partners reached by SIP.'),
  xmpp: z.boolean().optional().describe('Partners reached by XMPP.'),
  discovered: z.boolean().optional().describe('Partners without a file, found by DNS.'),
});

const groupName = text((value) => caseMapped(value), 'traders');

export const accessSection = entry({
  everyone: may
    .optional()
    .describe('What holds for whom nothing else is said. Default: everything that routes/policy.yaml and the partner allow.'),
  domains: z.record(z.string(), may).default({}).describe('By domain of ours; beats everyone.'),
  groups: z
    .record(groupName, may)
    .default({})
    .describe('By group of routes/policy.yaml; beats domains. Of several groups the one written first counts.'),
  users: z.record(z.string(), may).default({}).describe('By user; beats everything here.'),
}).describe(
  'people/access.yaml: who of ours may reach whom outside. It only takes away: federation, the partner and the rules in routes/ must allow it as well.',
);

export type AccessInput = z.output<typeof accessSection>;
export const ACCESS_KEYS = ['partners', 'sip', 'xmpp', 'discovered'] as const;
