// `isthmus user state`, with a core that writes down what it is told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Chosen, StateDesk } from '../../../src/model/core.ts';
import { delivered } from '../../../src/model/outcome.ts';
import { NO_SETTINGS } from '../../../src/model/presence-settings.ts';
import type { Live } from '../../../src/ops/live.ts';
import type { Operations } from '../../../src/ops/operations.ts';
import { PeopleHome } from './people-home.ts';

const NOW = Date.parse('2026-11-24T08:00:00Z');

function process(): { readonly more: Partial<Operations>; chosen: Chosen | undefined } {
  const states: StateDesk = {
    of: async () => ({
      ...(made.chosen !== undefined && { chosen: made.chosen }),
      composed: { state: made.chosen?.state ?? 'available', number: 3500, document: { endpoints: [] } },
      settings: {
        ...NO_SETTINGS,
        note: 'at sea',
        outOfOffice: { text: 'Ask Omar', from: NOW, until: NOW + 3_600_000 },
        contactsOnly: true,
        domains: { 'partner.example': 'colleagues' },
      },
    }),
    choose: async (_user, chosen) => {
      made.chosen = chosen;
      return delivered('chosen');
    },
    states: () => ['available', 'busy', 'doNotDisturb', 'court'],
  };
  const live = { states, clients: { list: () => [], end: () => 0 } } as unknown as Live; // the parts that are asked
  const clock = { now: () => NOW, monotonic: () => 0, after: () => ({ cancel() {} }) };
  const made: { more: Partial<Operations>; chosen: Chosen | undefined } = { more: { live, clock }, chosen: undefined };
  return made;
}

test('a state is set for a time, shown, and reset', async () => {
  using home = new PeopleHome();
  const made = process();
  await home.run('user add', { address: 'nora@people.example', name: 'Nora' });
  const state = (given: Readonly<Record<string, unknown>> = {}) =>
    home.run('user state', { address: 'nora@people.example', ...given }, made.more);
  const set = await state({ set: 'DONOTDISTURB', until: '2h' });
  assert.deepEqual(made.chosen, { state: 'doNotDisturb', until: NOW + 7_200_000 });
  assert.equal(
    set.text,
    [
      'State set to doNotDisturb until 2026-11-24 10:00 UTC.',
      'nora@people.example',
      '  presence       doNotDisturb',
      '  chosen         doNotDisturb, until 2026-11-24 10:00 UTC',
      '  note           at sea',
      '  out of office  from 2026-11-24 08:00 UTC until 2026-11-24 09:00 UTC: Ask Omar',
      '  privacy        only their contacts see them',
      '  levels         partner.example colleagues',
    ].join('\n'),
  );
  assert.equal(set.changes, 'state of nora@people.example set to doNotDisturb until 2026-11-24 10:00 UTC');
  await state({ set: 'court', until: '2026-11-24T09:30' });
  assert.deepEqual(made.chosen, { state: 'court', until: Date.parse('2026-11-24T09:30Z') });
  const reset = await state({ reset: true });
  assert.deepEqual([made.chosen, reset.changes], [undefined, 'state of nora@people.example reset']);
  assert.equal((await state()).changes, undefined);
});

test('what cannot be is refused in words, and nothing is set', async () => {
  using home = new PeopleHome();
  const made = process();
  await home.run('user add', { address: 'nora@people.example', name: 'Nora' });
  for (const [given, words] of [
    [{ set: 'asleep' }, /"asleep" is no state.*available, busy, doNotDisturb, court/],
    [{ set: 'busy', until: 'noon' }, /"noon" is no time.*2h/],
    [{ set: 'busy', until: '2001-01-01' }, /over already/],
  ] as const) {
    const refused = await home.run('user state', { address: 'nora@people.example', ...given }, made.more);
    assert.equal(refused.exit, 2);
    assert.match(refused.text, words);
  }
  const nobody = await home.run('user state', { address: 'nor@people.example', set: 'busy' }, made.more);
  assert.deepEqual([nobody.exit, nobody.status], [2, 404]);
  await assert.rejects(home.run('user state', { address: 'nora@people.example', set: 'busy', reset: true }, made.more), /not both/);
  assert.equal(made.chosen, undefined);
});
