// im.sent, im.composing and im.receipt to the parts of a MESSAGE (RFC 3428, RFC 7572 §4). Built from values only;
// the exchange adds Via, Max-Forwards and Content-Length.

import { bare, show } from '../../../model/address.ts';
import type { ImComposing, ImReceipt, ImSent } from '../../../model/event.ts';
import type { WireIds } from '../../../model/ports.ts';
import { toSipUri } from '../address.ts';
import { printCpim } from '../documents/cpim.ts';
import { IMDN_TYPE, printImdn } from '../documents/imdn.ts';
import { ISCOMPOSING_TYPE, printIsComposing } from '../documents/iscomposing.ts';
import { printNameAddr } from '../headers/name-addr.ts';
import { safeHeaderValue } from '../print.ts';

export interface MessageOptions {
  /** Put the sender's endpoint into From as `gr` (RFC 7572 §4). */
  readonly gr: boolean;
  /** The recipient's endpoint came from a GRUU: address it as one. */
  readonly gruu?: boolean;
  /** The sender's domain has proven itself and the recipient's server is ours: their address is asserted (DESIGN 6, RFC 3325 §9.1). */
  readonly asserted?: boolean;
  /** The original spelling of the recipient's local part, if it differs. */
  readonly spelling?: string;
  /** The recipient has shown that it understands CPIM, so receipts can be asked for. */
  readonly cpim: boolean;
  /** The display name of the sender (RFC 3261 §20.20). */
  readonly name?: string;
}

/** Request-URI, headers and body of a MESSAGE, without what the exchange adds. */
export interface MessageParts {
  readonly uri: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** What to send for an event; undefined when this shore has no word for it (a chat state RFC 3994 does not know). */
export function writeMessage(event: ImSent | ImComposing | ImReceipt, wire: WireIds, options: MessageOptions): MessageParts | undefined {
  const uri = toSipUri(event.to, { gr: options.gruu === true, ...(options.spelling !== undefined && { spelling: options.spelling }) });
  const from = toSipUri(event.from, { gr: options.gr });
  const head: (readonly [string, string])[] = [
    ['From', `${printNameAddr({ uri: from, ...(options.name !== undefined && { displayName: options.name }) })};tag=${wire.fromTag}`],
    ['To', `<${uri}>`],
    ['Call-ID', wire.callId],
    ['CSeq', `${wire.cseq} MESSAGE`],
    ...(options.asserted === true ? [['P-Asserted-Identity', `<${toSipUri(event.from)}>`] as const] : []),
  ];
  const parts = (type: string, body: string, more: readonly (readonly [string, string])[] = []): MessageParts => ({
    uri,
    headers: [...head, ...more, ['Content-Type', type]],
    body,
  });
  switch (event.kind) {
    case 'im.sent': {
      const more: (readonly [string, string])[] = [];
      // RFC 7572 §4: Subject is one line.
      if (event.subject !== undefined) more.push(['Subject', safeHeaderValue(event.subject, 200)]);
      if (event.lang !== undefined) more.push(['Content-Language', event.lang]);
      if (!options.cpim || !(event.wants.delivered || event.wants.displayed)) return parts('text/plain;charset=UTF-8', event.body, more);
      const wanted = [event.wants.delivered ? 'positive-delivery, negative-delivery' : '', event.wants.displayed ? 'display' : ''];
      const body = printCpim(
        [
          ['From', `<${from}>`],
          ['To', `<${uri}>`],
          ['DateTime', new Date(event.at).toISOString()],
          ['NS', 'imdn <urn:ietf:params:imdn>'],
          ['imdn.Message-ID', wire.stanzaId],
          ['imdn.Disposition-Notification', wanted.filter((word) => word !== '').join(', ')],
        ],
        'text/plain; charset=UTF-8',
        event.body,
      );
      return parts('message/cpim', body, more);
    }
    case 'im.composing':
      // sip-xmpp.md §6, Table 3: composing -> active; paused, active, inactive -> idle. `gone` ends a session; here there is none.
      if (event.state === 'gone') return parts(ISCOMPOSING_TYPE, printIsComposing('idle'));
      return parts(ISCOMPOSING_TYPE, printIsComposing(event.state === 'composing' ? 'active' : 'idle'));
    case 'im.receipt': {
      if (event.status === 'failed' && !options.cpim) {
        // sip-xmpp.md §4 "Answer timing": no IMDN was asked for, so one line from the same peer tells the sender.
        const why = event.reason?.text ?? 'the far end did not take it';
        return parts('text/plain;charset=UTF-8', `Your message to ${show(bare(event.from))} was not delivered: ${why}`);
      }
      const body = printCpim(
        [
          ['From', `<${from}>`],
          ['To', `<${uri}>`],
          ['NS', 'imdn <urn:ietf:params:imdn>'],
          ['imdn.Message-ID', wire.stanzaId],
        ],
        IMDN_TYPE,
        printImdn({ messageId: event.about, status: event.status }, event.at),
        [['Content-Disposition', 'notification']],
      );
      return parts('message/cpim', body);
    }
  }
}
