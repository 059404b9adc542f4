// What is settled between us and an internal XMPP server before it is reached: names, secret, and the proof of it (XEP-0114).

import { createHash } from 'node:crypto';
import type { HostPort } from '../../model/table.ts';

export interface ComponentPlan {
  /** Our name as the server's component. */
  readonly name: string;
  /** Undefined: it dials us. */
  readonly dial?: HostPort;
  /** Name of the file in secrets/. */
  readonly secret: string;
  /** The domains of ours that this server serves. */
  readonly domains: readonly string[];
}

/** XEP-0114 §3: lower-case hex SHA-1 of the stream id and the secret. */
export function componentHandshake(streamId: string, secret: string): string {
  return createHash('sha1')
    .update(streamId + secret)
    .digest('hex');
}
