// One user as a whole at one moment: the open clients, the person's own choice, their calendar and their words in one.

import type { CalendarNow } from '../../model/calendar.ts';
import type { Chosen, OwnPresence } from '../../model/core.ts';
import type { CustomState } from '../../model/custom-state.ts';
import { NO_SETTINGS, PRESENCE_POLICY, type PresencePolicy, type PresenceSettings } from '../../model/presence-settings.ts';
import type { OpenClient } from '../clients.ts';
import { type Aggregate, aggregate, type EndpointInput } from './aggregate.ts';
import { isAway } from './settings.ts';
import { CHOICES, type Choice } from './states.ts';

/** A person at one moment. */
export interface Whole extends Aggregate {
  /** Wall ms. */
  readonly now: number;
  /** The person's own word, while it holds. */
  readonly choice?: Choice | CustomState;
  readonly settings: PresenceSettings;
  /** What the calendar says now, where the person has not overruled it. */
  readonly calendar?: CalendarNow;
  /** Out of the office by their own word. */
  readonly away: boolean;
  /** Ms without a touch after which a client is away. */
  readonly awayAfter: number;
  /** Where the photo is. */
  readonly picture?: string;
}

/** What a state is made of beside the open clients. */
export interface Makings {
  readonly chosen?: Chosen | undefined;
  readonly states: readonly CustomState[];
  readonly settings?: PresenceSettings;
  readonly calendar?: CalendarNow | undefined;
  readonly policy?: PresencePolicy;
  readonly picture?: string;
}

/** The choice as a word that we know, while it holds; a state that an administrator has taken back says nothing. @param now wall ms */
export function choiceOf(chosen: Chosen | undefined, states: readonly CustomState[], now: number): Choice | CustomState | undefined {
  if (chosen === undefined || (chosen.until !== undefined && chosen.until <= now)) return undefined;
  return CHOICES.find((one) => one === chosen.state) ?? states.find(({ id }) => id === chosen.state);
}

/** Everything in one. @param now wall ms */
export function whole(clients: Iterable<OpenClient>, makings: Makings, now: number): Whole {
  const { chosen, states, settings = NO_SETTINGS, calendar, policy = PRESENCE_POLICY, picture } = makings;
  const what = choiceOf(chosen, states, now);
  const endpoints = [...clients].flatMap((one) => (one.presence === undefined ? [] : [input(one, one.presence)]));
  const until = chosen?.until;
  const choice = what && { what, ...(until !== undefined && { until }) };
  const { outOfOffice } = settings;
  const made = aggregate({
    now,
    endpoints,
    inactiveAfter: policy.inactiveAfterMs,
    awayAfter: policy.awayAfterMs,
    ...(choice && { choice }),
    ...(calendar && { calendar }),
    ...(outOfOffice && { outOfOffice }),
  });
  return {
    ...made,
    now,
    settings,
    away: isAway(settings, now),
    awayAfter: policy.awayAfterMs,
    ...(picture !== undefined && { picture }),
    ...(what && { choice: what }),
    ...(calendar && what !== 'available' && { calendar }),
  };
}

function input(
  { resource, open, saidAt, client: { face } }: OpenClient,
  { availability, show, activity, idleSince }: OwnPresence,
): EndpointInput {
  const doing =
    activity === 'on-the-phone' ? 'call' : activity === 'meeting' ? 'conference' : activity === 'presentation' ? 'presenting' : undefined;
  // Who is in a call says `dnd` because of the call; and RPID's one word for all of it is busy (RFC 4480 §3.2).
  const dnd = doing === undefined ? (face === 'sip' || activity === 'busy' ? 'busy' : 'doNotDisturb') : undefined;
  const says = show === 'away' ? 'away' : show === 'xa' ? 'longAway' : show === 'dnd' ? dnd : activity === 'busy' ? 'busy' : undefined;
  return {
    id: resource,
    open: open && availability === 'open',
    at: saidAt,
    ...(says !== undefined && { says }),
    ...(doing !== undefined && { doing }),
    ...(idleSince !== undefined && { idleSince }),
  };
}
