// What a client's stream is offered (RFC 6120 §4.3.2), step by step.

import { type Element, element } from '../element.ts';
import { NS } from '../names.ts';

/** Before TLS: TLS. */
export function plainFeatures(): Element {
  return element('features', NS.streams, {}, [element('starttls', NS.tls, {}, [element('required', NS.tls)])]);
}

/** After TLS: how to sign in, and what a sign-in can be bound to (XEP-0440). */
export function authFeatures(mechanisms: readonly string[], bindings: readonly string[]): Element {
  const offered = mechanisms.map((name) => element('mechanism', NS.sasl, {}, [name]));
  const children = [element('mechanisms', NS.sasl, {}, offered)];
  if (bindings.length > 0) {
    const types = bindings.map((type) => element('channel-binding', NS.saslBinding, { type }));
    children.push(element('sasl-channel-binding', NS.saslBinding, {}, types));
  }
  return element('features', NS.streams, {}, children);
}

/** After sign-in. */
export function sessionFeatures(): Element {
  return element('features', NS.streams, {}, [
    element('bind', NS.bind),
    // RFC 6120 lets old clients ask for a session; nothing comes of it (draft-cridland-xmpp-session).
    element('session', NS.session, {}, [element('optional', NS.session)]),
    element('sm', NS.sm),
    element('csi', NS.csi),
    element('ver', NS.rosterVersions),
  ]);
}
