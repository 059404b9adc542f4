// What a client's stream is offered (RFC 6120 §4.3.2), step by step.

import { type Element, element } from '../../element.ts';
import { NS } from '../../names.ts';
import { authenticationFeature } from '../sign-in/sasl2.ts';

/** Before TLS: TLS. */
export function plainFeatures(): Element {
  return element('features', NS.streams, {}, [element('starttls', NS.tls, {}, [element('required', NS.tls)])]);
}

export interface AuthOffer {
  /** All that are taken. */
  readonly mechanisms: readonly string[];
  /** Those that clients are told of; absent: all. */
  readonly offered?: readonly string[];
  /** Names of channel bindings (XEP-0440). */
  readonly bindings: readonly string[];
  /** Mechanisms for tokens (XEP-0484); empty: none are given. */
  readonly tokens: readonly string[];
  /** Who was invited may register (XEP-0445). */
  readonly invited: boolean;
}

/** After TLS: how to sign in, by RFC 6120 and by XEP-0388, and what a sign-in can be bound to. */
export function authFeatures({ mechanisms, offered = mechanisms, bindings, tokens, invited }: AuthOffer): Element {
  const names = offered.map((name) => element('mechanism', NS.sasl, {}, [name]));
  const children = [element('mechanisms', NS.sasl, {}, names), authenticationFeature(offered, tokens)];
  if (invited) children.push(element('register', NS.invitedRegister), element('register', NS.registerFeature));
  if (bindings.length > 0) {
    const types = bindings.map((type) => element('channel-binding', NS.saslBinding, { type }));
    children.push(element('sasl-channel-binding', NS.saslBinding, {}, types));
  }
  return element('features', NS.streams, {}, children);
}

/** Once a resource is bound along with the sign-in. @param counts stream management is enabled already @param told what else is told to whoever has signed in */
export function openFeatures(counts: boolean, told: readonly Element[] = []): Element {
  const more = [element('csi', NS.csi), element('ver', NS.rosterVersions), ...told];
  return element('features', NS.streams, {}, counts ? more : [element('sm', NS.sm), ...more]);
}

/** After sign-in. @param more what else is told to whoever has signed in */
export function sessionFeatures(more: readonly Element[] = []): Element {
  return element('features', NS.streams, {}, [
    element('bind', NS.bind),
    // RFC 6120 lets old clients ask for a session; nothing comes of it (draft-cridland-xmpp-session).
    element('session', NS.session, {}, [element('optional', NS.session)]),
    element('sm', NS.sm),
    element('csi', NS.csi),
    element('ver', NS.rosterVersions),
    ...more,
  ]);
}
