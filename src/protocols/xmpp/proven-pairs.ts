// Which pairs of domains one stream has proven, and by what. Every stanza's pair is judged here, per stanza and not
// per stream: a proof by certificate is asked again when the table or the trust anchors have changed since.

import type { ProofWord } from '../../model/event.ts';
import type { Link, ProofResult } from '../../model/ports.ts';
import type { PairVerdict } from './intake.ts';
import type { StreamErrorCondition } from './stream-error.ts';

export interface PairRules {
  ours(domain: string): boolean;
  dialback(domain: string): boolean;
}
interface Proof {
  readonly word: ProofWord;
  readonly certificate: boolean;
  /** Our domains that this domain may address here. */
  readonly to: Set<string>;
}

export class ProvenPairs {
  readonly #rules: PairRules;
  readonly #proofs = new Map<string, Proof>();

  constructor(rules: PairRules) {
    this.#rules = rules;
  }

  /** Every domain proven, with how. */
  get words(): ReadonlyMap<string, ProofWord> {
    return new Map([...this.#proofs].map(([domain, proof]) => [domain, proof.word]));
  }

  /** Notes that `from` has proven itself toward `to`. @param link the connection it did so on */
  add(from: string, to: string, by: 'certificate' | 'dialback', link: Link): void {
    const known = this.#proofs.get(from);
    if (known !== undefined) {
      known.to.add(to);
      return;
    }
    const answer = by === 'certificate' ? link.peer.provenAlready(from, 'xmpp') : undefined;
    const word = answer?.proven === true ? answer.how : by;
    link.notes.proven(from, word);
    this.#proofs.set(from, { word, certificate: by === 'certificate', to: new Set([to]) });
  }

  /** May a stanza from that domain to that domain come over this connection now? */
  judge(from: string, to: string, link: Link): PairVerdict | Promise<PairVerdict> {
    const proof = this.#proofs.get(from);
    // RFC 6120 §4.9.3.9: a domain that this stream has not proven.
    if (proof === undefined) return refuse('invalid-from', `${from} has not been proven on this stream`);
    if (!this.#rules.ours(to)) return refuse('host-unknown', `${to} is not served here`);
    if (!proof.to.has(to)) {
      // One stream serves another domain of ours only where the certificate shown on it names that one too.
      if (!proof.certificate || !link.showsOurs(to, 'xmpp')) {
        return refuse('not-authorized', `${from} has not been proven toward ${to} on this stream`);
      }
      proof.to.add(to);
    }
    if (!proof.certificate) {
      return this.#rules.dialback(from) ? allow(proof.word) : refuse('not-authorized', `dialback is not accepted from ${from}`);
    }
    const cached = link.peer.provenAlready(from, 'xmpp');
    if (cached !== undefined) return fromProof(cached);
    return link.peer.proves(from, 'xmpp').then(fromProof);
  }
}

/**
 * The same on a stream that we opened: its peer speaks as the domain that we called and for no other.
 * @param called `dialback`: the certificate need not prove it, what comes is marked as such
 */
export function judgeCalled(
  link: Link,
  called: { readonly ourDomain: string; readonly theirDomain: string; readonly dialback: boolean },
  from: string,
  to: string,
): PairVerdict | Promise<PairVerdict> {
  const { ourDomain, theirDomain, dialback } = called;
  if (from !== theirDomain) return refuse('invalid-from', `${from} is not who this stream leads to`);
  if (to !== ourDomain) return refuse('host-unknown', `${to} is not served on this stream`);
  const settled = (answer: ProofResult): PairVerdict => (!answer.proven && dialback ? allow('dialback') : fromProof(answer));
  const cached = link.peer.provenAlready(theirDomain, 'xmpp');
  return cached === undefined ? link.peer.proves(theirDomain, 'xmpp').then(settled) : settled(cached);
}

/** What a certificate's answer means for a stanza. */
function fromProof(answer: ProofResult): PairVerdict {
  return answer.proven ? allow(answer.how) : refuse('not-authorized', answer.reason.text);
}
function allow(proof: ProofWord): PairVerdict {
  return { is: 'allowed', proof };
}
function refuse(condition: StreamErrorCondition, text: string): PairVerdict {
  return { is: 'refused', error: { condition, text } };
}
