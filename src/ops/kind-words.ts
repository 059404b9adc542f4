// What operators call the kinds of events that wait and are kept.

import type { DurableEvent } from '../model/outbox-store.ts';

export const KIND_WORDS: Readonly<Record<DurableEvent['kind'], string>> = {
  'im.sent': 'Message',
  'im.receipt': 'Receipt',
  'presence.requested': 'Subscription request',
  'presence.granted': 'Subscription granted',
  'presence.denied': 'Subscription denied',
  'presence.ended': 'Subscription ended',
};
