// The receiving side of a stream between servers, as pure steps: header, STARTTLS, who is it, EXTERNAL or dialback, open.
// `step` decides; stream-in.ts carries the actions out and feeds their results back. Timers are stream-in's too: an input
// never fails to come, because stream-in ends the stream when it is late.
//
//   awaitingHeader -> awaitingStarttls -> awaitingTls -> awaitingSecureHeader -> awaitingJudgement -> awaitingProof
//   awaitingProof --EXTERNAL--> awaitingRestart -> open        awaitingProof --dialback--> open

import type { ProofResult } from '../../../model/ports.ts';
import type { Element } from '../element.ts';
import { element } from '../element.ts';
import { NS } from '../names.ts';
import { isStanza } from '../parse.ts';
import type { StreamError } from '../stream-error.ts';
import { type Features, NO_FEATURES, type PeerLimits } from './features.ts';
import type { Header } from './header.ts';
import { failureElement, judgeAuth, SUCCESS } from './sasl-external.ts';
import { unexpectedError } from './unexpected.ts';

/** What the steps ask about the world; answers may change between steps. */
export interface ReceiverRules {
  /** Is it a domain of ours? */
  ours(domain: string): boolean;
  /** May this domain prove itself by dialback (its partner's file says so)? */
  dialback(domain: string): boolean;
  readonly limitsBefore: PeerLimits;
  readonly limitsAfter: PeerLimits;
}

interface Named {
  /** The peer's domain and ours, as in the headers. */
  readonly from: string;
  readonly to: string;
}
export type ReceiverState =
  | { readonly is: 'awaitingHeader' }
  | { readonly is: 'awaitingStarttls' }
  | { readonly is: 'awaitingTls' }
  | { readonly is: 'awaitingSecureHeader' }
  | (Named & { readonly is: 'awaitingJudgement' })
  | (Named & { readonly is: 'awaitingProof'; readonly external: boolean; readonly dialback: boolean; readonly bidi: boolean })
  | (Named & { readonly is: 'awaitingRestart'; readonly bidi: boolean })
  | (Named & { readonly is: 'open'; readonly bidi: boolean })
  | { readonly is: 'ended' };

export type ReceiverInput =
  | { readonly kind: 'header'; readonly header: Header }
  | { readonly kind: 'element'; readonly element: Element }
  /** The TLS handshake is done. */
  | { readonly kind: 'secured' }
  /** What the peer's certificate proves about the header's `from`. */
  | { readonly kind: 'judged'; readonly proof: ProofResult }
  /** A dialback key for that pair has been found valid. */
  | { readonly kind: 'proved'; readonly from: string; readonly to: string };

export type ReceiverAction =
  | { readonly do: 'sendHeader'; readonly from?: string; readonly to?: string }
  | { readonly do: 'sendFeatures'; readonly features: Features }
  | { readonly do: 'send'; readonly element: Element }
  | { readonly do: 'startTls' }
  | { readonly do: 'judge'; readonly from: string }
  /** The next bytes are a new stream. */
  | { readonly do: 'restart' }
  /** The pair of the headers is proven from here on. */
  | {
      readonly do: 'authenticate';
      readonly from: string;
      readonly to: string;
      readonly how: 'external' | 'dialback';
      readonly bidi: boolean;
    }
  /** Stanzas, dialback and stream management elements of an open stream; dialback also before it is open. */
  | { readonly do: 'take'; readonly element: Element }
  | { readonly do: 'end'; readonly error: StreamError };

type Step = readonly [ReceiverState, readonly ReceiverAction[]];

/** The first state. @param secure the link has come with TLS (XEP-0368) */
export function receiverStart(secure: boolean): ReceiverState {
  return { is: secure ? 'awaitingSecureHeader' : 'awaitingHeader' };
}

/** One step; an input that a state does not know ends the stream by name. */
export function receiverStep(state: ReceiverState, input: ReceiverInput, rules: ReceiverRules): Step {
  switch (state.is) {
    case 'awaitingHeader':
      if (input.kind === 'header') return firstHeader(input.header, rules);
      return unexpected(input);
    case 'awaitingStarttls':
      if (input.kind === 'element') return starttls(input.element);
      return unexpected(input);
    case 'awaitingTls':
      if (input.kind === 'secured') return [{ is: 'awaitingSecureHeader' }, [{ do: 'restart' }]];
      return unexpected(input);
    case 'awaitingSecureHeader':
      if (input.kind === 'header') return secureHeader(input.header, rules);
      return unexpected(input);
    case 'awaitingJudgement':
      if (input.kind === 'judged') return judged(state, input.proof, rules);
      return unexpected(input);
    case 'awaitingProof':
      if (input.kind === 'element') return proof(state, input.element);
      if (input.kind === 'proved') {
        const { from, to } = input;
        // XEP-0288 §2.3: bidi is about the pair of the headers.
        const bidi = state.bidi && from === state.from && to === state.to;
        return [{ is: 'open', from, to, bidi }, [{ do: 'authenticate', from, to, how: 'dialback', bidi }]];
      }
      return unexpected(input);
    case 'awaitingRestart':
      if (input.kind === 'header') return restarted(state, input.header, rules);
      return unexpected(input);
    case 'open':
      if (input.kind === 'element') return [state, [{ do: 'take', element: input.element }]];
      if (input.kind === 'proved') return [state, []];
      return unexpected(input);
    case 'ended':
      return [state, []];
    default:
      return state satisfies never;
  }
}

function ended(error: StreamError): Step {
  return [{ is: 'ended' }, [{ do: 'end', error }]];
}

function unexpected(input: ReceiverInput): Step {
  return ended(unexpectedError(input));
}

/** Answers the header, so that an error can follow it (RFC 6120 §4.9.1.1), and refuses what no stream of ours can be. */
function answered(
  header: Header,
  rules: ReceiverRules,
  needsFrom: boolean,
): { readonly reply: ReceiverAction; readonly error?: StreamError } {
  const known = header.to !== undefined && rules.ours(header.to);
  const reply: ReceiverAction = {
    do: 'sendHeader',
    // RFC 6120 §4.7.1: never claim to be a domain that is not ours.
    ...(known && header.to !== undefined ? { from: header.to } : {}),
    ...(header.from === undefined ? {} : { to: header.from }),
  };
  if (header.to === undefined) return { reply, error: { condition: 'improper-addressing', text: 'the stream header needs a to' } };
  if (!known) return { reply, error: { condition: 'host-unknown', text: 'this domain is not served here' } };
  if (needsFrom && header.from === undefined) {
    return { reply, error: { condition: 'improper-addressing', text: 'the stream header needs a from' } };
  }
  // Our own domains are never accepted from outside.
  if (header.from !== undefined && rules.ours(header.from)) {
    return { reply, error: { condition: 'invalid-from', text: 'this domain is served here and cannot connect from outside' } };
  }
  return { reply };
}

function refusedHeader(reply: ReceiverAction, error: StreamError): Step {
  return [{ is: 'ended' }, [reply, { do: 'end', error }]];
}

function firstHeader(header: Header, rules: ReceiverRules): Step {
  const { reply, error } = answered(header, rules, false);
  if (error !== undefined) return refusedHeader(reply, error);
  const features: Features = { ...NO_FEATURES, starttls: 'required' };
  return [{ is: 'awaitingStarttls' }, [reply, { do: 'sendFeatures', features }]];
}

function starttls(received: Element): Step {
  if (received.ns === NS.tls && received.name === 'starttls') {
    return [{ is: 'awaitingTls' }, [{ do: 'send', element: element('proceed', NS.tls) }, { do: 'startTls' }]];
  }
  if (isStanza(received)) return unexpected({ kind: 'element', element: received });
  // RFC 6120 §5.3.1: TLS is mandatory, nothing else comes before it.
  return ended({ condition: 'policy-violation', text: 'use STARTTLS first' });
}

function secureHeader(header: Header, rules: ReceiverRules): Step {
  const { reply, error } = answered(header, rules, true);
  const { from, to } = header;
  if (error !== undefined || from === undefined || to === undefined)
    return refusedHeader(reply, error ?? { condition: 'improper-addressing' });
  return [{ is: 'awaitingJudgement', from, to }, [reply, { do: 'judge', from }]];
}

function judged(state: Named, proof: ProofResult, rules: ReceiverRules): Step {
  const { from, to } = state;
  // XEP-0178 §3 step 5: EXTERNAL is offered only where it can succeed.
  const external = proof.proven;
  const dialback = rules.dialback(from);
  if (!external && !dialback) return ended({ condition: 'not-authorized', text: proof.reason.text });
  const features: Features = {
    ...NO_FEATURES,
    mechanisms: external ? ['EXTERNAL'] : [],
    dialback,
    bidi: true,
    limits: rules.limitsBefore,
  };
  return [{ is: 'awaitingProof', from, to, external, dialback, bidi: false }, [{ do: 'sendFeatures', features }]];
}

function proof(state: Extract<ReceiverState, { is: 'awaitingProof' }>, received: Element): Step {
  const { from, to, bidi } = state;
  if (received.ns === NS.bidi && received.name === 'bidi') return [{ ...state, bidi: true }, []];
  if (received.ns === NS.dialback) {
    // With a certificate that proves the domain, dialback needs no file: it is answered without the call-back (XEP-0344).
    if (state.dialback || state.external) return [state, [{ do: 'take', element: received }]];
    return ended({ condition: 'not-authorized', text: 'dialback is not accepted from this domain' });
  }
  if (received.ns !== NS.sasl) return unexpected({ kind: 'element', element: received });
  if (received.name === 'abort') return [state, [{ do: 'send', element: failureElement('aborted') }]];
  if (received.name !== 'auth') return unexpected({ kind: 'element', element: received });
  const verdict = state.external ? judgeAuth(received, from) : 'not-authorized';
  if (verdict === 'ok') {
    return [{ is: 'awaitingRestart', from, to, bidi }, [{ do: 'send', element: SUCCESS }, { do: 'restart' }]];
  }
  const failure: ReceiverAction = { do: 'send', element: failureElement(verdict) };
  // Only under `proof: dialback` is there another way left.
  if (state.dialback) return [{ ...state, external: false }, [failure]];
  return [{ is: 'ended' }, [failure, { do: 'end', error: { condition: 'not-authorized', text: 'SASL EXTERNAL failed' } }]];
}

function restarted(state: Extract<ReceiverState, { is: 'awaitingRestart' }>, header: Header, rules: ReceiverRules): Step {
  const { from, to, bidi } = state;
  const reply: ReceiverAction = { do: 'sendHeader', from: to, to: from };
  // RFC 6120 §4.3.3: it is the same pair that goes on; an absent address means the same one.
  if ((header.from ?? from) !== from) return refusedHeader(reply, { condition: 'invalid-from', text: 'from has changed' });
  if ((header.to ?? to) !== to) return refusedHeader(reply, { condition: 'host-unknown', text: 'to has changed' });
  const features: Features = { ...NO_FEATURES, dialback: true, streamManagement: true, limits: rules.limitsAfter };
  const authenticate: ReceiverAction = { do: 'authenticate', from, to, how: 'external', bidi };
  return [{ is: 'open', from, to, bidi }, [reply, { do: 'sendFeatures', features }, authenticate]];
}
