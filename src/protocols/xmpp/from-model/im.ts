// im.sent, im.composing and im.receipt to a <message/> stanza (RFC 7572 §5, XEP-0085, XEP-0184, XEP-0333).

import type { ImComposing, ImReceipt, ImSent } from '../../../model/event.ts';
import type { WireIds } from '../../../model/ports.ts';
import { type Element, element } from '../element.ts';
import { NS } from '../names.ts';
import { errorOf, stanzaError } from '../replies.ts';

export interface MessageOptions {
  /** Both JIDs as they stand in the stanza. */
  readonly from: string;
  readonly to: string;
  /** A chat is under way with this contact: `type='chat'` (sip-xmpp.md §4 "type"). */
  readonly chat: boolean;
  /** The recipient is a partner's user: failures of our users answer alike. */
  readonly partner: boolean;
}

/** The stanza for an event. */
export function writeMessage(
  event: ImSent | ImComposing | ImReceipt,
  wire: Pick<WireIds, 'stanzaId' | 'thread'>,
  options: MessageOptions,
): Element {
  const addresses = { from: options.from, to: options.to };
  // The conversation in this user's own words: a thread that SIP could not carry comes back as it was.
  const conversation = wire.thread ?? event.thread;
  const thread = conversation === undefined ? [] : [element('thread', NS.server, {}, [conversation])];
  switch (event.kind) {
    case 'im.sent': {
      const chat = options.chat || event.style === 'chat';
      const children: Element[] = [];
      if (event.subject !== undefined && event.subject !== '') children.push(element('subject', NS.server, {}, [event.subject]));
      children.push(element('body', NS.server, {}, [event.body]), ...thread);
      // XEP-0359 §3: the same origin-id on a resend lets the receiver drop the copy.
      children.push(element('origin-id', NS.stanzaIds, { id: wire.stanzaId }));
      if (event.wants.delivered) children.push(element('request', NS.receipts));
      if (event.wants.displayed) children.push(element('markable', NS.markers));
      if (chat) children.push(element('active', NS.chatStates));
      // RFC 7572 §5 [M]: pager mode gives `normal`, which is the absence of a type.
      const type = chat ? 'chat' : undefined;
      return element('message', NS.server, { ...addresses, id: wire.stanzaId, type, 'xml:lang': event.lang }, children);
    }
    case 'im.composing':
      // sip-xmpp.md §6: standalone chat states carry XEP-0334 no-store.
      return element('message', NS.server, { ...addresses, id: wire.stanzaId, type: 'chat' }, [
        element(event.state, NS.chatStates),
        ...thread,
        element('no-store', NS.hints),
      ]);
    case 'im.receipt':
      if (event.status === 'failed') {
        const error = event.reason === undefined ? stanzaError('recipient-unavailable', 'wait') : errorOf(event.reason, options.partner);
        return element('message', NS.server, { ...addresses, id: event.about, type: 'error' }, [error]);
      }
      return element('message', NS.server, { ...addresses, id: wire.stanzaId, type: 'chat' }, [
        event.status === 'delivered'
          ? element('received', NS.receipts, { id: event.about })
          : element('displayed', NS.markers, { id: event.about }),
        element('store', NS.hints),
      ]);
  }
}
