// people/presence.yaml: what the organisation decides about presence of its users (lync-features A1, presence policies).

import * as z from 'zod';
import { entry, text } from '../shape.ts';
import { parseDuration } from '../values.ts';

export const presenceSection = entry({
  contactsOnly: z
    .boolean()
    .default(false)
    .describe(
      "Privacy mode for everybody: only who is in a user's own contact list sees them. A user may choose it alone. Default: false.",
    ),
  inactiveAfter: text(parseDuration, '5m').default(300_000).describe('Untouched for so long a user is inactive. Default: 5m.'),
  awayAfter: text(parseDuration, '15m').default(900_000).describe('Untouched for so long a user is away. Default: 15m.'),
  appearOffline: z.boolean().default(true).describe('false: nobody may choose to appear offline. Default: true.'),
  notes: z.int().min(1).max(10).default(3).describe('How many personal notes are remembered, 1 to 10. Default: 3.'),
}).describe('people/presence.yaml: what the organisation decides about presence of its users.');

export type PresenceInput = z.output<typeof presenceSection>;
