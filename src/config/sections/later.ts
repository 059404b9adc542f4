// Files whose keys are understood while what they ask for has not landed: providers, networks.
// And certs/revoked/refused.yaml, which is in force.

import * as z from 'zod';
import { KNOWN_KEYS, secret, text } from '../shape.ts';
import { parseFingerprint } from '../values.ts';
import { partnerSection } from './partner.ts';

const refusedKeys = {
  fingerprint: text(parseFingerprint, 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9'),
  reason: z.string().min(1).describe('Shown to whoever asks why.'),
  note: z.string().optional(),
};
const refused = z.strictObject(refusedKeys, {
  error: (issue) => (issue.code === 'unrecognized_keys' ? KNOWN_KEYS + Object.keys(refusedKeys).join(' ') : undefined),
});

/** routes/providers/<name>.yaml: one provider whose edge many domains share. */
export const providerSection = partnerSection.describe('One provider whose edge many domains share. Accepted; not yet in force.');

/** routes/networks/<name>.yaml: one public network; every kind has its own keys. */
export const networkSection = z
  .looseObject({
    kind: z.string().describe('matrix, irc, oscar, ...'),
    enabled: z.boolean().default(true),
    note: z.string().optional(),
    homeserver: z.url({ protocol: /^https?$/, error: () => 'an address such as https://matrix.example' }).optional(),
    userPrefix: z.string().optional(),
    token: secret().optional(),
    password: secret().optional(),
  })
  .describe('One public network. Accepted; not yet in force.');

/** certs/revoked/refused.yaml, a list; edge/trust-store.ts reads it. A file of comments only is an empty list. */
export const refusedSection = z
  .preprocess(
    (value) => (value !== null && typeof value === 'object' && Object.keys(value).length === 0 ? [] : value),
    z.array(refused, { error: (issue) => (issue.code === 'invalid_type' ? 'a list of { fingerprint, reason }' : undefined) }),
  )
  .describe('Certificates that are refused whatever their chain says, with the reason.');
