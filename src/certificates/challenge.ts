// How control over a name is shown (RFC 8555 §8): one interface, three kinds. Each is put up for one order and taken down
// with it; nothing of it listens or stands in DNS between renewals.

import type { AcmeCode, ChallengeSettings } from '../model/acme.ts';
import type { Clock } from '../model/ports.ts';
import type { HostPort } from '../model/table.ts';
import { dnsChallenger } from './challenge-dns.ts';
import { hookRecords } from './challenge-hook.ts';
import { httpChallenger } from './challenge-http.ts';
import { tlsAlpnChallenger } from './challenge-tls-alpn.ts';
import { updateRecords } from './dns-update.ts';

export interface Proof {
  /** A-labels, without `*.`. */
  readonly name: string;
  /** base64url. */
  readonly token: string;
  /** RFC 8555 §8.1: `token.thumbprint`. */
  readonly keyAuthorization: string;
}

export interface Challenger {
  readonly type: ChallengeSettings['type'];
  /** Makes one proof visible. @throws AcmeError */
  present(proof: Proof): Promise<void>;
  /** After all of them: resolves when the CA may look. */
  settle(progress: (line: string) => void): Promise<void>;
  /** Takes everything down. Never throws. */
  close(): Promise<void>;
  /** What to do when the CA did not see it; undefined: the code's own advice. */
  advice?(name: string, code: AcmeCode): string | undefined;
}

export interface ChallengeSurroundings {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** `dns.servers` of the home; empty: the system's. */
  readonly dnsServers: readonly HostPort[];
  /** Reads a file of secrets/. */
  readonly secret: (name: string) => string;
  /** What could not be tidied up, in words. */
  readonly remark: (text: string) => void;
}

/** Makes the challenger that the settings ask for. Opens nothing yet. */
export function challengerFor(settings: ChallengeSettings, around: ChallengeSurroundings): Challenger {
  switch (settings.type) {
    case 'http-01':
      return httpChallenger(settings);
    case 'tls-alpn-01':
      return tlsAlpnChallenger(settings);
    case 'dns-01': {
      const { means, waitMs } = settings;
      const records =
        means.kind === 'hook' ? hookRecords(means.command, around.signal) : updateRecords(means.update, around.secret, around.dnsServers);
      return dnsChallenger(records, { ...around, waitMs });
    }
    default:
      return settings satisfies never;
  }
}
