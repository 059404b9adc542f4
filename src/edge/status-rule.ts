// `revocation:` of a partner's file, carried out. soft: what is known counts, nothing is waited for; hard: a good word, within
// some seconds, or no proof; off: nobody is asked. A certificate that must come with its status (RFC 7633) is asked as by
// `hard` when its server shows it.

import { reason } from '../errors.ts';
import type { Clock } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import type { Revocation } from '../model/table.ts';
import type { StatusQuestion, StatusWord } from './certificate-status.ts';
import { nameOf } from './path-rules.ts';
import { statusSourcesOf } from './status-sources.ts';

/** certificate-status.ts, as far as judging needs it. */
export interface StatusJudge {
  readonly generation: number;
  known(question: StatusQuestion): StatusWord | undefined;
  ask(question: StatusQuestion): Promise<StatusWord>;
  stapled(question: StatusQuestion, staple: Uint8Array): Promise<StatusWord | undefined>;
}

export interface StatusCase extends StatusQuestion {
  readonly status: StatusJudge;
  readonly clock: Clock;
  readonly rule: Revocation;
  readonly direction: 'in' | 'out';
  readonly staple?: Uint8Array;
  /** The key that decided. */
  readonly where?: { readonly file: string; readonly key: string };
}

/** How long `hard` waits for a word, ms: the rest of the negotiation must fit into its own time limit. */
const HARD_MS = 5000;

/** Why the certificate may not be believed; undefined: nothing speaks against it. */
export async function statusRefuses(about: StatusCase): Promise<Reason | undefined> {
  const { status, certificate, issuer, allowPrivateAddresses, rule, staple } = about;
  if (rule === 'off') return undefined;
  const question = { certificate, issuer, allowPrivateAddresses };
  const stapled = staple === undefined ? undefined : await status.stapled(question, staple);
  const mustStaple = about.direction === 'out' && statusSourcesOf(certificate).mustStaple;
  const word = stapled ?? (rule === 'hard' || mustStaple ? await inTime(about, status.ask(question)) : status.known(question));
  const name = `The certificate of "${nameOf(certificate)}"`;
  if (word?.is === 'revoked') return reason('CERT_PEER_REVOKED', `${name} has been revoked by its issuer (${word.how}).`);
  if (word?.is === 'good' || (rule !== 'hard' && !mustStaple)) return undefined;
  const wanted =
    rule === 'hard' ? "the partner's file says revocation: hard" : 'it says itself that its status must come with it (RFC 7633)';
  const found = word === undefined ? `no answer within ${HARD_MS / 1000} s` : word.how;
  return reason(
    'CERT_PEER_REVOCATION_UNKNOWN',
    `${name} may be revoked: ${wanted}, and nobody said it is good (${found}).`,
    about.where ?? {},
  );
}

function inTime({ clock }: StatusCase, asking: Promise<StatusWord>): Promise<StatusWord | undefined> {
  return new Promise((resolve) => {
    const late = clock.after(HARD_MS, () => resolve(undefined));
    void asking.then((word) => {
      late.cancel();
      resolve(word);
    });
  });
}
