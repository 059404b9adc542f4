// Every bound of a client's stream and session, in ms, bytes or counts.

import { CONNECTION_LIMITS, type ConnectionLimits } from '../connection.ts';
import { LIMITS_BEFORE_AUTH, type StreamLimits } from '../stream-limits.ts';
import { ALLOWANCE, type AllowanceLimits } from './stream/allowance.ts';

export interface StreamSettings {
  /** From a connection to a bound resource. */
  readonly negotiationMs: number;
  readonly before: StreamLimits;
  readonly after: StreamLimits;
  readonly connection: ConnectionLimits;
  readonly allowance: AllowanceLimits;
  /** Silence after which a client is asked whether it is there, and how long it has to answer. */
  readonly silenceMs: number;
  readonly answerMs: number;
}

export interface ClientSettings extends StreamSettings {
  /** How long a session waits for its client after the connection is lost. */
  readonly resumeMs: number;
  /** Stanzas of one client that are handled at once; beyond it the client is not read. */
  readonly inHand: number;
}

export const CLIENT_SETTINGS: ClientSettings = {
  negotiationMs: 30_000,
  before: LIMITS_BEFORE_AUTH,
  after: { ...LIMITS_BEFORE_AUTH, stanzaBytes: 256 * 1024, whitespaceBytes: 1024 },
  connection: CONNECTION_LIMITS,
  allowance: ALLOWANCE,
  silenceMs: 150_000,
  answerMs: 60_000,
  resumeMs: 300_000,
  inHand: 64,
};
