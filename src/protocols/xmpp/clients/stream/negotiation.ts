// The server's side of a stream from a client, as pure steps (RFC 6120 §4 to §7, XEP-0388): header, STARTTLS, sign-in, then a
// resource or a resumed session. `step` decides; stream.ts carries the actions out and feeds their results back.
//
//   awaitingHeader -> awaitingStarttls -> awaitingTls -> awaitingSecureHeader -> awaitingAuth <-> awaitingVerdict
//   awaitingVerdict -> awaitingResponse -> awaitingVerdict        awaitingVerdict -> awaitingRestart -> awaitingBind -> open
//   awaitingVerdict --by XEP-0388--> awaitingWelcome -> open, or awaitingBind
//   awaitingBind --resume--> awaitingResume -> open, or awaitingBind again      awaitingAuth <--invited--> awaitingAnswer

import type { Person } from '../../../../model/core.ts';
import { child, type Element, element, elements, text } from '../../element.ts';
import { iqError } from '../../iq.ts';
import { toAddress } from '../../jid.ts';
import { NS } from '../../names.ts';
import type { Header } from '../../negotiation/header.ts';
import { unexpectedError } from '../../negotiation/unexpected.ts';
import { isStanza } from '../../parse.ts';
import { stanzaError } from '../../replies.ts';
import type { StreamError } from '../../stream-error.ts';
import type { SaslReply } from '../sign-in/sasl.ts';
import {
  challengeElement,
  failureElement,
  isAbort,
  type Opening,
  readOpening,
  readResponse,
  type SaslData,
  successElement,
  type Wish,
} from '../sign-in/sasl2.ts';
import { type AuthOffer, authFeatures, plainFeatures, sessionFeatures } from './features.ts';

/** What the steps ask about the world. */
export interface ClientRules extends AuthOffer {
  /** Features of the stream for whoever has signed in, besides the usual. */
  readonly told?: readonly Element[];
  /** The domain of ours by any of its names, when its users are the core's. */
  serves(domain: string): string | undefined;
}

interface At {
  /** As the client names it, and as its users' addresses have it. */
  readonly host: string;
  readonly domain: string;
}
/** A try to sign in. `wish`: it is one by XEP-0388. */
interface Trying extends At {
  readonly failures: number;
  readonly wish?: Wish | undefined;
}
export type ClientState =
  | { readonly is: 'awaitingHeader' }
  | { readonly is: 'awaitingStarttls' }
  | { readonly is: 'awaitingTls' }
  | { readonly is: 'awaitingSecureHeader' }
  | (At & { readonly is: 'awaitingAuth'; readonly failures: number })
  /** The sign-in is being looked at. */
  | (Trying & { readonly is: 'awaitingVerdict' })
  | (Trying & { readonly is: 'awaitingResponse' })
  /** A request of somebody who is invited is being answered. */
  | (At & { readonly is: 'awaitingAnswer'; readonly failures: number })
  /** Signed in by XEP-0388: what was asked for along with it is being done. */
  | (At & { readonly is: 'awaitingWelcome'; readonly person: Person })
  | (At & { readonly is: 'awaitingRestart'; readonly person: Person })
  | (At & { readonly is: 'awaitingBind'; readonly person: Person })
  | (At & { readonly is: 'awaitingResume'; readonly person: Person })
  | { readonly is: 'open' }
  | { readonly is: 'ended' };

export type ClientInput =
  | { readonly kind: 'header'; readonly header: Header }
  /** Names of `jabber:client` as `jabber:server`, as everywhere on this shore. */
  | { readonly kind: 'element'; readonly element: Element }
  | { readonly kind: 'secured' }
  | { readonly kind: 'verdict'; readonly reply: SaslReply }
  | { readonly kind: 'answered' }
  /** `open`: with a session, bound or resumed. */
  | { readonly kind: 'welcomed'; readonly open: boolean }
  | { readonly kind: 'resumed'; readonly ok: boolean };

export type ClientAction =
  | { readonly do: 'sendHeader'; readonly from?: string }
  | { readonly do: 'send'; readonly element: Element }
  | { readonly do: 'startTls' }
  /** The next bytes are a new stream. */
  | { readonly do: 'restart' }
  | ({ readonly do: 'beginAuth'; readonly domain: string } & Opening)
  | { readonly do: 'respondAuth'; readonly response: Buffer }
  /** A request of somebody who has not signed in (XEP-0445). */
  | { readonly do: 'register'; readonly domain: string; readonly request: Element }
  | { readonly do: 'welcome'; readonly person: Person; readonly wish: Wish; readonly data: SaslData | undefined }
  | { readonly do: 'bind'; readonly person: Person; readonly request: Element; readonly resource?: string }
  | { readonly do: 'resume'; readonly person: Person; readonly request: Element }
  /** What an open stream brings. */
  | { readonly do: 'take'; readonly element: Element }
  | { readonly do: 'end'; readonly error: StreamError };

type Step = readonly [ClientState, readonly ClientAction[]];

/**
 * RFC 6120 §6.4.5: between two and five tries on one stream. Five, because slixmpp 1.8 asks under TLS 1.3 for tls-unique, which
 * is not there (RFC 8446 §C.5), with both PLUS mechanisms before it goes on to the others.
 */
const TRIES = 5;

/** The first state. @param secure the link has come with TLS (XEP-0368) */
export function clientStart(secure: boolean): ClientState {
  return { is: secure ? 'awaitingSecureHeader' : 'awaitingHeader' };
}

/** One step; an input that a state does not know ends the stream by name. */
export function clientStep(state: ClientState, input: ClientInput, rules: ClientRules): Step {
  switch (state.is) {
    case 'awaitingHeader':
      if (input.kind === 'header') return opened(input.header, rules, () => [{ is: 'awaitingStarttls' }, plainFeatures()]);
      return unexpected(input);
    case 'awaitingStarttls':
      if (input.kind === 'element') return starttls(input.element);
      return unexpected(input);
    case 'awaitingTls':
      if (input.kind === 'secured') return [{ is: 'awaitingSecureHeader' }, [{ do: 'restart' }]];
      return unexpected(input);
    case 'awaitingSecureHeader':
      if (input.kind !== 'header') return unexpected(input);
      return opened(input.header, rules, (at) => [{ is: 'awaitingAuth', ...at, failures: 0 }, authFeatures(rules)]);
    case 'awaitingAuth':
    case 'awaitingResponse':
      if (input.kind === 'element') return auth(state, input.element, rules);
      return unexpected(input);
    case 'awaitingVerdict':
      if (input.kind === 'verdict') return judged(state, input.reply);
      return unexpected(input);
    case 'awaitingAnswer':
      return input.kind === 'answered' ? [{ ...state, is: 'awaitingAuth' }, []] : unexpected(input);
    case 'awaitingWelcome': {
      if (input.kind !== 'welcomed') return unexpected(input);
      const { host, domain, person } = state;
      // XEP-0388 §2.6.1: the stream goes on as it is, and says what it offers now.
      return input.open
        ? [{ is: 'open' }, []]
        : [{ is: 'awaitingBind', host, domain, person }, [{ do: 'send', element: sessionFeatures(rules.told) }]];
    }
    case 'awaitingRestart': {
      if (input.kind !== 'header') return unexpected(input);
      const { host, domain, person } = state;
      // RFC 6120 §4.3.3: it is the same domain that goes on.
      return opened(input.header, rules, (at) =>
        at.domain === domain ? [{ is: 'awaitingBind', host, domain, person }, sessionFeatures(rules.told)] : undefined,
      );
    }
    case 'awaitingBind':
      if (input.kind === 'element') return binding(state, input.element);
      return unexpected(input);
    case 'awaitingResume':
      if (input.kind !== 'resumed') return unexpected(input);
      return input.ok ? [{ is: 'open' }, []] : [{ ...state, is: 'awaitingBind' }, []];
    case 'open':
      if (input.kind === 'element') return [state, [{ do: 'take', element: input.element }]];
      return unexpected(input);
    case 'ended':
      return [state, []];
    default:
      return state satisfies never;
  }
}

function ended(error: StreamError, ...before: readonly ClientAction[]): Step {
  return [{ is: 'ended' }, [...before, { do: 'end', error }]];
}

function unexpected(input: ClientInput): Step {
  return ended(unexpectedError(input));
}

/** Answers a header, so that an error can follow it (RFC 6120 §4.9.1.1), and then says what is offered. */
function opened({ to }: Header, rules: ClientRules, next: (at: At) => readonly [ClientState, Element] | undefined): Step {
  const domain = to === undefined ? undefined : rules.serves(to);
  if (to === undefined) return ended({ condition: 'improper-addressing', text: 'the stream header needs a to' }, { do: 'sendHeader' });
  const unknown: StreamError = { condition: 'host-unknown', text: 'this server has no users at that domain' };
  if (domain === undefined) return ended(unknown, { do: 'sendHeader' });
  const reply: ClientAction = { do: 'sendHeader', from: to };
  const following = next({ host: to, domain });
  if (following === undefined) return ended({ condition: 'host-unknown', text: 'to has changed' }, reply);
  return [following[0], [reply, { do: 'send', element: following[1] }]];
}

function starttls(received: Element): Step {
  if (received.ns === NS.tls && received.name === 'starttls')
    return [{ is: 'awaitingTls' }, [{ do: 'send', element: element('proceed', NS.tls) }, { do: 'startTls' }]];
  if (isStanza(received)) return unexpected({ kind: 'element', element: received });
  // RFC 6120 §5.3.1: TLS is mandatory, nothing else comes before it.
  return ended({ condition: 'policy-violation', text: 'use STARTTLS first' });
}

function auth(state: Extract<ClientState, { is: 'awaitingAuth' | 'awaitingResponse' }>, received: Element, rules: ClientRules): Step {
  const wish = state.is === 'awaitingResponse' ? state.wish : undefined;
  const { host, domain, failures } = state;
  if (isAbort(received)) return failed({ ...state, wish: received.ns === NS.sasl2 ? (wish ?? {}) : undefined }, 'aborted');
  if (state.is === 'awaitingResponse') {
    const response = readResponse(received, wish);
    if (response === undefined) return unexpected({ kind: 'element', element: received });
    if (response === 'incorrect-encoding') return failed(state, response);
    return [{ is: 'awaitingVerdict', host, domain, failures, wish }, [{ do: 'respondAuth', response }]];
  }
  if (rules.invited && asksToRegister(received))
    return [{ is: 'awaitingAnswer', host, domain, failures }, [{ do: 'register', domain, request: received }]];
  const opening = readOpening(received);
  if (opening === undefined) return unexpected({ kind: 'element', element: received });
  if (opening === 'incorrect-encoding') return failed({ ...state, wish: received.ns === NS.sasl2 ? {} : undefined }, opening);
  const offered = opening.wish?.fast === undefined ? rules.mechanisms : rules.tokens;
  if (!offered.includes(opening.mechanism)) return failed({ ...state, wish: opening.wish }, 'invalid-mechanism');
  return [{ is: 'awaitingVerdict', host, domain, failures, wish: opening.wish }, [{ do: 'beginAuth', domain, ...opening }]];
}

/** XEP-0445 §5: an invitation is shown, and then the account is made with it (XEP-0077). */
function asksToRegister(received: Element): boolean {
  if (received.name !== 'iq' || !isStanza(received)) return false;
  const [payload] = elements(received);
  return payload?.ns === NS.preAuth || payload?.ns === NS.register;
}

function judged(state: Trying, reply: SaslReply): Step {
  const { host, domain, failures, wish } = state;
  switch (reply.is) {
    case 'challenge':
      return [{ is: 'awaitingResponse', host, domain, failures, wish }, [{ do: 'send', element: challengeElement(wish, reply.data) }]];
    case 'success': {
      const { person, data } = reply;
      if (wish !== undefined) return [{ is: 'awaitingWelcome', host, domain, person }, [{ do: 'welcome', person, wish, data }]];
      return [{ is: 'awaitingRestart', host, domain, person }, [{ do: 'send', element: successElement(data) }, { do: 'restart' }]];
    }
    case 'failure':
      return failed(state, reply.condition, reply.text);
    default:
      return reply satisfies never;
  }
}

function failed({ host, domain, failures, wish }: Trying, condition: string, words?: string): Step {
  const send: ClientAction = { do: 'send', element: failureElement(wish, condition, words) };
  if (failures + 1 >= TRIES) return ended({ condition: 'policy-violation', text: 'too many failed sign-ins on one stream' }, send);
  return [{ is: 'awaitingAuth', host, domain, failures: failures + 1 }, [send]];
}

function binding(state: Extract<ClientState, { is: 'awaitingBind' }>, received: Element): Step {
  const { person } = state;
  if (received.ns === NS.sm) {
    if (received.name === 'resume') return [{ ...state, is: 'awaitingResume' }, [{ do: 'resume', person, request: received }]];
    // XEP-0198 §3: only after a resource is bound.
    if (received.name === 'enable')
      return [state, [{ do: 'send', element: element('failed', NS.sm, {}, [element('unexpected-request', NS.stanzas)]) }]];
  }
  const bind = received.name === 'iq' && received.attrs.type === 'set' ? child(received, 'bind', NS.bind) : undefined;
  if (!isStanza(received)) return ended({ condition: 'policy-violation', text: `<${received.name}/> comes after a resource is bound` });
  // RFC 6120 §7.1: nothing else before a resource is bound.
  if (bind === undefined) {
    if (received.name !== 'iq') return ended({ condition: 'not-authorized', text: 'bind a resource first' });
    return [state, [{ do: 'send', element: iqError(received, stanzaError('not-authorized', 'auth', 'bind a resource first')) }]];
  }
  const wished = child(bind, 'resource', NS.bind);
  const resource = wished === undefined ? '' : text(wished).trim();
  // RFC 6120 §7.7.2.1: one that no address can have.
  if (resource !== '' && 'code' in toAddress(`${state.domain}/${resource}`))
    return [state, [{ do: 'send', element: iqError(received, stanzaError('bad-request', 'modify', 'no client can have that name')) }]];
  return [{ is: 'open' }, [{ do: 'bind', person, request: received, ...(resource !== '' && { resource }) }]];
}
