// Stream features (RFC 6120 §4.3.2): what the receiving side offers and what the initiating side reads.

import { type Element, element, elements, text } from '../element.ts';
import { NS } from '../names.ts';

export interface Features {
  readonly starttls: 'no' | 'offered' | 'required';
  /** SASL mechanisms. */
  readonly mechanisms: readonly string[];
  /** XEP-0220 §2.3. */
  readonly dialback: boolean;
  /** XEP-0288. */
  readonly bidi: boolean;
  /** XEP-0198. */
  readonly streamManagement: boolean;
  /** XEP-0478. */
  readonly limits: PeerLimits;
}
/** What the sender of the features accepts (XEP-0478): an element's bytes, seconds of silence. */
export interface PeerLimits {
  readonly maxBytes?: number;
  readonly idleSeconds?: number;
}

export const NO_FEATURES: Features = { starttls: 'no', mechanisms: [], dialback: false, bidi: false, streamManagement: false, limits: {} };

/** The `<stream:features/>` that says what is offered now. */
export function featuresElement(offer: Features): Element {
  const children: Element[] = [];
  if (offer.starttls !== 'no') {
    children.push(element('starttls', NS.tls, {}, offer.starttls === 'required' ? [element('required', NS.tls)] : []));
  }
  if (offer.mechanisms.length > 0) {
    const mechanisms = offer.mechanisms.map((name) => element('mechanism', NS.sasl, {}, [name]));
    children.push(element('mechanisms', NS.sasl, {}, mechanisms));
  }
  if (offer.dialback) children.push(element('dialback', NS.dialbackFeature, {}, [element('errors', NS.dialbackFeature)]));
  if (offer.bidi) children.push(element('bidi', NS.bidiFeature));
  if (offer.streamManagement) children.push(element('sm', NS.sm));
  const limits = limitsElement(offer.limits);
  if (limits !== undefined) children.push(limits);
  return element('features', NS.streams, {}, children);
}

/** Reads a peer's features; what is not known is not there. */
export function readFeatures(received: Element): Features {
  let features = NO_FEATURES;
  for (const child of elements(received)) {
    if (child.ns === NS.tls && child.name === 'starttls') {
      features = { ...features, starttls: elements(child).some((inner) => inner.name === 'required') ? 'required' : 'offered' };
    } else if (child.ns === NS.sasl && child.name === 'mechanisms') {
      const mechanisms = elements(child).filter((inner) => inner.name === 'mechanism' && inner.ns === NS.sasl);
      features = { ...features, mechanisms: mechanisms.map((inner) => text(inner).trim()) };
    } else if (child.ns === NS.dialbackFeature && child.name === 'dialback') features = { ...features, dialback: true };
    else if (child.ns === NS.bidiFeature && child.name === 'bidi') features = { ...features, bidi: true };
    else if (child.ns === NS.sm && child.name === 'sm') features = { ...features, streamManagement: true };
    else if (child.ns === NS.limits && child.name === 'limits') features = { ...features, limits: readLimits(child) };
  }
  return features;
}

function limitsElement(limits: PeerLimits): Element | undefined {
  const children: Element[] = [];
  if (limits.maxBytes !== undefined) children.push(element('max-bytes', NS.limits, {}, [String(limits.maxBytes)]));
  if (limits.idleSeconds !== undefined) children.push(element('idle-seconds', NS.limits, {}, [String(limits.idleSeconds)]));
  return children.length === 0 ? undefined : element('limits', NS.limits, {}, children);
}

function readLimits(received: Element): PeerLimits {
  let limits: PeerLimits = {};
  for (const child of elements(received)) {
    const value = text(child).trim();
    if (!/^[1-9]\d{0,9}$/.test(value)) continue;
    // XEP-0478 §2: nobody may ask for less than RFC 6120 §13.12 grants, 10,000 bytes.
    if (child.name === 'max-bytes' && Number(value) >= 10_000) limits = { ...limits, maxBytes: Number(value) };
    if (child.name === 'idle-seconds') limits = { ...limits, idleSeconds: Number(value) };
  }
  return limits;
}
