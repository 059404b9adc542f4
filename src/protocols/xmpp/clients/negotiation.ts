// The server's side of a stream from a client, as pure steps (RFC 6120 §4 to §7): header, STARTTLS, sign-in, restart, then a
// resource or a resumed session. `step` decides; stream.ts carries the actions out and feeds their results back.
//
//   awaitingHeader -> awaitingStarttls -> awaitingTls -> awaitingSecureHeader -> awaitingAuth <-> awaitingVerdict
//   awaitingVerdict -> awaitingResponse -> awaitingVerdict        awaitingVerdict -> awaitingRestart -> awaitingBind -> open
//   awaitingBind --resume--> awaitingResume -> open, or awaitingBind again

import type { Person } from '../../../model/core.ts';
import { child, type Element, element, text } from '../element.ts';
import { iqError } from '../iq.ts';
import { NS } from '../names.ts';
import type { Header } from '../negotiation/header.ts';
import { isStanza } from '../parse.ts';
import { stanzaError } from '../replies.ts';
import type { StreamError } from '../stream-error.ts';
import { authFeatures, plainFeatures, sessionFeatures } from './features.ts';
import type { SaslReply } from './sasl.ts';

/** What the steps ask about the world. */
export interface ClientRules {
  /** The domain of ours by any of its names, when its users are the core's. */
  serves(domain: string): string | undefined;
  readonly mechanisms: readonly string[];
  /** Names of channel bindings (XEP-0440). */
  readonly bindings: readonly string[];
}

interface At {
  /** As the client names it, and as its users' addresses have it. */
  readonly host: string;
  readonly domain: string;
}
export type ClientState =
  | { readonly is: 'awaitingHeader' }
  | { readonly is: 'awaitingStarttls' }
  | { readonly is: 'awaitingTls' }
  | { readonly is: 'awaitingSecureHeader' }
  | (At & { readonly is: 'awaitingAuth'; readonly failures: number })
  /** The sign-in is being looked at. */
  | (At & { readonly is: 'awaitingVerdict'; readonly failures: number })
  | (At & { readonly is: 'awaitingResponse'; readonly failures: number })
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
  | { readonly kind: 'resumed'; readonly ok: boolean };

export type ClientAction =
  | { readonly do: 'sendHeader'; readonly from?: string }
  | { readonly do: 'send'; readonly element: Element }
  | { readonly do: 'startTls' }
  /** The next bytes are a new stream. */
  | { readonly do: 'restart' }
  | { readonly do: 'beginAuth'; readonly domain: string; readonly mechanism: string; readonly initial: Buffer | undefined }
  | { readonly do: 'respondAuth'; readonly response: Buffer }
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
      return opened(input.header, rules, (at) => [
        { is: 'awaitingAuth', ...at, failures: 0 },
        authFeatures(rules.mechanisms, rules.bindings),
      ]);
    case 'awaitingAuth':
    case 'awaitingResponse':
      if (input.kind === 'element') return auth(state, input.element, rules);
      return unexpected(input);
    case 'awaitingVerdict':
      if (input.kind === 'verdict') return judged(state, input.reply);
      return unexpected(input);
    case 'awaitingRestart': {
      if (input.kind !== 'header') return unexpected(input);
      const { host, domain, person } = state;
      // RFC 6120 §4.3.3: it is the same domain that goes on.
      return opened(input.header, rules, (at) =>
        at.domain === domain ? [{ is: 'awaitingBind', host, domain, person }, sessionFeatures()] : undefined,
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
  switch (input.kind) {
    case 'element':
      // RFC 6120 §4.9.3.12: stanzas before sign-in.
      if (isStanza(input.element)) return ended({ condition: 'not-authorized', text: 'stanzas come after sign-in' });
      return ended({ condition: 'policy-violation', text: `<${input.element.name}/> is not what this stream waits for` });
    case 'header':
      return ended({ condition: 'bad-format', text: 'a second stream header' });
    case 'secured':
    case 'verdict':
    case 'resumed':
      return ended({ condition: 'internal-server-error' });
    default:
      return input satisfies never;
  }
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
  if (received.ns !== NS.sasl) return unexpected({ kind: 'element', element: received });
  const waiting = { ...state, is: 'awaitingVerdict' } as const;
  if (received.name === 'abort') return failed(state, 'aborted');
  // RFC 6120 §6.4.2: `=` is an empty response, nothing at all is none.
  const said = text(received).trim();
  const data = said === '=' ? Buffer.alloc(0) : /^[A-Za-z0-9+/]*={0,2}$/.test(said) ? Buffer.from(said, 'base64') : undefined;
  if (data === undefined) return failed(state, 'incorrect-encoding');
  if (received.name === 'response' && state.is === 'awaitingResponse') return [waiting, [{ do: 'respondAuth', response: data }]];
  if (received.name !== 'auth' || state.is !== 'awaitingAuth') return unexpected({ kind: 'element', element: received });
  const mechanism = received.attrs.mechanism ?? '';
  if (!rules.mechanisms.includes(mechanism)) return failed(state, 'invalid-mechanism');
  return [waiting, [{ do: 'beginAuth', domain: state.domain, mechanism, initial: said === '' ? undefined : data }]];
}

function judged(state: At & { readonly failures: number }, reply: SaslReply): Step {
  const { host, domain, failures } = state;
  switch (reply.is) {
    case 'challenge': {
      const challenge = element('challenge', NS.sasl, {}, base64(reply.data));
      return [{ is: 'awaitingResponse', host, domain, failures }, [{ do: 'send', element: challenge }]];
    }
    case 'success': {
      const success = element('success', NS.sasl, {}, reply.data === undefined ? [] : base64(reply.data));
      return [{ is: 'awaitingRestart', host, domain, person: reply.person }, [{ do: 'send', element: success }, { do: 'restart' }]];
    }
    case 'failure':
      return failed(state, reply.condition, reply.text);
    default:
      return reply satisfies never;
  }
}

function failed({ host, domain, failures }: At & { readonly failures: number }, condition: string, words?: string): Step {
  const inner = [element(condition, NS.sasl), ...(words === undefined ? [] : [element('text', NS.sasl, { 'xml:lang': 'en' }, [words])])];
  const send: ClientAction = { do: 'send', element: element('failure', NS.sasl, {}, inner) };
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
  return [{ is: 'open' }, [{ do: 'bind', person, request: received, ...(resource !== '' && { resource }) }]];
}

function base64(data: string): string[] {
  return data === '' ? [] : [Buffer.from(data, 'utf8').toString('base64')];
}
