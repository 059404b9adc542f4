// The states of a person as everybody in the organisation knows them (lync-features.md A1), each with the class that other
// systems understand and the number that Lync-compatible clients show. One table; everything else looks here.

import type { CustomState } from '../../model/custom-state.ts';
import type { Show } from '../../model/presence.ts';

/** From most to least available; the order in which the least available wins. */
export const CLASSES = ['available', 'busy', 'doNotDisturb', 'beRightBack', 'away', 'offline'] as const;
export type AvailabilityClass = (typeof CLASSES)[number];

export type { CustomState };

/** What a person may be, chosen or found out. */
export const STATES = {
  available: { class: 'available', number: 3500, words: 'Available' },
  inactive: { class: 'available', number: 5000, words: 'Inactive' },
  busy: { class: 'busy', number: 6500, words: 'Busy' },
  inACall: { class: 'busy', number: 6500, words: 'In a call' },
  inAConference: { class: 'busy', number: 7000, words: 'In a conference' },
  inAMeeting: { class: 'busy', number: 6500, words: 'In a meeting' },
  busyInactive: { class: 'busy', number: 7500, words: 'Busy, inactive' },
  presenting: { class: 'doNotDisturb', number: 9500, words: 'Presenting' },
  doNotDisturb: { class: 'doNotDisturb', number: 9500, words: 'Do Not Disturb' },
  beRightBack: { class: 'beRightBack', number: 12_500, words: 'Be Right Back' },
  away: { class: 'away', number: 15_500, words: 'Away' },
  offWork: { class: 'away', number: 15_500, words: 'Off Work' },
  outOfOffice: { class: 'away', number: 15_500, words: 'Out of Office' },
  offline: { class: 'offline', number: 18_500, words: 'Offline' },
} as const satisfies Record<string, { readonly class: AvailabilityClass; readonly number: number; readonly words: string }>;
export type State = keyof typeof STATES;

/** What a person may choose. `appearOffline`: there, and seen by nobody. */
export const CHOICES = ['available', 'busy', 'doNotDisturb', 'beRightBack', 'away', 'offWork', 'appearOffline'] as const;
export type Choice = (typeof CHOICES)[number];
export const CHOICE_WORDS: Readonly<Record<Choice, string>> = {
  available: STATES.available.words,
  busy: STATES.busy.words,
  doNotDisturb: STATES.doNotDisturb.words,
  beRightBack: STATES.beRightBack.words,
  away: 'Appear Away',
  offWork: STATES.offWork.words,
  appearOffline: 'Appear Offline',
};

/** The word of RFC 6121 §4.7.2.1 for a class; undefined: plainly available, or offline. */
export const CLASS_TO_SHOW: Readonly<Record<AvailabilityClass, Show | undefined>> = {
  available: undefined,
  busy: 'dnd',
  doNotDisturb: 'dnd',
  beRightBack: 'away',
  away: 'xa',
  offline: undefined,
};

/** The class that a number of a Lync-compatible client means (ranges of [MS-PRES] availability). */
export function classOfNumber(number: number): AvailabilityClass {
  if (number < 6000) return 'available';
  if (number < 9000) return 'busy';
  if (number < 12_000) return 'doNotDisturb';
  if (number < 15_000) return 'beRightBack';
  return number < 18_000 ? 'away' : 'offline';
}
