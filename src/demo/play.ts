// The acts of the demo: messages and typing, presence both ways, a change of presence both ways.

import { setTimeout } from 'node:timers/promises';
import type { LedgerStore } from '../model/outbox-store.ts';
import type { SipOrganisation } from './sip-organisation.ts';
import type { Timeline } from './timeline.ts';
import type { XmppOrganisation } from './xmpp-organisation.ts';

/** How long the timeline waits for the ledger to say how a message ended, ms. */
const LEDGER_MS = 500;

export interface Stage {
  readonly fabrikam: SipOrganisation;
  readonly contoso: XmppOrganisation;
  readonly timeline: Timeline;
  readonly ledger: LedgerStore;
  readonly nora: string;
  readonly li: string;
}

/** Plays everything. @returns true only if all of it arrived */
export async function play(stage: Stage): Promise<boolean> {
  const { fabrikam, contoso, timeline, ledger, nora, li } = stage;
  let good = true;
  const expect = async (at: 'nora' | 'li', what: RegExp, words: string): Promise<void> => {
    if (await timeline.arrived(at, what)) return;
    good = false;
    timeline.missing(words);
  };
  const tell = async (from: string, to: string): Promise<void> => {
    const deadline = performance.now() + LEDGER_MS;
    for (;;) {
      const last = (await ledger.between(from, to, 0)).at(-1);
      // Marks of delivery are lazy: the recipient may have read it before the ledger says so.
      const open = last === undefined || last.state === 'accepted' || last.state === 'written';
      if (!open || performance.now() >= deadline) return last === undefined ? undefined : timeline.crossed(last);
      await setTimeout(10);
    }
  };

  timeline.act('a message from SIP to XMPP, and the answer');
  timeline.sends('nora', 'SIP', `MESSAGE to ${li}: "Is line 3 up again? <&>"`);
  const response = await fabrikam.message(li, 'Is line 3 up again? <&>');
  timeline.answered('nora', `${response.status} ${response.phrase}, only now: li's server has confirmed it`);
  good &&= response.status === 200;
  await expect('li', /Is line 3 up again\? <&>/, 'the message to li');
  await tell(nora, li);
  timeline.sends('li', 'XMPP', `<message> to ${nora}: "Yes, since 8:40 ✓"`);
  await contoso.message(nora, 'Yes, since 8:40 ✓');
  await expect('nora', /Yes, since 8:40 ✓/, 'the message to nora');
  await tell(li, nora);
  timeline.sends('li', 'XMPP', `<message> to ${nora}: composing`);
  await contoso.composing(nora);
  await expect('nora', /is composing/, 'typing to nora');

  timeline.act('presence from SIP to XMPP: li subscribes, nora is shown, then busy');
  await fabrikam.publish({ show: undefined, note: undefined });
  timeline.sends('li', 'XMPP', `<presence type='subscribe'> to ${nora}`);
  await contoso.subscribe(nora);
  await expect('nora', /^SUBSCRIBE/, 'the SUBSCRIBE to nora');
  await expect('li', /type='subscribed'/, 'subscribed to li');
  await expect('li', /^<presence> .*available/, "nora's presence at li");
  timeline.sends('nora', 'SIP', 'NOTIFY: busy "in a meeting" (PIDF with RPID)');
  await fabrikam.publish({ show: 'dnd', note: 'in a meeting' });
  await expect('li', /dnd "in a meeting"/, 'the change of presence at li');

  timeline.act('presence from XMPP to SIP: nora subscribes, li is shown, then away');
  timeline.sends('nora', 'SIP', `SUBSCRIBE to ${li}`);
  const subscribed = await fabrikam.subscribe(li);
  timeline.answered('nora', `${subscribed.status} ${subscribed.phrase}`);
  await expect('li', /type='subscribe'/, 'the subscription at li');
  await expect('nora', /^NOTIFY active: open/, "li's presence at nora");
  timeline.sends('li', 'XMPP', '<presence> away "lunch"');
  await contoso.publish({ show: 'away', note: 'lunch' });
  await expect('nora', /open away "lunch"/, 'the change of presence at nora');
  return good;
}
