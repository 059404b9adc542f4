// What we answer to iq requests for our domains and users (sip-xmpp.md §10): disco#info, ping, vcard-temp; everything else
// is service-unavailable. A user who is unknown, blocked or not permitted answers the same bytes each time (DESIGN 7), so
// the caller says whether the asker may know of the user, and nothing here asks whether the user exists.

import { child, type Element, element, elements } from './element.ts';
import { NS } from './names.ts';
import { stanzaError } from './replies.ts';

/** For whom the request is. */
export type Target =
  | { readonly kind: 'domain' }
  /** `visible`: the asker already has an authorization or a conversation with this user. */
  | { readonly kind: 'user'; readonly visible: boolean; readonly local: string; readonly jid: string };

const DOMAIN_FEATURES = [NS.discoInfo, NS.discoItems, NS.ping, NS.vcardTemp];
/** What messages to a SIP user may use, because the translation carries it. */
const USER_FEATURES = [NS.discoInfo, NS.chatStates, NS.receipts, NS.markers, NS.vcardTemp];

/** The answer to an iq of type get or set. */
export function answerIq(request: Element, target: Target): Element {
  const payload = elements(request)[0];
  const reply = (children: readonly Element[]): Element => element('iq', NS.server, { type: 'result', ...back(request) }, children);
  const visible = target.kind === 'domain' || target.visible;
  if (payload === undefined || elements(request).length !== 1) return iqError(request, stanzaError('bad-request', 'modify'));
  if (request.attrs.type === 'get' && visible) {
    switch (payload.ns) {
      case NS.discoInfo:
        // XEP-0030 §3.2: no node of ours exists.
        if (payload.attrs.node !== undefined) break;
        return reply([element('query', NS.discoInfo, {}, target.kind === 'domain' ? domainInfo() : userInfo())]);
      case NS.discoItems:
        if (target.kind === 'domain') return reply([element('query', NS.discoItems)]);
        break;
      case NS.ping:
        if (target.kind === 'domain') return reply([]);
        break;
      case NS.vcardTemp:
        if (target.kind === 'user') return reply([vcard(target.local, target.jid)]);
        break;
    }
  }
  // RFC 6121 §8.5.1 and DESIGN 7.
  return iqError(request, stanzaError('service-unavailable', 'cancel'));
}

/** True for a request that starts a call or a file transfer (XEP-0166): the user is told in words. */
export function startsSession(request: Element): boolean {
  const jingle = child(request, 'jingle', NS.jingle);
  return request.attrs.type === 'set' && jingle?.attrs.action === 'session-initiate';
}

/** An iq error with the request's id and addresses swapped (RFC 6120 §8.3.1). */
export function iqError(request: Element, error: Element): Element {
  return element('iq', NS.server, { type: 'error', ...back(request) }, [error]);
}

function back(request: Element): { from: string | undefined; to: string | undefined; id: string | undefined } {
  return { from: request.attrs.to, to: request.attrs.from, id: request.attrs.id };
}

function domainInfo(): Element[] {
  return [
    element('identity', NS.discoInfo, { category: 'server', type: 'im', name: 'Isthmus' }),
    element('identity', NS.discoInfo, { category: 'gateway', type: 'sip', name: 'Isthmus' }),
    ...DOMAIN_FEATURES.map((feature) => element('feature', NS.discoInfo, { var: feature })),
  ];
}

function userInfo(): Element[] {
  return [
    element('identity', NS.discoInfo, { category: 'account', type: 'registered' }),
    ...USER_FEATURES.map((feature) => element('feature', NS.discoInfo, { var: feature })),
  ];
}

/** XEP-0054 with what we know: the address. Names and photos come with the directory. */
function vcard(local: string, jid: string): Element {
  return element('vCard', NS.vcardTemp, {}, [element('FN', NS.vcardTemp, {}, [local]), element('JABBERID', NS.vcardTemp, {}, [jid])]);
}
