import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { instantOf, isTimeZone, localTime, offsetMinutes, readLocal, showLocal } from '../../src/model/zoned-time.ts';

const utc = (text: string): number => Date.parse(`${text}Z`);

const READINGS: readonly (readonly [string, string, string | undefined])[] = [
  ['2026-07-01 09:00', 'Europe/Berlin', '2026-07-01T07:00:00'],
  ['2026-12-01T09:00:30', 'Europe/Berlin', '2026-12-01T08:00:30'],
  ['2026-10-25 02:30', 'Europe/Berlin', '2026-10-25T00:30:00'], // twice: the first
  ['2026-03-29 02:30', 'Europe/Berlin', '2026-03-29T01:30:00'], // skipped: the offset before the gap
  ['2026-11-24', 'America/New_York', '2026-11-24T05:00:00'],
  ['2026-11-24T09:00Z', 'America/New_York', '2026-11-24T09:00:00'],
  ['2026-11-24T09:00+05:30', 'Europe/Berlin', '2026-11-24T03:30:00'],
  ['2026-02-30 09:00', 'UTC', undefined],
  ['2026-11-24 24:00', 'UTC', undefined],
  ['tomorrow', 'UTC', undefined],
];
for (const [text, zone, instant] of READINGS)
  test(`${text} in ${zone}`, () => assert.equal(readLocal(text, zone), instant === undefined ? undefined : utc(instant)));

test('offsets follow the season; zones that are none are not taken', () => {
  assert.equal(offsetMinutes('Europe/Berlin', utc('2026-07-01T00:00:00')), 120);
  assert.equal(offsetMinutes('Europe/Berlin', utc('2026-01-01T00:00:00')), 60);
  assert.equal(offsetMinutes('Asia/Kolkata', utc('2026-01-01T00:00:00')), 330);
  assert.equal(offsetMinutes('America/St_Johns', utc('2026-01-01T00:00:00')), -210);
  assert.deepEqual(['Europe/Berlin', 'UTC', 'Mars/Olympus', '+02:00', ''].map(isTimeZone), [true, true, false, false, false]);
});

test('what clocks show leads back to the instant, but in the hour that comes twice', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: utc('2000-01-01T00:00:00') / 1000, max: utc('2040-01-01T00:00:00') / 1000 }),
      fc.constantFrom('Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'Australia/Lord_Howe', 'UTC'),
      (seconds, zone) => {
        const shown = localTime(seconds * 1000, zone);
        const back = instantOf(shown, zone);
        assert.deepEqual(localTime(back, zone), shown);
        assert.ok(back <= seconds * 1000);
      },
    ),
    { numRuns: 200 },
  );
  assert.equal(showLocal(utc('2026-07-01T07:05:00'), 'Europe/Berlin'), '2026-07-01 09:05');
});
