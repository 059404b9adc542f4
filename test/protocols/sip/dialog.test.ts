// RFC 3261 §12: what a dialog keeps, what it sends, what it refuses; and that a restart never uses a CSeq twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Dialog } from '../../../src/protocols/sip/dialog.ts';
import type { SipRequest, SipResponse } from '../../../src/protocols/sip/message.ts';
import { parseMessage } from '../../../src/protocols/sip/parse.ts';
import { ask, ExchangeWorld, THEIRS } from '../../support/sip-exchange.ts';
import { header, headers, status } from '../../support/sip-message.ts';

function read(text: string): SipRequest | SipResponse {
  const message = parseMessage(Buffer.from(text.slice(0, text.indexOf('\r\n\r\n') + 2)), Buffer.alloc(0));
  if (message.kind === 'error') throw new Error(message.message);
  return message;
}
const request = (changes: Record<string, string | readonly string[]>, method = 'SUBSCRIBE') => read(ask(method, changes)) as SipRequest;

const CONTACT = '<sip:alice@fabrikam.example;gr=urn:uuid:6f0;x="a,b">;expires=60';
const FOUNDING = {
  From: 'Nora <sip:nora@fabrikam.example>;tag=n0ra',
  'Call-ID': 'd1',
  CSeq: '17 SUBSCRIBE',
  Contact: CONTACT.replace(';x="a,b"', ''),
  'Record-Route': ['<sip:edge.fabrikam.example;r2=on;lr>, <sip:10.0.0.1;r2=on;lr;ms-sig="a,b">', '<sip:in.fabrikam.example;lr>'],
};
const ROUTES = ['<sip:edge.fabrikam.example;r2=on;lr>', '<sip:10.0.0.1;r2=on;lr;ms-sig="a,b">', '<sip:in.fabrikam.example;lr>'];

test('the one who answers sends to the Contact along Record-Route in its order, byte for byte', () => {
  const dialog = Dialog.asServer(request(FOUNDING), 'ours');
  const next = dialog!.nextRequest('NOTIFY', [['Event', 'presence']]);
  assert.equal(next.uri, 'sip:alice@fabrikam.example;gr=urn:uuid:6f0');
  assert.deepEqual(next.headers, [
    ...ROUTES.map((route) => ['Route', route]),
    ['From', '<sip:li@contoso.example>;tag=ours'],
    ['To', '"Nora" <sip:nora@fabrikam.example>;tag=n0ra'],
    ['Call-ID', 'd1'],
    ['CSeq', '1 NOTIFY'],
    ['Event', 'presence'],
  ]);
});

const SENT = { callId: 'd2', from: '<sip:li@contoso.example>', fromTag: 'ours', to: '<sip:nora@fabrikam.example>', cseq: 5 };

test('the one who asked sends along Record-Route of the response turned round', () => {
  const lines = {
    From: `${SENT.from};tag=ours`,
    To: '<sip:nora@fabrikam.example>;tag=theirs',
    'Call-ID': 'd2',
    Contact: '<sip:nora@10.0.0.7:5080>',
    'Record-Route': FOUNDING['Record-Route'],
  };
  const response = read(ask('SUBSCRIBE', lines).replace(/^.*/, 'SIP/2.0 200 OK')) as SipResponse;
  const dialog = Dialog.asClient(SENT, response);
  const next = dialog!.nextRequest('SUBSCRIBE', []);
  assert.equal(next.uri, 'sip:nora@10.0.0.7:5080');
  assert.deepEqual(
    next.headers.slice(0, 3),
    ROUTES.toReversed().map((route) => ['Route', route]),
  );
  assert.deepEqual(next.headers.slice(3), [
    ['From', '<sip:li@contoso.example>;tag=ours'],
    ['To', '<sip:nora@fabrikam.example>;tag=theirs'],
    ['Call-ID', 'd2'],
    ['CSeq', '6 SUBSCRIBE'],
  ]);
});

test('a NOTIFY that overtakes the 2xx founds the same dialog', () => {
  const lines = {
    From: '<sip:nora@fabrikam.example>;tag=theirs',
    To: `${SENT.from};tag=ours`,
    'Call-ID': 'd2',
    CSeq: '900 NOTIFY',
    Contact: '<sip:nora@10.0.0.7>',
    'Record-Route': FOUNDING['Record-Route'],
  };
  const notify = request(lines, 'NOTIFY');
  const dialog = Dialog.asClient(SENT, notify);
  assert.deepEqual(
    dialog!.nextRequest('SUBSCRIBE', []).headers.slice(0, 3),
    ROUTES.map((route) => ['Route', route]),
  );
  assert.equal(dialog!.receive(notify), 500, 'its number is taken');
});

test('a strict router of RFC 2543 becomes the Request-URI', () => {
  const dialog = Dialog.asServer(
    request({ ...FOUNDING, 'Record-Route': ['<sip:old.fabrikam.example>', '<sip:in.fabrikam.example;lr>'] }),
    'ours',
  );
  const next = dialog!.nextRequest('NOTIFY', []);
  assert.equal(next.uri, 'sip:old.fabrikam.example');
  assert.deepEqual(
    next.headers.filter(([name]) => name === 'Route').map(([, value]) => value),
    ['<sip:in.fabrikam.example;lr>', '<sip:alice@fabrikam.example;gr=urn:uuid:6f0>'],
  );
});

const USELESS: readonly [string, Record<string, string>][] = [
  ['no From tag', { From: '<sip:nora@fabrikam.example>' }],
  ['no Contact', { Contact: '-' }],
  ['a Contact that is no SIP address', { Contact: '<mailto:nora@fabrikam.example>' }],
  ['a Contact with headers', { Contact: '<sip:nora@fabrikam.example?Route=%3Csip:evil%3E>' }],
];
for (const [what, changes] of USELESS) {
  test(`no dialog comes of a request with ${what}`, () => {
    assert.equal(Dialog.asServer(request({ ...FOUNDING, ...changes }), 'ours'), undefined);
  });
}

test('numbers of the peer must grow, gaps are fine, and a new Contact is the new target', () => {
  const dialog = Dialog.asServer(request(FOUNDING), 'ours')!;
  const refresh = (cseq: number, more: Record<string, string> = {}) =>
    dialog.receive(request({ ...FOUNDING, CSeq: `${cseq} SUBSCRIBE`, ...more }));
  assert.equal(refresh(17), 500);
  assert.equal(refresh(16), 500);
  assert.equal(refresh(400, { Contact: '<sip:nora@10.0.0.8>' }), undefined);
  assert.equal(dialog.target, 'sip:nora@10.0.0.8');
  assert.equal(refresh(400), 500);
  assert.equal(refresh(401, { From: '<sip:nora@fabrikam.example>;tag=other' }), 481);
  assert.equal(refresh(401, { 'Call-ID': 'other' }), 481);
  assert.equal(refresh(401, { Contact: '-' }), undefined);
  assert.equal(dialog.target, 'sip:nora@10.0.0.8');
});

test('the record is JSON and gives the same dialog back', () => {
  const dialog = Dialog.asServer(request(FOUNDING), 'ours')!;
  dialog.nextRequest('NOTIFY', []);
  const again = Dialog.fromRecord(JSON.parse(JSON.stringify(dialog.toRecord())));
  assert.equal(again.id, dialog.id);
  assert.equal(again.target, dialog.target);
  const without = (next: ReturnType<Dialog['nextRequest']>) => next.headers.filter(([name]) => name !== 'CSeq');
  assert.deepEqual(without(again.nextRequest('NOTIFY', [])), without(dialog.nextRequest('NOTIFY', [])));
  assert.equal(again.receive(request(FOUNDING)), 500);
});

test('whenever it crashes, no CSeq is used twice by who saves when asked to', () => {
  const step = fc.constantFrom('send', 'send', 'send', 'crash');
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.integer({ min: 1, max: 400 })), { maxLength: 20 }), (steps) => {
      let dialog = Dialog.asServer(request(FOUNDING), 'ours')!;
      let saved = JSON.stringify(dialog.toRecord());
      let last = 0;
      for (const [kind, times] of steps) {
        if (kind === 'crash') dialog = Dialog.fromRecord(JSON.parse(saved));
        for (let index = 0; kind === 'send' && index < times; index += 1) {
          if (dialog.wantsSaving) saved = JSON.stringify(dialog.toRecord());
          const number = Number.parseInt(dialog.nextRequest('NOTIFY', []).headers.find(([name]) => name === 'CSeq')![1], 10);
          assert.ok(number > last, `${number} after ${last}`);
          last = number;
        }
      }
    }),
    { numRuns: 30 },
  );
});

test('over the wire: a request inside a dialog goes to the proven peer, whatever its Contact and Route say', async () => {
  await using world = await ExchangeWorld.open();
  const far = await world.farServer();
  const evil = await world.farServer();
  let dialog: Dialog | undefined;
  world.shore.handle('SUBSCRIBE', async (inbound) => {
    dialog = Dialog.asServer(inbound.message, 'ours');
    return {
      status: 200,
      toTag: 'ours',
      headers: [
        ['Expires', '600'],
        ['Contact', `<${world.shore.contactUri('edge', 'tls')}>`],
      ],
    };
  });
  const peer = await world.arrive();
  const at = `127.0.0.1:${evil.port}`;
  peer.send(ask('SUBSCRIBE', { Contact: `<sip:nora@${at};maddr=127.0.0.1>`, 'Record-Route': [`<sip:${at};lr>`] }));
  const answer = await peer.next();
  assert.equal(status(answer), 200);
  assert.match(header(answer, 'To'), /;tag=ours$/);
  assert.deepEqual(headers(answer, 'Record-Route'), [`<sip:${at};lr>`]);
  const sent = world.shore.requestInDialog(world.edgeHop(far.at), dialog!, { method: 'NOTIFY', headers: [['Event', 'presence']] });
  const right = await far.next();
  const notify = await right.next();
  assert.equal(notify.start, `NOTIFY sip:nora@${at};maddr=127.0.0.1 SIP/2.0`);
  assert.equal(header(notify, 'Route'), `<sip:${at};lr>`);
  assert.equal(header(notify, 'Contact'), '<sip:edge.contoso.example;transport=tls>');
  right.answer(notify, '200 OK');
  assert.equal((await sent).kind, 'response');
  assert.equal(evil.peers.waiting.length, 0, `only ${THEIRS}'s own host was connected to`);
});
