// The three kinds of challenge by what the settings say. Each is put up for one order and taken down with it; nothing of it
// listens or stands in DNS between renewals.

import type { ChallengeSettings } from '../../model/acme.ts';
import type { Clock } from '../../model/ports.ts';
import type { HostPort } from '../../model/table.ts';
import { dnsChallenger } from './challenge-dns.ts';
import { hookRecords } from './challenge-hook.ts';
import { httpChallenger } from './challenge-http.ts';
import { tlsAlpnChallenger } from './challenge-tls-alpn.ts';
import type { Challenger } from './challenger.ts';
import { updateRecords } from './dns-update.ts';

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
