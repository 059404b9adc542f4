// A real message while nothing runs: policy is asked, the partner must prove itself as for any message, and the bytes go over a
// connection of the probe's own. There is no outbox and no ledger: what is not taken now is not tried again. Over XMPP nobody
// hears whether it was taken, because the answer comes over the partner's road to a process that does not run.

import { systemClock } from '../../edge/system-clock.ts';
import { reason } from '../../errors.ts';
import type { ImSent } from '../../model/event.ts';
import { hostPort } from '../../model/host-port.ts';
import { ConnectError } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { Table } from '../../model/table.ts';
import type { TestDelivery } from '../../ops/partner-test/ports.ts';
import { toSipUri } from '../../protocols/sip/address.ts';
import { locate as locateSip } from '../../protocols/sip/locate.ts';
import { dial } from '../../protocols/xmpp/dial.ts';
import { element } from '../../protocols/xmpp/element.ts';
import { toJid } from '../../protocols/xmpp/jid.ts';
import { NS } from '../../protocols/xmpp/names.ts';
import { printElement } from '../../protocols/xmpp/print.ts';
import { decide } from '../../routing/decide.ts';
import type { ProbeParts } from './rungs.ts';
import { secureLink } from './sip.ts';
import { messageFault } from './sip-answers.ts';
import { askSip } from './sip-request.ts';
import { testMessage } from './test-message.ts';
import { wireOf } from './xmpp.ts';

const MAX_TARGETS = 4;
/** So long our closing tag has to leave, ms. */
const GOODBYE_MS = 500;

/** Sends `text` from a user of ours to one of theirs, over the protocol that policy gives. Never rejects. */
export async function deliverDirect(
  parts: ProbeParts,
  table: Table,
  from: string,
  to: string,
  text: string,
  signal: AbortSignal,
): Promise<TestDelivery> {
  const event = testMessage({ table, clock: systemClock, ids: parts.ids }, from, to, text);
  const { id } = event;
  const sent = `a message from ${from} to ${to}`;
  const refused = (why: Reason): TestDelivery => ({ id, state: 'refused', says: `${sent} was not taken: ${why.text}`, reason: why });
  const decision = decide(event, table, { nowMs: event.at, knows: true });
  if (decision.kind !== 'allow') return refused(decision.reason);
  if (decision.paused === 'hold') return refused(reason('PARTNER_PAUSED', `${decision.hop.theirDomain} is paused by its file`));
  try {
    const done = decision.hop.network === 'sip' ? await overSip(parts, event, signal) : await overXmpp(parts, event, signal);
    return typeof done === 'object'
      ? refused(done)
      : { id, state: decision.hop.network === 'sip' ? 'delivered' : 'handedOver', says: `${sent} ${done}` };
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    return refused(error.reason);
  }
}

/** @returns what became of it, or why it was not taken */
async function overSip(parts: ProbeParts, event: ImSent, signal: AbortSignal): Promise<string | Reason> {
  const hop = parts.hop('sip');
  const located = await locateSip(hop, parts.resolver, Math.random);
  if (located.kind === 'failed') return located.reason;
  let last: Reason = reason('NET_CONNECT_TIMEOUT', `no server of ${hop.theirDomain} was reached`);
  for (const { host, port, serverName } of located.targets.slice(0, MAX_TARGETS)) {
    const target = { host, port, tls: 'direct', found: '', byFile: false } as const;
    try {
      const link = await secureLink(parts, target, serverName, signal);
      try {
        const proof = await link.peer.proves(hop.theirDomain, 'sip');
        if (!proof.proven) return proof.reason;
        const request = {
          method: 'MESSAGE',
          from: toSipUri(event.from),
          to: toSipUri(event.to),
          headers: [['Content-Type', 'text/plain;charset=UTF-8']],
          body: event.body,
        } as const;
        const response = await askSip(link, parts, hostPort(target), request, signal);
        return messageFault(response, hop.theirDomain) ?? `was delivered: SIP ${response.status}`;
      } finally {
        link.socket.destroy();
      }
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      // Once it may have been read it must not be sent again: nobody would know the copy for one.
      if (error.reason.code === 'PEER_TIMEOUT' || error.reason.code === 'NET_CLOSED') return error.reason;
      last = error.reason;
    }
  }
  return last;
}

async function overXmpp(parts: ProbeParts, event: ImSent, signal: AbortSignal): Promise<string | Reason> {
  const { ourDomain, theirDomain } = parts.hop('xmpp');
  const from = toJid(event.from);
  const to = toJid(event.to);
  if (typeof from !== 'string') return from;
  if (typeof to !== 'string') return to;
  const result = await dial(wireOf(parts), { ourDomain, theirDomain }, parts.partner, signal);
  if (result.kind === 'failed') return result.reason;
  const { stream } = result;
  const message = element('message', NS.server, { from, to, id: event.id, type: 'normal' }, [element('body', NS.server, {}, [event.body])]);
  stream.write(printElement(message));
  stream.close();
  systemClock.after(GOODBYE_MS, () => stream.link.socket.destroy());
  return 'was written to their server; whether it was taken only a running isthmus start would hear';
}
