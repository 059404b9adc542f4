// What people say of themselves, carried out: a state they choose, notes, being out of the office, place, privacy, levels of
// domains. It is on disk before anybody is shown it; then every watcher sees it on every face.

import { reason } from '../../errors.ts';
import { type Address, bare, bareKey } from '../../model/address.ts';
import type { Chosen, Personal, StateDesk } from '../../model/core.ts';
import { delivered, type Outcome, refused } from '../../model/outcome.ts';
import { PRESENCE_POLICY, type SettingsChange } from '../../model/presence-settings.ts';
import { notStored } from '../messaging/messages.ts';
import type { People } from '../people/people.ts';
import type { CoreParts } from '../ports.ts';
import { wordsFor } from './custom-words.ts';
import { changed } from './settings.ts';
import { CHOICE_WORDS, CHOICES, type Choice } from './states.ts';
import type { Views } from './views.ts';
import type { Visibility } from './visibility.ts';

export interface ChoosingParts {
  readonly parts: CoreParts;
  readonly people: People;
  readonly views: Views;
  readonly visibility: Visibility;
}

/** A state for the whole person, until it is reset. @param user bare key */
export async function choose(user: string, chosen: Chosen | undefined, { parts, people, visibility }: ChoosingParts): Promise<Outcome> {
  const known = stateWords(parts);
  if (chosen !== undefined && !known.includes(chosen.state))
    return refused(reason('CONTENT_UNSUPPORTED', `${chosen.state} is no state that can be chosen; these are: ${known.join(', ')}.`));
  if (chosen?.until !== undefined && chosen.until <= parts.clock.now())
    return refused(reason('CONTENT_UNSUPPORTED', 'The end of the state is over already.'));
  try {
    await parts.chosen.put(user, chosen);
  } catch (error) {
    return notStored(error);
  }
  (await people.profile(user)).chosen = chosen;
  await visibility.changed(user);
  return delivered('chosen');
}

/** What may be chosen just now. */
function choices({ presencePolicy }: CoreParts): readonly Choice[] {
  return presencePolicy?.().appearOffline === false ? CHOICES.filter((one) => one !== 'appearOffline') : CHOICES;
}

function stateWords(parts: CoreParts): readonly string[] {
  const { states } = parts;
  return [...choices(parts), ...(states?.() ?? []).map(({ id }) => id)];
}

/** @param user bare key */
async function change(user: string, wanted: SettingsChange, { parts, people, visibility }: ChoosingParts): Promise<Outcome> {
  const profile = await people.profile(user);
  const remembered = (parts.presencePolicy?.() ?? PRESENCE_POLICY).notes;
  const settings = changed(profile.settings, wanted, parts.clock.now(), remembered);
  if ('code' in settings) return refused(settings);
  try {
    await parts.presenceSettings.put(user, settings);
  } catch (error) {
    return notStored(error);
  }
  await visibility.settingsChanged(user, settings);
  return delivered('changed');
}

/** For the clients of one user. @param user bare @param home the address under the main name of its domain */
export function personalOf(user: Address, is: ChoosingParts, home: (address: Address) => Address): Personal {
  const { parts, people, views, visibility } = is;
  const key = bareKey(user);
  return {
    settings: async () => (await people.profile(key)).settings,
    change: (wanted) => visibility.inTurn(key, () => change(key, wanted, is)),
    states: (language) => [
      ...choices(parts).map((state) => ({ state, words: CHOICE_WORDS[state] })),
      ...(parts.states?.() ?? []).map(({ id, words }) => ({ state: id, words: wordsFor(words, language) ?? id })),
    ],
    async about(who) {
      const of = bare(home(who));
      return parts.serves(of) ? views.about(key, of) : undefined;
    },
  };
}

/** For operators. */
export function stateDesk(is: ChoosingParts): StateDesk {
  return {
    async of(user) {
      const key = bareKey(user);
      const { chosen, settings } = await is.people.profile(key);
      const { now } = is.parts.clock;
      const holds = chosen !== undefined && (chosen.until === undefined || chosen.until > now());
      return { ...(holds && { chosen }), composed: await is.views.own(key), settings };
    },
    choose: (user, chosen) => choose(bareKey(user), chosen, is),
    states: () => stateWords(is.parts),
  };
}
