// What is true of a person and not of one client, in PIDF (RFC 4479, RFC 4480).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersonFacts, PresenceDocument } from '../../../../src/model/presence.ts';
import { readPidf } from '../../../../src/protocols/sip/documents/pidf-reader.ts';
import { writePidf } from '../../../../src/protocols/sip/documents/pidf-writer.ts';

const NORA = { local: 'nora', domain: 'people.example' };
const AT = Date.parse('2026-11-24T08:00:00Z');
const NOTHING: PersonFacts = { activities: [], notes: [] };

function personIn(document: PresenceDocument): string {
  return /<dm:person id="P1">(.*)<\/dm:person>/.exec(writePidf(NORA, document))?.[1] ?? '';
}
const open = (more = {}): PresenceDocument['endpoints'][number] => ({ id: 'desk', availability: 'open', notes: [], at: AT, ...more });

const ROWS: readonly (readonly [string, PresenceDocument, string])[] = [
  ['nothing is known: no person', { endpoints: [open()] }, ''],
  [
    'a meeting with its subject, place and end',
    {
      endpoints: [open({ show: 'dnd', activity: 'meeting' })],
      person: { ...NOTHING, activities: [{ rpid: 'meeting' }], meeting: { subject: 'R&D', place: 'Room 3', until: AT } },
    },
    '<r:activities until="2026-11-24T08:00:00Z"><r:note>R&amp;D (Room 3)</r:note><r:meeting/></r:activities>',
  ],
  [
    'a state of the organisation in two languages',
    {
      endpoints: [open({ show: 'dnd' })],
      person: {
        ...NOTHING,
        activities: [{ other: { text: 'In court', lang: 'en' } }, { other: { text: 'Vor Gericht', lang: 'de' } }],
      },
    },
    '<r:activities><r:other xml:lang="en">In court</r:other><r:other xml:lang="de">Vor Gericht</r:other></r:activities>',
  ],
  [
    'place, time zone, idleness and notes, in the order of RFC 4479',
    {
      endpoints: [open({ idleSince: AT })],
      person: {
        activities: [],
        notes: [{ text: 'back on Monday' }],
        outOfOffice: { text: 'Ask <Omar>', from: 0 },
        location: 'Hamburg',
        timeZone: { name: 'Europe/Berlin', offsetMinutes: 60 },
      },
    },
    '<r:place-type><r:other>Hamburg</r:other></r:place-type><r:time-offset description="Europe/Berlin">60</r:time-offset>' +
      '<r:user-input last-input="2026-11-24T08:00:00Z">idle</r:user-input><dm:note>Ask &lt;Omar&gt;</dm:note><dm:note>back on Monday</dm:note>',
  ],
  [
    'nobody is there, and has left word',
    { endpoints: [{ id: '', availability: 'closed', notes: [], at: AT }], person: { ...NOTHING, outOfOffice: { text: 'Away', from: 0 } } },
    '<dm:note>Away</dm:note>',
  ],
  [
    'where the photo is (RFC 4482)',
    { endpoints: [open()], person: { ...NOTHING, notes: [{ text: 'hi' }], picture: 'https://chat.people.example/photo/n%40p/1?a&b' } },
    '<c:icon xmlns:c="urn:ietf:params:xml:ns:pidf:cipid">https://chat.people.example/photo/n%40p/1?a&amp;b</c:icon><dm:note>hi</dm:note>',
  ],
  [
    'out of the office with an end',
    { endpoints: [open()], person: { ...NOTHING, outOfOffice: { text: 'Ask Omar', from: 0, until: AT } } },
    '<dm:note>Ask Omar (until 2026-11-24 08:00 UTC)</dm:note>',
  ],
];
for (const [what, document, person] of ROWS)
  test(what, () => {
    assert.equal(personIn(document), person);
    const read = readPidf(writePidf(NORA, document), { at: AT });
    assert.equal(read.kind, 'document');
  });

test('a document with facts of a person still says of its clients what it says', () => {
  const endpoints = [open({ show: 'dnd', activity: 'meeting', notes: [{ text: 'In a meeting', lang: 'en' }] })];
  const person = { ...NOTHING, activities: [{ rpid: 'meeting' }], location: 'Hamburg' } as const;
  const read = readPidf(writePidf(NORA, { endpoints, person }), { at: AT });
  assert.ok(read.kind === 'document');
  assert.deepEqual(read.document.endpoints, endpoints);
});
