// An open stream that stanzas can be sent on: one of ours, or a partner's that agreed to both directions (XEP-0288).

import type { ProofWord } from '../../model/event.ts';
import type { Reason } from '../../model/reason.ts';
import type { SessionNotes } from '../../model/sessions.ts';
import type { PeerLimits } from './negotiation/features.ts';
import type { StreamError } from './stream-error.ts';
import type { StreamManagement } from './stream-management.ts';

export interface SendingStream {
  /** Id of its connection, as in the logs. */
  readonly id: string;
  readonly notes: SessionNotes;
  /** Who opened it. */
  readonly direction: 'in' | 'out';
  readonly proof: ProofWord;
  /** Does what the peer answers come over the same stream? */
  readonly bothWays: boolean;
  readonly management: StreamManagement;
  readonly peerLimits: PeerLimits;
  readonly isOpen: boolean;
  /** Monotonic ms of the last byte received on it. */
  readonly lastReceivedAt: number;
  write(text: string): void;
  close(error?: StreamError): void;
  /** Calls back once when it is gone; at once when it is already. */
  onGone(run: (why: Reason) => void): void;
}
