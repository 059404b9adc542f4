// `allow` and `limits`: the same words in a partner's file and in routes/policy.yaml.
// A key that is missing falls back to the next file, so nothing here has a default of its own.

import * as z from 'zod';
import { PRESENCE_DETAILS } from '../../model/presence.ts';
import type { Allow, Limits } from '../../model/table.ts';
import { entry, list, text, word } from '../shape.ts';
import { parseSize } from '../values.ts';

export const MESSAGE_DIRECTIONS = ['both', 'toThem', 'fromThem', 'none'] as const;

export const allowSection = entry({
  messages: word(MESSAGE_DIRECTIONS).optional().describe('Which way messages may go. Default: both.'),
  theySee: list(word(PRESENCE_DETAILS))
    .optional()
    .describe("What of our users' presence the partner's people may see; [] is none. Default: [availability]."),
  weSee: z.boolean().optional().describe("Whether our users may see the partner's people's presence. Default: true."),
  firstContact: word(['anyone', 'localUserInvites'])
    .optional()
    .describe(
      'Whether a stranger may begin. Default: anyone for a listed partner with a proven certificate, localUserInvites for everyone else.',
    ),
});

const count = z.number().positive();
export const limitsSection = entry({
  messageSize: text(parseSize, '64KiB').optional().describe('The largest message. Default: 64KiB.'),
  messagesPerSecond: count.optional().describe('Default: none for a listed partner, 20 for a discovered one.'),
  suspiciousMessagesPerSecond: count.optional().describe('Once the share of failures is suspicious. Default: 1 for a discovered partner.'),
  senderMessagesPerSecond: count.optional().describe('One sender of either side; three times as many at once. Default: 10.'),
  pairMessagesPerSecond: count.optional().describe('One pair of users, each way; four times as many at once. Default: 5.'),
  distinctTargets: count.int().optional().describe('How many different users of ours a discovered partner may address. Default: 1000.'),
});

export type AllowInput = z.output<typeof allowSection>;
export type LimitsInput = z.output<typeof limitsSection>;

export const DEFAULT_MESSAGE_BYTES = 64 * 1024;
/** What a listed partner gets when neither its file nor policy.yaml says otherwise; firstContact depends on the proof. */
export const DEFAULT_LISTED_ALLOW: Omit<Allow, 'firstContact'> = { messages: 'both', theySee: ['availability'], weSee: true };
export const DEFAULT_DISCOVERED_ALLOW: Allow = { ...DEFAULT_LISTED_ALLOW, firstContact: 'localUserInvites' };
/** Lync's own figures for a discovered partner. */
export const DEFAULT_DISCOVERED_LIMITS: Limits = {
  messageBytes: DEFAULT_MESSAGE_BYTES,
  distinctTargets: 1000,
  messagesPerSecond: 20,
  suspiciousMessagesPerSecond: 1,
};
