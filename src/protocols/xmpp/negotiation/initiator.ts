// The initiating side of a stream between servers, as pure steps: TLS, is it them, EXTERNAL or dialback, stream management.
// `step` decides; stream-out.ts carries the actions out, feeds their results back and owns the timers.
//
//   awaitingHeader -> awaitingFeatures -> awaitingProceed -> awaitingTls -> awaitingJudgement
//   awaitingJudgement -> awaitingSecureHeader -> awaitingSecureFeatures -> awaitingSaslAnswer -> awaitingOpenHeader
//     -> awaitingOpenFeatures -> (awaitingEnabled ->) open
//   awaitingSecureFeatures -> awaitingDialbackAnswer -> open        awaitingSecureFeatures -> awaitingVerdict -> ended

import { reason } from '../../../errors.ts';
import type { ProofResult } from '../../../model/ports.ts';
import type { Reason } from '../../../model/reason.ts';
import { type Element, element } from '../element.ts';
import { NS } from '../names.ts';
import { inWords } from '../stream-error.ts';
import { type Features, type PeerLimits, readFeatures } from './features.ts';
import type { Header } from './header.ts';
import { authElement, readFailure } from './sasl-external.ts';

/** What the stream is for; constant while it lives. */
export interface InitiatorPlan {
  readonly ourDomain: string;
  readonly theirDomain: string;
  /** How our domain is spelled in XML (U-labels). */
  readonly ourName: string;
  /** The partner's file says `proof: dialback`: an unproven certificate is accepted and dialback may be used. */
  readonly dialback: boolean;
  /** `send`: stanzas. `verify`: one dialback question, then the end. */
  readonly purpose: 'send' | 'verify';
  readonly bidi: boolean;
}

interface Secured {
  /** Id and dialback declaration of their secure header. */
  readonly id: string;
  readonly dialback: boolean;
}
export type InitiatorState =
  | { readonly is: 'awaitingHeader' }
  | { readonly is: 'awaitingFeatures' }
  | { readonly is: 'awaitingProceed' }
  | { readonly is: 'awaitingTls' }
  | { readonly is: 'awaitingJudgement' }
  | { readonly is: 'awaitingSecureHeader'; readonly proven: boolean }
  | (Secured & { readonly is: 'awaitingSecureFeatures'; readonly proven: boolean })
  | (Secured & { readonly is: 'awaitingSaslAnswer'; readonly bidi: boolean; readonly mayDialBack: boolean })
  | { readonly is: 'awaitingOpenHeader'; readonly bidi: boolean }
  | { readonly is: 'awaitingOpenFeatures'; readonly bidi: boolean }
  | { readonly is: 'awaitingEnabled'; readonly bidi: boolean; readonly limits: PeerLimits }
  | { readonly is: 'awaitingDialbackAnswer'; readonly bidi: boolean; readonly limits: PeerLimits }
  | { readonly is: 'awaitingVerdict' }
  | { readonly is: 'open'; readonly bidi: boolean }
  | { readonly is: 'ended' };

export type InitiatorInput =
  | { readonly kind: 'header'; readonly header: Header }
  | { readonly kind: 'element'; readonly element: Element }
  | { readonly kind: 'secured' }
  /** What their certificate proves about their domain. */
  | { readonly kind: 'judged'; readonly proof: ProofResult }
  /** Their answer to our dialback key. */
  | { readonly kind: 'dialbackAnswer'; readonly valid: boolean; readonly text: string };

export type InitiatorAction =
  | { readonly do: 'sendHeader' }
  | { readonly do: 'send'; readonly element: Element }
  | { readonly do: 'startTls' }
  | { readonly do: 'judge' }
  | { readonly do: 'restart' }
  /** Send `<db:result/>` with the key for this stream id. */
  | { readonly do: 'sendKey'; readonly streamId: string }
  /** Ask the question of a `verify` plan. */
  | { readonly do: 'askVerdict' }
  | {
      readonly do: 'open';
      readonly bidi: boolean;
      readonly streamManagement: boolean;
      readonly limits: PeerLimits;
      readonly how: 'external' | 'dialback';
    }
  | { readonly do: 'take'; readonly element: Element }
  | { readonly do: 'fail'; readonly reason: Reason };

type Step = readonly [InitiatorState, readonly InitiatorAction[]];

/** The first state and what it does. @param secure the link has come with TLS (XEP-0368) */
export function initiatorStart(secure: boolean): Step {
  return secure ? [{ is: 'awaitingJudgement' }, [{ do: 'judge' }]] : [{ is: 'awaitingHeader' }, [{ do: 'sendHeader' }]];
}

/** One step; an input that a state does not know fails the stream by name. */
export function initiatorStep(state: InitiatorState, input: InitiatorInput, plan: InitiatorPlan): Step {
  switch (state.is) {
    case 'awaitingHeader':
      if (input.kind === 'header') return [{ is: 'awaitingFeatures' }, []];
      break;
    case 'awaitingFeatures':
      if (isFeatures(input)) return plainFeatures(readFeatures(input.element), plan);
      break;
    case 'awaitingProceed':
      if (is(input, 'proceed', NS.tls)) return [{ is: 'awaitingTls' }, [{ do: 'startTls' }]];
      if (is(input, 'failure', NS.tls)) return failed(reason('NET_TLS_FAILED', `${plan.theirDomain} answered STARTTLS with a failure`));
      break;
    case 'awaitingTls':
      if (input.kind === 'secured') return [{ is: 'awaitingJudgement' }, [{ do: 'judge' }]];
      break;
    case 'awaitingJudgement':
      if (input.kind !== 'judged') break;
      // RFC 6120 §13.7.2: nothing is said to a server that is not who we called, unless the partner's file asks for dialback.
      if (!input.proof.proven && !plan.dialback) return failed(input.proof.reason);
      return [{ is: 'awaitingSecureHeader', proven: input.proof.proven }, [{ do: 'restart' }, { do: 'sendHeader' }]];
    case 'awaitingSecureHeader':
      if (input.kind !== 'header') break;
      return [{ is: 'awaitingSecureFeatures', proven: state.proven, id: input.header.id ?? '', dialback: input.header.dialback }, []];
    case 'awaitingSecureFeatures':
      if (isFeatures(input)) return secureFeatures(state, readFeatures(input.element), plan);
      break;
    case 'awaitingSaslAnswer':
      return saslAnswer(state, input, plan);
    case 'awaitingOpenHeader':
      if (input.kind === 'header') return [{ is: 'awaitingOpenFeatures', bidi: state.bidi }, []];
      break;
    case 'awaitingOpenFeatures':
      if (isFeatures(input)) return openFeatures(state.bidi, readFeatures(input.element));
      break;
    case 'awaitingEnabled':
      if (is(input, 'enabled', NS.sm)) return opened(state.bidi, true, state.limits, 'external');
      if (is(input, 'failed', NS.sm)) return opened(state.bidi, false, state.limits, 'external');
      // A bidi peer may speak already while we wait.
      if (input.kind === 'element') return [state, [{ do: 'take', element: input.element }]];
      break;
    case 'awaitingDialbackAnswer':
      if (input.kind === 'dialbackAnswer') {
        if (input.valid) return opened(state.bidi, false, state.limits, 'dialback');
        return failed(
          reason('NET_STREAM_FAILED', `${plan.theirDomain} did not accept our dialback key: ${input.text}`, {
            finer: 'XMPP_DIALBACK_FALSE',
          }),
        );
      }
      if (input.kind === 'element') return [state, [{ do: 'take', element: input.element }]];
      break;
    case 'awaitingVerdict':
    case 'open':
      if (input.kind === 'element') return [state, [{ do: 'take', element: input.element }]];
      break;
    case 'ended':
      return [state, []];
    default:
      return state satisfies never;
  }
  return unexpected(state, input, plan);
}

function is(input: InitiatorInput, name: string, ns: string): boolean {
  return input.kind === 'element' && input.element.name === name && input.element.ns === ns;
}
function isFeatures(input: InitiatorInput): input is Extract<InitiatorInput, { kind: 'element' }> {
  return is(input, 'features', NS.streams);
}
function failed(why: Reason): Step {
  return [{ is: 'ended' }, [{ do: 'fail', reason: why }]];
}
function unexpected(state: InitiatorState, input: InitiatorInput, plan: InitiatorPlan): Step {
  const what = input.kind === 'element' ? `<${input.element.name}/>` : input.kind;
  return failed(reason('NET_STREAM_FAILED', `${plan.theirDomain} sent ${what} to a stream that was ${state.is}`));
}
function opened(bidi: boolean, streamManagement: boolean, limits: PeerLimits, how: 'external' | 'dialback'): Step {
  return [{ is: 'open', bidi }, [{ do: 'open', bidi, streamManagement, limits, how }]];
}

function plainFeatures(features: Features, plan: InitiatorPlan): Step {
  // RFC 6120 §5.3.1: without TLS nothing is sent.
  if (features.starttls === 'no')
    return failed(reason('NET_TLS_FAILED', `${plan.theirDomain} does not offer STARTTLS`, { finer: 'XMPP_STARTTLS_NOT_OFFERED' }));
  return [{ is: 'awaitingProceed' }, [{ do: 'send', element: element('starttls', NS.tls) }]];
}

function secureFeatures(state: Extract<InitiatorState, { is: 'awaitingSecureFeatures' }>, features: Features, plan: InitiatorPlan): Step {
  if (plan.purpose === 'verify') return [{ is: 'awaitingVerdict' }, [{ do: 'askVerdict' }]];
  const bidi = plan.bidi && features.bidi;
  // XEP-0288 §2.2: asked for before authentication.
  const ask: InitiatorAction[] = bidi ? [{ do: 'send', element: element('bidi', NS.bidi) }] : [];
  const mayDialBack = plan.dialback && (features.dialback || state.dialback);
  const { id, dialback } = state;
  if (features.mechanisms.includes('EXTERNAL')) {
    const auth: InitiatorAction = { do: 'send', element: authElement(plan.ourName) };
    return [{ is: 'awaitingSaslAnswer', id, dialback, bidi, mayDialBack }, [...ask, auth]];
  }
  if (mayDialBack) return [{ is: 'awaitingDialbackAnswer', bidi, limits: features.limits }, [...ask, { do: 'sendKey', streamId: id }]];
  return failed(
    reason(
      'NET_STREAM_FAILED',
      `${plan.theirDomain} does not offer SASL EXTERNAL to ${plan.ourDomain}: it does not accept our certificate ` +
        '(it must name the domain, come from an authority the partner trusts, and older servers also want clientAuth in it)',
      { finer: 'XMPP_EXTERNAL_NOT_OFFERED' },
    ),
  );
}

function saslAnswer(state: Extract<InitiatorState, { is: 'awaitingSaslAnswer' }>, input: InitiatorInput, plan: InitiatorPlan): Step {
  if (is(input, 'success', NS.sasl)) return [{ is: 'awaitingOpenHeader', bidi: state.bidi }, [{ do: 'restart' }, { do: 'sendHeader' }]];
  if (input.kind === 'element' && is(input, 'failure', NS.sasl)) {
    if (state.mayDialBack) {
      return [{ is: 'awaitingDialbackAnswer', bidi: state.bidi, limits: {} }, [{ do: 'sendKey', streamId: state.id }]];
    }
    const words = inWords(readFailure(input.element));
    // Servers that insist on clientAuth say so in their text: "unsupported certificate purpose".
    const finer = /purpose|unsupported certificate/i.test(words) ? 'OUR_CERT_PURPOSE_REFUSED' : 'XMPP_NOT_AUTHORIZED';
    return failed(reason('NET_STREAM_FAILED', `${plan.theirDomain} refused SASL EXTERNAL for ${plan.ourDomain}: ${words}`, { finer }));
  }
  return unexpected(state, input, plan);
}

function openFeatures(bidi: boolean, features: Features): Step {
  const { limits } = features;
  if (!features.streamManagement) return opened(bidi, false, limits, 'external');
  return [{ is: 'awaitingEnabled', bidi, limits }, [{ do: 'send', element: element('enable', NS.sm) }]];
}
