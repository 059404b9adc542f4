import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Aggregate, aggregate, type CalendarInput, type EndpointInput, type Inputs } from '../../../src/core/presence/aggregate.ts';
import { CHOICES, type Choice, type CustomState, STATES, type State } from '../../../src/core/presence/states.ts';

const NOW = 1_750_000_000_000;
const MINUTE = 60_000;

const desk = (more: Partial<EndpointInput> = {}): EndpointInput => ({ id: 'desk', open: true, at: NOW, ...more });
const idle = (minutes: number): Partial<EndpointInput> => ({ idleSince: NOW - minutes * MINUTE });
const visiting: CustomState = { id: 'visiting', class: 'busy', words: { '': 'With a customer' } };
const reachable: CustomState = { id: 'home', class: 'available', words: { '': 'Working from home' } };

interface Case {
  readonly endpoints?: readonly EndpointInput[];
  readonly choice?: Choice | CustomState;
  readonly calendar?: CalendarInput['kind'];
}
function of({ endpoints = [desk()], choice, calendar }: Case): Aggregate {
  return aggregate({
    now: NOW,
    endpoints,
    ...(choice !== undefined && { choice: { what: choice } }),
    ...(calendar !== undefined && { calendar: { kind: calendar } }),
  });
}

const CASES: readonly (readonly [string, Case, State])[] = [
  ['nobody is signed in', { endpoints: [] }, 'offline'],
  ['the last client has closed', { endpoints: [desk({ open: false })] }, 'offline'],
  ['nobody is signed in, and they had chosen Busy', { endpoints: [], choice: 'busy' }, 'offline'],
  ['one client in use', {}, 'available'],
  ['untouched for 4 minutes', { endpoints: [desk(idle(4))] }, 'available'],
  ['untouched for 5 minutes', { endpoints: [desk(idle(5))] }, 'inactive'],
  ['untouched for 15 minutes', { endpoints: [desk(idle(15))] }, 'away'],
  ['one untouched, one in use', { endpoints: [desk(idle(60)), desk({ id: 'phone' })] }, 'available'],
  ['the client says away', { endpoints: [desk({ says: 'away' })] }, 'away'],
  ['one says away, one is in use', { endpoints: [desk({ says: 'away' }), desk({ id: 'phone' })] }, 'available'],
  ['the client says do not disturb', { endpoints: [desk({ says: 'doNotDisturb' })] }, 'doNotDisturb'],
  ['one of two clients says do not disturb', { endpoints: [desk(), desk({ id: 'phone', says: 'doNotDisturb' })] }, 'doNotDisturb'],
  ['chosen Busy', { choice: 'busy' }, 'busy'],
  ['chosen Busy, untouched for 6 minutes', { choice: 'busy', endpoints: [desk(idle(6))] }, 'busyInactive'],
  ['chosen Busy, untouched for an hour', { choice: 'busy', endpoints: [desk(idle(60))] }, 'busyInactive'],
  ['chosen Do Not Disturb, untouched for an hour', { choice: 'doNotDisturb', endpoints: [desk(idle(60))] }, 'doNotDisturb'],
  ['chosen Be Right Back', { choice: 'beRightBack' }, 'beRightBack'],
  ['chosen Away while typing', { choice: 'away' }, 'away'],
  ['chosen Off Work', { choice: 'offWork' }, 'offWork'],
  ['chosen Appear Offline', { choice: 'appearOffline' }, 'offline'],
  ['chosen Available, untouched for 20 minutes', { choice: 'available', endpoints: [desk(idle(20))] }, 'away'],
  ['in a meeting by the calendar', { calendar: 'meeting' }, 'inAMeeting'],
  ['in a meeting, untouched for 6 minutes', { calendar: 'meeting', endpoints: [desk(idle(6))] }, 'busyInactive'],
  ['in a meeting, untouched for 20 minutes', { calendar: 'meeting', endpoints: [desk(idle(20))] }, 'away'],
  ['in a meeting, and chose Available', { calendar: 'meeting', choice: 'available' }, 'available'],
  ['out of office, and chose Available', { calendar: 'outOfOffice', choice: 'available' }, 'available'],
  ['out of office', { calendar: 'outOfOffice' }, 'outOfOffice'],
  ['busy by the calendar', { calendar: 'busy' }, 'busy'],
  ['a free hour', { calendar: 'free' }, 'available'],
  ['in a call', { endpoints: [desk({ doing: 'call' })] }, 'inACall'],
  ['in a call, keyboard untouched for an hour', { endpoints: [desk({ doing: 'call', ...idle(60) })] }, 'inACall'],
  ['in a call, and chose Available', { endpoints: [desk({ doing: 'call' })], choice: 'available' }, 'inACall'],
  ['in a call during a meeting', { endpoints: [desk({ doing: 'call' })], calendar: 'meeting' }, 'inACall'],
  ['in a conference', { endpoints: [desk({ doing: 'conference' })] }, 'inAConference'],
  ['presenting', { endpoints: [desk({ doing: 'presenting' })] }, 'presenting'],
  ['presenting, and chose Busy', { endpoints: [desk({ doing: 'presenting' })], choice: 'busy' }, 'presenting'],
  ['a custom state', { choice: visiting }, 'busy'],
  ['a custom state of the available kind, untouched for 20 minutes', { choice: reachable, endpoints: [desk(idle(20))] }, 'away'],
];

for (const [what, given, state] of CASES) {
  test(`${what}: ${STATES[state].words}`, () => {
    assert.equal(of(given).state, state);
  });
}

/** Every choice with every calendar, client by client. Columns: no calendar or a free hour, busy, in a meeting, out of office. */
const CLIENTS: Readonly<Record<string, EndpointInput>> = {
  'in use': desk(),
  'untouched for 6 minutes': desk(idle(6)),
  'untouched for 20 minutes': desk(idle(20)),
  'do not disturb': desk({ says: 'doNotDisturb' }),
  'in a call': desk({ doing: 'call' }),
  'says away': desk({ says: 'away' }),
};
const TABLE = `
in use                    -             available     busy          inAMeeting    outOfOffice
in use                    available     available     available     available     available
in use                    busy          busy          busy          inAMeeting    busy
in use                    doNotDisturb  doNotDisturb  doNotDisturb  doNotDisturb  doNotDisturb
in use                    beRightBack   beRightBack   beRightBack   beRightBack   beRightBack
in use                    away          away          away          away          away
in use                    offWork       offWork       offWork       offWork       offWork
in use                    appearOffline offline       offline       offline       offline
untouched for 6 minutes   -             inactive      busyInactive  busyInactive  outOfOffice
untouched for 6 minutes   available     inactive      inactive      inactive      inactive
untouched for 6 minutes   busy          busyInactive  busyInactive  busyInactive  busyInactive
untouched for 6 minutes   doNotDisturb  doNotDisturb  doNotDisturb  doNotDisturb  doNotDisturb
untouched for 20 minutes  -             away          away          away          outOfOffice
untouched for 20 minutes  available     away          away          away          away
untouched for 20 minutes  busy          busyInactive  busyInactive  busyInactive  busyInactive
untouched for 20 minutes  beRightBack   beRightBack   beRightBack   beRightBack   beRightBack
do not disturb            -             doNotDisturb  doNotDisturb  doNotDisturb  outOfOffice
do not disturb            available     doNotDisturb  doNotDisturb  doNotDisturb  doNotDisturb
do not disturb            busy          doNotDisturb  doNotDisturb  doNotDisturb  doNotDisturb
do not disturb            away          away          away          away          away
in a call                 -             inACall       inACall       inACall       outOfOffice
in a call                 available     inACall       inACall       inACall       inACall
in a call                 busy          inACall       inACall       inACall       inACall
in a call                 doNotDisturb  doNotDisturb  doNotDisturb  doNotDisturb  doNotDisturb
in a call                 offWork       offWork       offWork       offWork       offWork
says away                 -             away          away          away          outOfOffice
says away                 available     away          away          away          away
says away                 busy          busyInactive  busyInactive  busyInactive  busyInactive
says away                 appearOffline offline       offline       offline       offline
`;
for (const line of TABLE.trim().split('\n')) {
  const [client = '', word = '', ...states] = line.split(/ {2,}| (?=offline)/).map((part) => part.trim());
  const choice = CHOICES.find((one) => one === word);
  test(`${client}, chosen ${choice ?? 'nothing'}, with each calendar`, () => {
    const found = (['free', 'busy', 'meeting', 'outOfOffice'] as const).map((calendar) => {
      const endpoints = [CLIENTS[client]!]; // the table names no others
      return of({ endpoints, calendar, ...(choice !== undefined && { choice }) }).state;
    });
    assert.deepEqual(found, states);
  });
}

test('out of the office by their own word counts as the calendar does, from its beginning to its end', () => {
  const at = (now: number): State => aggregate({ now, endpoints: [desk()], outOfOffice: { from: NOW, until: NOW + MINUTE } }).state;
  assert.deepEqual([NOW - 1, NOW, NOW + MINUTE - 1, NOW + MINUTE].map(at), ['available', 'outOfOffice', 'outOfOffice', 'available']);
  assert.equal(aggregate({ now: NOW - 5, endpoints: [desk()], outOfOffice: { from: NOW } }).reconsiderAt, NOW);
});

test('a custom state keeps its words, and is bound to its class', () => {
  const { custom, number } = of({ choice: visiting });
  assert.deepEqual([custom?.id, number], ['visiting', 6500]);
});

test('who appears offline is told so, and nobody else learns anything', () => {
  const seen = of({ choice: 'appearOffline', endpoints: [desk({ ...idle(3) })] });
  assert.deepEqual([seen.state, seen.number, seen.appearsOffline, seen.idleSince], ['offline', 18_500, true, undefined]);
});

test('messages go to the client in use, then to the one touched last', () => {
  assert.equal(of({ endpoints: [desk(idle(2)), desk({ id: 'phone' })] }).mostActive, 'phone');
  assert.equal(of({ endpoints: [desk(idle(9)), desk({ id: 'phone', ...idle(7) })] }).mostActive, 'phone');
  assert.equal(of({ endpoints: [desk(), desk({ id: 'phone', says: 'longAway' })] }).mostActive, 'desk');
});

const endpoints = fc.array(
  fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    open: fc.boolean(),
    at: fc.integer({ min: NOW - 3_600_000, max: NOW }),
    idleSince: fc.option(fc.integer({ min: NOW - 3_600_000, max: NOW }), { nil: undefined }),
    says: fc.constantFrom(undefined, 'away', 'longAway', 'doNotDisturb', 'busy'),
    doing: fc.constantFrom(undefined, 'call', 'conference', 'presenting'),
  }),
  { maxLength: 4 },
);
const inputs = fc.record({
  now: fc.constant(NOW),
  endpoints,
  choice: fc.option(
    fc.record({
      what: fc.constantFrom(...CHOICES, visiting, reachable),
      until: fc.option(fc.integer({ min: NOW - 1000, max: NOW + 3_600_000 }), { nil: undefined }),
    }),
    { nil: undefined },
  ),
  calendar: fc.option(
    fc.record({
      kind: fc.constantFrom('free', 'busy', 'meeting', 'outOfOffice'),
      until: fc.option(fc.integer({ min: NOW - 1000, max: NOW + 3_600_000 }), { nil: undefined }),
    }),
    { nil: undefined },
  ),
}) as fc.Arbitrary<Inputs>; // fast-check says undefined where the inputs say absent; both read the same

test('the order of the endpoints means nothing', () => {
  fc.assert(
    fc.property(inputs, (given) => {
      const ids = given.endpoints.map((endpoint, index) => ({ ...endpoint, id: `${endpoint.id}${index}` }));
      assert.deepEqual(aggregate({ ...given, endpoints: ids }), aggregate({ ...given, endpoints: [...ids].reverse() }));
    }),
  );
});

test('until the time it names nothing changes by itself', () => {
  fc.assert(
    fc.property(inputs, fc.double({ min: 0, max: 0.999, noNaN: true }), (given, share) => {
      const before = aggregate(given);
      const end = before.reconsiderAt ?? NOW + 10 * 3_600_000;
      const later = NOW + Math.floor((end - NOW - 1) * share);
      assert.equal(aggregate({ ...given, now: Math.max(NOW, later) }).state, before.state);
    }),
  );
});

test('nobody is offline while a client is open, unless they chose to appear so', () => {
  fc.assert(
    fc.property(inputs, (given) => {
      const seen = aggregate(given);
      const somebody = given.endpoints.some(({ open }) => open);
      assert.equal(seen.state === 'offline', !somebody || seen.appearsOffline);
    }),
  );
});
