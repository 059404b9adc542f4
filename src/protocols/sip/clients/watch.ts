// One subscription of a client: its dialog, its state, and the NOTIFY of the moment.

import type { Address } from '../../../model/address.ts';
import type { Clock, Ids, Timer } from '../../../model/ports.ts';
import { toSipUri } from '../address.ts';
import { Dialog } from '../dialog.ts';
import type { OutgoingReply } from '../exchange.ts';
import { notifyParts } from '../from-model/presence.ts';
import { printEvent } from '../headers/event.ts';
import type { HeaderList, SipRequest } from '../message.ts';
import { begin, type Notifier, notification } from '../notifier.ts';
import { parseSipUri } from '../uri.ts';
import { WINFO_TYPE, writeList, writeWatchers } from './documents.ts';
import type { Flow, FlowRequest } from './flow.ts';
import type { Sight } from './sight.ts';
import type { ClientSubscribe, WatchKind } from './subscribe-request.ts';

/** After the expiry, and for a poll. */
const GRACE_MS = 30_000;
const POLL_MS = 5000;

export interface Watch {
  readonly kind: WatchKind;
  readonly target: Address;
  readonly flow: Flow;
  readonly dialog: Dialog;
  readonly eventId: string | undefined;
  machine: Notifier;
  expiresS: number;
  timer: Timer | undefined;
  /** Of documents that count themselves. */
  version: number;
}

interface Parts {
  readonly clock: Clock;
  readonly ids: Ids;
}

/** @returns undefined when the request has no usable Contact */
export function newWatch(asked: ClientSubscribe, flow: Flow, request: SipRequest, { clock, ids }: Parts): Watch | undefined {
  const dialog = Dialog.asServer(request, ids.token());
  if (dialog === undefined) return undefined;
  const poll = asked.expiresS === 0;
  const expiresAt = clock.monotonic() + (poll ? POLL_MS : asked.expiresS * 1000);
  const { watch: kind, target, expiresS, eventId } = asked;
  return { kind, target, flow, dialog, eventId, machine: begin(poll, expiresAt), expiresS, timer: undefined, version: 0 };
}

/** Until it lapses, ms. @param now monotonic ms */
export function leftMs({ machine }: Watch, now: number): number {
  return Math.max(0, machine.expiresAt + (machine.poll ? 0 : GRACE_MS) - now);
}

/** 200 with what was granted. @param toTag founds the dialog */
export function accepted(watch: Watch, toTag?: string): OutgoingReply {
  return {
    status: 200,
    headers: [
      ['Contact', contactOf(watch)],
      ['Expires', String(watch.expiresS)],
      // RFC 4662 §4.2: the answer says that it is a list.
      ...(watch.kind === 'list' ? ([['Require', 'eventlist']] as const) : []),
    ],
    ...(toTag === undefined ? {} : { toTag }),
  };
}

/** The NOTIFY of this moment, inside the dialog. */
export function notifyOf(watch: Watch, sight: Sight, user: Address, { clock, ids }: Parts): FlowRequest {
  const { machine, dialog, eventId, kind } = watch;
  const said = notification(machine, clock.monotonic());
  const { document: _, ...bare } = said;
  const { headers, body } = notifyParts(watch.target, kind === 'presence' ? said : bare, clock.now(), eventId);
  const parts = kind === 'presence' ? { headers, body } : special(watch, sight, user, headers, ids);
  const inside = dialog.nextRequest('NOTIFY', [...parts.headers, ['Contact', contactOf(watch)]]);
  return { ...inside, ...(parts.body === undefined ? {} : { body: parts.body }) };
}

function special(
  watch: Watch,
  sight: Sight,
  user: Address,
  headers: HeaderList,
  ids: Ids,
): { readonly headers: HeaderList; readonly body: string } {
  const version = watch.version++;
  if (watch.kind === 'winfo') {
    const event = printEvent('presence.winfo', watch.eventId);
    const own = headers.map(([name, value]): [string, string] => [name, name === 'Event' ? event : value]);
    return { headers: [...own, ['Content-Type', WINFO_TYPE]], body: writeWatchers(user, sight.watchers(), version) };
  }
  const { type, body } = writeList(user, sight.members(), version, ids.token(12));
  return { headers: [...headers, ['Require', 'eventlist'], ['Content-Type', type]], body };
}

function contactOf({ flow, target }: Watch): string {
  return `<${flow.route.contactUri(parseSipUri(toSipUri(target))?.user)}>`;
}
