import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Endpoint, PresenceDocument } from '../../../../src/model/presence.ts';
import { fromTupleId, type PidfFacts, readPidf } from '../../../../src/protocols/sip/documents/pidf-reader.ts';
import { activityFor, activityOf, showOfActivity } from '../../../../src/protocols/sip/documents/pidf-words.ts';
import { priorityToQ, toTupleId, writePidf } from '../../../../src/protocols/sip/documents/pidf-writer.ts';

const AT = Date.parse('2026-02-03T12:00:00Z');
const li = { local: 'li', domain: 'contoso.example' };

function read(xml: string, facts: Partial<PidfFacts> = {}): PresenceDocument {
  const reading = readPidf(xml, { at: AT, ...facts });
  assert.equal(reading.kind, 'document', reading.kind === 'refused' ? reading.text : '');
  return (reading as Extract<typeof reading, { kind: 'document' }>).document;
}
function refusal(xml: string): string {
  const reading = readPidf(xml, { at: AT });
  assert.equal(reading.kind, 'refused');
  return (reading as Extract<typeof reading, { kind: 'refused' }>).text;
}
function first(xml: string, facts: Partial<PidfFacts> = {}): Endpoint {
  const [endpoint] = read(xml, facts).endpoints;
  assert.ok(endpoint);
  return endpoint;
}

const NAMESPACES = `xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid"`;
const pidf = (inner: string, attributes = ''): string =>
  `<?xml version="1.0"?><presence ${NAMESPACES} entity="pres:nora@fabrikam.example" ${attributes}>${inner}</presence>`;
const tuple = (inner: string, id = 't1'): string => `<tuple id="${id}">${inner}</tuple>`;
const OPEN = '<status><basic>open</basic></status>';
const person = (inner: string): string => `<dm:person id="p1">${inner}</dm:person>`;
const activity = (words: string): string => `<r:activities>${words}</r:activities>`;

test('the document of the specification is written as it stands there', () => {
  const xml = writePidf(li, {
    endpoints: [
      {
        id: 'pad',
        availability: 'open',
        show: 'dnd',
        priority: 5,
        notes: [{ text: 'release call', lang: 'en' }],
        at: Date.parse('2026-02-03T11:24:55Z'),
      },
    ],
  });
  assert.equal(
    xml,
    '<?xml version="1.0" encoding="UTF-8"?>\r\n' +
      '<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid"' +
      ' entity="pres:li@contoso.example">' +
      '<tuple id="ID-pad"><status><basic>open</basic><show xmlns="jabber:client">dnd</show></status>' +
      '<contact priority="0.039">sip:li@contoso.example;gr=pad</contact><note xml:lang="en">release call</note>' +
      '<timestamp>2026-02-03T11:24:55Z</timestamp></tuple>' +
      '<dm:person id="P1"><r:activities><r:busy/></r:activities></dm:person></presence>',
  );
});

test('priorities and q are one to one for 0..127, as RFC 8048 has them', () => {
  assert.deepEqual([1, 2, 126, 0, 127].map(priorityToQ), ['0.007', '0.015', '0.992', '0', '1']);
  const seen = new Set<string>();
  for (let p = 0; p <= 127; p++) {
    const q = priorityToQ(p);
    seen.add(q);
    assert.equal(first(pidf(tuple(`${OPEN}<contact priority="${q}">sip:a@b.example</contact>`))).priority, p);
  }
  assert.equal(seen.size, 128);
});

test('a negative priority is left out', () => {
  assert.doesNotMatch(writePidf(li, { endpoints: [{ id: 'a', availability: 'open', notes: [], at: AT, priority: -1 }] }), /priority=/);
});

const TUPLE_IDS = [
  ['pad', 'ID-pad'],
  ['', 'ID-'],
  ['a b', 'ID-a_x0020_b'],
  ['Gajim.7/x', 'ID-Gajim.7_x002F_x'],
  ['büro', 'ID-b_x00FC_ro'],
  ['📱', 'ID-_x1F4F1_'],
  ['_x0041_', 'ID-_x005F_x0041_'],
  ['_x0041é', 'ID-_x005F_x0041_x00E9_'],
] as const;
for (const [resource, id] of TUPLE_IDS) {
  test(`the resource ${JSON.stringify(resource)} is the tuple ${id}, both ways`, () => {
    assert.equal(toTupleId(resource), id);
    assert.equal(fromTupleId(id), resource);
  });
}

test('every resource survives as a tuple id, which is always an NCName', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (resource) => {
      const clean = resource.toWellFormed().replace(/\p{Cc}/gu, '');
      const id = toTupleId(clean);
      assert.match(id, /^ID-[A-Za-z0-9._-]*$/);
      assert.equal(fromTupleId(id), clean);
    }),
    { numRuns: 300 },
  );
});

// Spec 5.5: RPID in, XMPP show out.
const WORDS = [
  ['away', ['away', 'in-transit', 'meal', 'breakfast', 'lunch', 'dinner', 'shopping', 'looking-for-work']],
  ['xa', ['vacation', 'holiday', 'permanent-absence', 'sleeping', 'travel', 'worship']],
  ['dnd', ['busy', 'on-the-phone', 'meeting', 'appointment', 'presentation', 'performance']],
] as const;
for (const [show, activities] of WORDS) {
  for (const word of activities) {
    test(`the activity ${word} is ${show}`, () => {
      assert.equal(first(pidf(tuple(OPEN) + person(activity(`<r:${word}/>`)))).show, show);
    });
  }
}

test('of several activities the least available counts; working counts with privacy only', () => {
  assert.equal(showOfActivity(['away', 'busy']), 'dnd');
  assert.equal(showOfActivity(['working']), undefined);
  assert.equal(showOfActivity(['working', 'privacy']), 'dnd');
  assert.equal(activityOf(['busy', 'on-the-phone']), 'on-the-phone');
  assert.equal(activityOf(['busy']), undefined);
  assert.deepEqual(
    [activityFor('xa', undefined), activityFor('dnd', 'meeting'), activityFor('chat', undefined), activityFor('dnd', 'gardening')],
    ['away', 'meeting', undefined, 'busy'],
  );
});

const READINGS: readonly (readonly [title: string, xml: string, expected: Partial<Endpoint>])[] = [
  ['a tuple alone is plainly available', pidf(tuple(OPEN)), { availability: 'open', notes: [], at: AT }],
  ['no basic: nobody said that it is open', pidf(tuple('<status/>')), { availability: 'closed' }],
  [
    'an explicit show wins over RPID',
    pidf(tuple('<status><basic>open</basic><show xmlns="jabber:client">chat</show></status>') + person(activity('<r:busy/>'))),
    { show: 'chat' },
  ],
  [
    'a show that does not exist is none',
    pidf(tuple('<status><basic>open</basic><show xmlns="jabber:client">party</show></status>')),
    { availability: 'open' },
  ],
  [
    'notes are never guessed from',
    pidf(tuple(`${OPEN}<note>On the phone, busy, dnd</note>`)),
    { notes: [{ text: 'On the phone, busy, dnd' }] },
  ],
  [
    'closed and an activity stays closed, with its words',
    pidf(tuple('<status><basic>closed</basic></status><note>gone fishing</note>') + person(activity('<r:vacation/>'))),
    { availability: 'closed', activity: 'vacation', notes: [{ text: 'gone fishing' }] },
  ],
  [
    'activities inside the status of a tuple, as Lync and SIPE write them',
    pidf(
      tuple(
        `<status><basic>open</basic><ep:activities xmlns:ep="urn:ietf:params:xml:ns:pidf:status:rpid"><ep:on-the-phone/></ep:activities></status>`,
      ),
    ),
    { show: 'dnd', activity: 'on-the-phone' },
  ],
  ['a note at document level', pidf(`${tuple(OPEN)}<note xml:lang="de">im Urlaub</note>`), { notes: [{ text: 'im Urlaub', lang: 'de' }] }],
  ['a note of the person', pidf(tuple(OPEN) + person('<dm:note>back at 3</dm:note>')), { notes: [{ text: 'back at 3' }] }],
  [
    'a note of the tuple before one of the document',
    pidf(`${tuple(`${OPEN}<note>mine</note>`)}<note>ours</note>`),
    { notes: [{ text: 'mine' }] },
  ],
  ['xml:lang is inherited', pidf(tuple(`${OPEN}<note>oui</note>`), 'xml:lang="fr"'), { notes: [{ text: 'oui', lang: 'fr' }] }],
  [
    'a timestamp with an offset',
    pidf(tuple(`${OPEN}<timestamp>2026-02-03T12:00:00.5+01:00</timestamp>`)),
    { at: Date.parse('2026-02-03T11:00:00.500Z') },
  ],
  ['a timestamp that is none', pidf(tuple(`${OPEN}<timestamp>yesterday</timestamp>`)), { at: AT }],
  [
    'idle since, and for long: xa',
    pidf(tuple(OPEN) + person('<r:user-input last-input="2026-02-03T10:00:00Z">idle</r:user-input>')),
    { idleSince: Date.parse('2026-02-03T10:00:00Z'), show: 'xa' },
  ],
  [
    'idle for a moment only',
    pidf(tuple(OPEN) + person('<r:user-input last-input="2026-02-03T11:50:00Z">idle</r:user-input>')),
    { idleSince: Date.parse('2026-02-03T11:50:00Z') },
  ],
  [
    'somebody at the keys is not idle',
    pidf(tuple(OPEN) + person('<r:user-input last-input="2026-02-03T10:00:00Z">active</r:user-input>')),
    { availability: 'open' },
  ],
  [
    'unknown namespaces are ignored, whatever is in them',
    pidf(
      `${tuple(`${OPEN}<x:basic xmlns:x="urn:x">closed<x:note>no</x:note><note>nor this</note></x:basic>`)}<x:presence xmlns:x="urn:x"/>`,
    ),
    { availability: 'open', notes: [] },
  ],
  ['a q that is none', pidf(tuple(`${OPEN}<contact priority="2">sip:a@b.example</contact>`)), { availability: 'open' }],
];
for (const [title, xml, expected] of READINGS) {
  test(`read: ${title}`, () => {
    const { id: _, ...endpoint } = first(xml);
    assert.deepEqual(endpoint, { availability: 'open', notes: [], at: AT, ...expected });
  });
}

test('Content-Language is the language of notes that have none', () => {
  assert.deepEqual(first(pidf(tuple(`${OPEN}<note>ano</note>`)), { lang: 'cs' }).notes, [{ text: 'ano', lang: 'cs' }]);
});

test('an endpoint is named by gr, by our own tuple id, else by a hash that stays the same', () => {
  assert.equal(first(pidf(tuple(`${OPEN}<contact>sip:a@b.example;gr=a%20b</contact>`))).id, 'a b');
  assert.equal(first(pidf(tuple(OPEN, 'ID-pad_x0020_2'))).id, 'pad 2');
  const hashed = first(pidf(tuple(OPEN, 'sg89ae'))).id;
  assert.match(hashed, /^sip-[0-9a-f]{10}$/);
  assert.equal(first(pidf(tuple(OPEN, 'sg89ae'))).id, hashed);
});

test('a tuple about telephony is left out when one about messages is there, and kept when it is alone', () => {
  const phone = tuple(`${OPEN}<contact>tel:+15551230</contact>`, 'ID-phone');
  const desk = tuple(`${OPEN}<contact>im:nora@fabrikam.example</contact>`, 'ID-desk');
  const ids = (xml: string): string[] => read(xml).endpoints.map((endpoint) => endpoint.id);
  assert.deepEqual(ids(pidf(phone + desk)), ['desk']);
  assert.deepEqual(ids(pidf(phone)), ['phone']);
});

test('two tuples of one name are one endpoint', () => {
  const twice =
    tuple(`${OPEN}<contact>sip:a@b.example;gr=x</contact>`, 'one') + tuple(`${OPEN}<contact>sip:a@b.example;gr=x</contact>`, 'two');
  assert.equal(read(pidf(twice)).endpoints.length, 1);
});

test('no tuple at all: nothing is known', () => {
  assert.deepEqual(read(pidf('')).endpoints, []);
});

test('what must be understood and is not spoils its tuple, or the document', () => {
  const must = '<x:geo xmlns:x="urn:x" xmlns:p="urn:ietf:params:xml:ns:pidf" p:mustUnderstand="1"/>';
  assert.deepEqual(
    read(pidf(tuple(OPEN + must, 'ID-a') + tuple(OPEN, 'ID-b'))).endpoints.map((endpoint) => endpoint.id),
    ['b'],
  );
  assert.match(refusal(pidf(tuple(OPEN) + must)), /must be understood/);
});

const HOSTILE: readonly (readonly [title: string, xml: string, words: RegExp])[] = [
  ['a DTD', `<!DOCTYPE presence [<!ENTITY x "y">]>${pidf(tuple(OPEN)).slice(21)}`, /document type/],
  ['an entity that nobody declared', pidf(tuple(`${OPEN}<note>&bomb;</note>`)), /well-formed/],
  ['tags that do not match', pidf('<tuple>'), /well-formed/],
  ['an undeclared prefix', pidf('<q:tuple/>'), /well-formed/],
  ['another root', '<presence xmlns="urn:x"/>', /root/],
  ['nothing', '', /well-formed/],
  ['two roots', `${pidf('')}<a/>`, /well-formed/],
  ['too deep', pidf(tuple('<status>'.repeat(20) + '</status>'.repeat(20))), /deeper/],
  ['too many elements', pidf(tuple('<status/>'.repeat(3000))), /more than 2000/],
  ['a tuple within a tuple', pidf(tuple(tuple(OPEN))), /may/],
  ['too long', pidf(' '.repeat(2 * 1024 * 1024)), /characters/],
];
for (const [title, xml, words] of HOSTILE) {
  test(`refused: ${title}`, () => {
    assert.match(refusal(xml), words);
  });
}

test('a note of one megabyte is read, cut, and costs no time to speak of', () => {
  const started = performance.now();
  const { notes } = first(pidf(tuple(`${OPEN}<note>${'x'.repeat(1024 * 1024)}</note>`)));
  assert.equal(notes[0]?.text.length, 1000);
  assert.ok(performance.now() - started < 1000);
});

test('at most 32 tuples and 8 notes are kept', () => {
  const many = Array.from({ length: 100 }, (_, index) => tuple(OPEN, `ID-${index}`)).join('');
  assert.equal(read(pidf(many)).endpoints.length, 32);
  const notes = Array.from({ length: 20 }, (_, index) => `<note xml:lang="x-${index}">n</note>`).join('');
  assert.equal(first(pidf(tuple(OPEN + notes))).notes.length, 8);
});

const endpoint: fc.Arbitrary<Endpoint> = fc
  .record({
    id: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).map((id) => id.toWellFormed().replace(/\p{Cc}|[\ufffe\uffff]/gu, '.')),
    availability: fc.constantFrom('open' as const, 'closed' as const),
    show: fc.constantFrom(undefined, 'chat' as const, 'away' as const, 'xa' as const, 'dnd' as const),
    note: fc.option(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), { nil: undefined }),
    priority: fc.option(fc.integer({ min: 0, max: 127 }), { nil: undefined }),
    at: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000),
  })
  .map(({ show, note, priority, ...rest }) => {
    const text = (note ?? '')
      .toWellFormed()
      .replace(/[^\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
      .trim();
    return {
      ...rest,
      notes: text === '' ? [] : [{ text, lang: 'en' }],
      ...(show === undefined || rest.availability === 'closed' ? {} : { show }),
      ...(priority === undefined ? {} : { priority }),
    };
  });

test('what is written is read back the same, and written again the same', () => {
  fc.assert(
    fc.property(fc.uniqueArray(endpoint, { maxLength: 6, selector: (one) => one.id }), (endpoints) => {
      const xml = writePidf(li, { endpoints });
      // The person speaks for all tuples without a show of their own, which is right for people and lossy for this test.
      const back = read(xml.replace(/<dm:person.*<\/dm:person>/, ''));
      assert.deepEqual(back.endpoints, endpoints);
      assert.equal(writePidf(li, { endpoints: [...back.endpoints] }), xml);
    }),
    { numRuns: 200 },
  );
});

test('no document, however broken, throws', () => {
  const good = pidf(tuple(`${OPEN}<contact priority="0.5">sip:a@b.example</contact><note>x</note>`) + person(activity('<r:busy/>')));
  fc.assert(
    fc.property(fc.nat(good.length), fc.nat(30), fc.string({ maxLength: 10 }), (at, cut, noise) => {
      assert.ok(['document', 'refused'].includes(readPidf(good.slice(0, at) + noise + good.slice(at + cut), { at: AT }).kind));
    }),
    { numRuns: 300 },
  );
});
