// What a level sees, whatever a person says, does and has in the calendar: nothing more than the table of levels allows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OpenClient } from '../../../src/core/clients.ts';
import { type Field, sees } from '../../../src/core/presence/levels.ts';
import { seenBy } from '../../../src/core/presence/seen.ts';
import { CHOICES } from '../../../src/core/presence/states.ts';
import { whole } from '../../../src/core/presence/whole.ts';
import type { CalendarNow } from '../../../src/model/calendar.ts';
import { LEVELS, type OwnPresence } from '../../../src/model/core.ts';
import { NO_SETTINGS } from '../../../src/model/presence-settings.ts';
import { FakeClient, nora } from '../world.ts';

const NOW = 1_750_000_000_000;
const COURT = { id: 'court', class: 'busy', words: { '': 'WORDS-custom', de: 'WORDS-deutsch' } } as const;
/** Each fact under the field that guards it. */
const SECRETS: readonly (readonly [string, Field])[] = [
  ['WORDS-custom', 'activity'],
  ['WORDS-deutsch', 'activity'],
  ['WORDS-client', 'note'],
  ['WORDS-payload', 'note'],
  ['WORDS-note', 'note'],
  ['WORDS-away', 'outOfOfficeNote'],
  ['WORDS-place', 'location'],
  ['Europe/Berlin', 'timeZone'],
  ['WORDS-subject', 'meeting'],
  ['WORDS-room', 'meeting'],
  ['on-the-phone', 'activity'],
  ['In a meeting', 'activity'],
  ['idleSince', 'activity'],
];

const presences: fc.Arbitrary<OwnPresence> = fc
  .record({
    show: fc.constantFrom(undefined, 'chat', 'away', 'xa', 'dnd'),
    activity: fc.constantFrom(undefined, 'on-the-phone', 'busy'),
    idle: fc.boolean(),
    words: fc.boolean(),
  })
  .map(({ show, activity, idle, words }) => ({
    availability: 'open' as const,
    notes: words ? [{ text: 'WORDS-client' }] : [],
    payload: { face: 'xmpp', text: '<presence><status>WORDS-payload</status></presence>', rest: '<presence/>' } as const,
    ...(show !== undefined && { show }),
    ...(activity !== undefined && { activity }),
    ...(idle && { idleSince: NOW - 600_000 }),
  }));
const people = fc.record({
  presences: fc.array(presences, { maxLength: 3 }),
  choice: fc.constantFrom(undefined, 'court', ...CHOICES),
  note: fc.boolean(),
  away: fc.boolean(),
  place: fc.boolean(),
  calendar: fc.constantFrom(undefined, 'free', 'busy', 'meeting', 'outOfOffice'),
});

test('no level is shown what the table keeps from it', () => {
  fc.assert(
    fc.property(people, ({ presences: said, choice, note, away, place, calendar }) => {
      const clients = said.map((presence, index) => {
        const one = new OpenClient(nora, `r${index}`, new FakeClient(`c${index}`), NOW);
        one.presence = presence;
        return one;
      });
      const held: CalendarNow | undefined = calendar && { kind: calendar, subject: 'WORDS-subject', place: 'WORDS-room' };
      const settings = {
        ...NO_SETTINGS,
        ...(note && { note: 'WORDS-note' }),
        ...(away && { outOfOffice: { text: 'WORDS-away', from: NOW - 1 } }),
        ...(place && { location: 'WORDS-place', timeZone: 'Europe/Berlin' }),
      };
      const chosen = choice === undefined ? undefined : { state: choice };
      const all = whole(clients, { chosen, states: [COURT], settings, calendar: held }, NOW);
      for (const level of LEVELS) {
        const seen = seenBy(level, clients, all);
        const text = JSON.stringify(seen);
        for (const [secret, field] of SECRETS)
          if (!sees(level, field)) assert.ok(!text.includes(secret), `${level} is shown ${secret}: ${text}`);
        if (all.appearsOffline || level === 'blocked') {
          assert.deepEqual([seen.endpoints, seen.composed.state, seen.composed.number], [[], 'offline', 18_500]);
          // As if nobody were there.
          const nobody = seenBy(level, [], whole([], { chosen: undefined, states: [], settings, calendar: held }, NOW));
          assert.deepEqual(seen.composed, nobody.composed);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('no client is shown more available than the person has chosen to be', () => {
  const order = ['chat', undefined, 'away', 'xa', 'dnd'];
  fc.assert(
    fc.property(presences, fc.constantFrom('busy', 'doNotDisturb', 'away', 'offWork', 'beRightBack', 'court'), (presence, state) => {
      const one = new OpenClient(nora, 'desk', new FakeClient('c'), NOW);
      one.presence = presence;
      const all = whole([one], { chosen: { state }, states: [COURT] }, NOW);
      const least = { busy: 'dnd', doNotDisturb: 'dnd', away: 'xa', offWork: 'xa', beRightBack: 'away', court: 'dnd' }[state];
      for (const level of ['friends', 'workgroup', 'colleagues', 'external'] as const) {
        const shown = seenBy(level, [one], all).endpoints[0]?.presence.show;
        assert.ok(order.indexOf(shown) >= order.indexOf(least), `${level}: ${shown} of ${state}`);
        assert.ok(order.indexOf(shown) >= order.indexOf(presence.show));
      }
    }),
  );
});
