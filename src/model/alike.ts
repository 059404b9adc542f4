// What must not tell a partner whether a user of ours exists, is blocked or may not be reached (DESIGN 7, docs/decisions/006).
// Each shore has one answer for all of these toward partners, the same bytes each time; our own users are told the truth.

import type { ReasonCode } from './reason.ts';

export const ALIKE_CODES: ReadonlySet<ReasonCode> = new Set([
  'POLICY_BLOCKED',
  'POLICY_MESSAGES_OFF',
  'POLICY_PRESENCE_OFF',
  'POLICY_RULE',
  'POLICY_FIRST_CONTACT',
  'POLICY_PARTNER_UNLISTED',
  'POLICY_FEDERATION_OFF',
  'PARTNER_OTHER_PROTOCOL',
  'PARTNER_PROOF_REFUSED',
  'LIMIT_TARGETS',
  'ADDRESS_MALFORMED',
  'PEER_UNKNOWN_USER',
  'PEER_FORBIDDEN',
  'PEER_GONE',
  'PEER_UNAVAILABLE',
]);
