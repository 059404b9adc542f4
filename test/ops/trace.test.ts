// `partner trace` end to end on a running edge, and its files.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandLineOperations } from '../../src/assembly/operations.ts';
import type { TracedMessage } from '../../src/model/trace.ts';
import { checksum, PcapngWriter } from '../../src/ops/trace/pcapng.ts';
import { partnerTrace } from '../../src/ops/trace/verb.ts';
import type { Report } from '../../src/ops/verb.ts';
import { perform } from '../../src/ops/verb-command.ts';
import { FABRIKAM, PARTNER } from '../hostile/names.ts';
import { RunningEdge } from '../hostile/running-edge.ts';
import { ask } from '../support/sip-exchange.ts';
import { status } from '../support/sip-message.ts';
import { until } from '../support/wait.ts';

const judge = (): never => {
  throw new Error('not of this test');
};

/** Begins a trace and waits until it listens. */
async function trace(
  edge: RunningEdge,
  given: Record<string, unknown>,
  why?: string,
): Promise<{ readonly lines: string[]; readonly done: Promise<Report> }> {
  const lines: string[] = [];
  const terminal = { out: (line: string) => void lines.push(line), err() {}, env: {}, cwd: '/' };
  const operations = commandLineOperations(join(edge.around.folder, 'home'), terminal, judge);
  const begun = async (): Promise<number> =>
    (await operations.audit().list({ limit: 50 })).filter((line) => line.changes === 'a trace begins').length;
  const before = await begun();
  const input = partnerTrace.input.parse(given);
  const done = perform(partnerTrace, operations, input, given, why);
  await Promise.race([done, until('the begin in the audit log', async () => (await begun()) > before)]);
  void done.finally(() => operations.close());
  return { lines, done };
}

test('a ladder of both protocols of a partner: STARTTLS, SASL and a message, without its text; begin and end are audited', async () => {
  await using edge = await RunningEdge.open();
  const { lines, done } = await trace(edge, { domain: PARTNER, for: '1s' });
  const sip = await trace(edge, { domain: FABRIKAM, for: '1s' });
  const stream = await edge.xmpp();
  stream.send(`<message from='li@${PARTNER}/pad' to='nora@corp.example' id='m1' type='chat'><body>the secret plan</body></message>`);
  const other = await edge.sip();
  other.send(ask('MESSAGE', { 'Call-ID': 'not-theirs', 'Content-Type': 'text/plain' }, 'their own plan'));
  assert.equal(status(await other.next()), 200);
  const report = await done;
  assert.equal(report.exit, 0, report.text);
  const text = lines.join('\n');
  assert.match(text, /-- [0-9a-f]+: XMPP, opened by them, from 127\.0\.0\.1:\d+/);
  assert.match(text, /us <-- them .*<stream:stream> {2}partner\.example to corp\.example/);
  assert.match(text, /us --> them .*<stream:features>/);
  assert.match(text, /us <-- them .*<auth> {2}mechanism=EXTERNAL/);
  assert.match(text, /us <-- them .*<message> {2}li@partner\.example\/pad to nora@corp\.example {2}type=chat {2}id=m1 {2}\[body\]/);
  assert.ok(!text.includes('secret plan') && !text.includes('not-theirs'));
  assert.equal((await sip.done).exit, 0);
  const calls = sip.lines.join('\n');
  assert.match(
    calls,
    /us <-- them .*MESSAGE sip:li@contoso\.example {2}CSeq 1 MESSAGE {2}Call-ID not-theirs {2}\[text\/plain, 14 octets\]/,
  );
  assert.match(calls, /us --> them .*200 OK {2}CSeq 1 MESSAGE {2}Call-ID not-theirs/);
  assert.ok(!calls.includes('own plan') && !calls.includes(PARTNER));
  const audit = await auditOf(edge);
  assert.match(audit, /partner trace \S.* a trace begins/);
  assert.match(audit, /partner trace \S.* the trace has ended: \d+ messages of 1 connection/);
});

async function auditOf(edge: RunningEdge): Promise<string> {
  const terminal = { out() {}, err() {}, env: {}, cwd: '/' };
  const operations = commandLineOperations(join(edge.around.folder, 'home'), terminal, judge);
  const lines = await operations.audit().list({ limit: 10 });
  operations.close();
  return lines.map(({ act, changes, actor }) => `${act} ${actor.name} ${changes ?? ''}`).join('\n');
}

test('bodies need a reason; a file is never written over; json goes into a file of the owner alone', async () => {
  await using edge = await RunningEdge.open();
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-trace-'));
  try {
    const refused = await (await trace(edge, { domain: PARTNER, for: '1s', bodies: true })).done;
    assert.equal(refused.exit, 2);
    assert.match(refused.text, /--why/);
    const out = join(folder, 'trace.json');
    const { done } = await trace(edge, { domain: PARTNER, for: '1s', bodies: true, format: 'json', out }, 'ticket 12');
    const stream = await edge.xmpp();
    stream.send(`<message from='li@${PARTNER}/pad' to='nora@corp.example' id='m1' type='chat'><body>as agreed</body></message>`);
    assert.match((await done).text, /Written to/);
    const messages = readFileSync(out, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { text: string; direction: string });
    assert.ok(messages.some(({ text, direction }) => direction === 'in' && text.includes('<body>as agreed</body>')));
    assert.equal(statSync(out).mode & 0o777, 0o600);
    const again = await (await trace(edge, { domain: PARTNER, for: '1s', out })).done;
    assert.deepEqual([again.exit, /is there already/.test(again.text)], [2, true]);
    const ours = await (await trace(edge, { domain: 'corp.example', for: '1s' })).done;
    assert.deepEqual([ours.exit, /is a domain of yours/.test(ours.text)], [2, true]);
    assert.throws(() => partnerTrace.input.parse({ domain: PARTNER, for: '2h' }));
    assert.throws(() => partnerTrace.input.parse({ domain: PARTNER, format: 'pcapng' }));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('bodies wait for a second person where the home asks for one; what shows none does not', async () => {
  await using edge = await RunningEdge.open();
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-trace-'));
  const records = join(edge.around.folder, 'home', 'records');
  mkdirSync(records, { recursive: true });
  writeFileSync(join(records, 'archive.yaml'), 'secondPerson: true\n');
  try {
    const out = join(folder, 'trace.json');
    const given = { domain: PARTNER, for: '1s', format: 'json', bodies: true, out };
    const asked = await (await trace(edge, given, 'ticket 12')).done;
    assert.deepEqual([asked.exit, existsSync(out)], [1, false]);
    assert.match(asked.text, /A second person has to agree: [0-9a-f]+/);
    const { approval } = asked.json as { approval: string }; // what the first call answers
    const early = await (await trace(edge, { ...given, approval }, 'ticket 12')).done;
    assert.match(early.text, /still waits for a second person/);
    const terminal = { out() {}, err() {}, env: {}, cwd: '/' };
    const operations = commandLineOperations(join(edge.around.folder, 'home'), terminal, judge);
    assert.ok(await operations.records().approvals.decide(approval, 'pavel', true, operations.clock.now()));
    operations.close();
    const { done } = await trace(edge, { ...given, approval }, 'ticket 12');
    const stream = await edge.xmpp();
    stream.send(`<message from='li@${PARTNER}/pad' to='nora@corp.example' id='m1' type='chat'><body>as agreed</body></message>`);
    assert.match((await done).text, /Written to/);
    assert.match(readFileSync(out, 'utf8'), /as agreed/);
    assert.match(await auditOf(edge), new RegExp(`approval ${approval}: asked by \\S+, approved by pavel`));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

interface Packet {
  readonly micros: bigint;
  readonly source: string;
  readonly destination: string;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly payload: string;
}

/** Reads the blocks back, checks every length and checksum. */
function packetsOf(file: Buffer): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < file.length; ) {
    const [type, length] = [file.readUInt32LE(at), file.readUInt32LE(at + 4)];
    assert.equal(file.readUInt32LE(at + length - 4), length, 'the length stands at both ends');
    assert.equal(length % 4, 0);
    if (at === 0) assert.deepEqual([type, file.readUInt32LE(8)], [0x0a0d0d0a, 0x1a2b3c4d]);
    if (type === 6) {
      const captured = file.readUInt32LE(at + 20);
      const frame = file.subarray(at + 28, at + 28 + captured);
      const six = frame.readUInt16BE(12) === 0x86dd;
      const ip = frame.subarray(14);
      const head = six ? 40 : 20;
      const addresses = six ? ip.subarray(8, 40) : ip.subarray(12, 20);
      if (!six) assert.equal(checksum(ip.subarray(0, 20)), 0, 'the sum over a good header is zero');
      const tcp = ip.subarray(head);
      const pseudo = Buffer.alloc(4);
      pseudo.writeUInt16BE(6, 0);
      pseudo.writeUInt16BE(tcp.length, 2);
      assert.equal(checksum(Buffer.concat([addresses, pseudo, tcp])), 0);
      const half = addresses.length / 2;
      packets.push({
        micros: (BigInt(file.readUInt32LE(at + 12)) << 32n) | BigInt(file.readUInt32LE(at + 16)),
        source: `${addresses.subarray(0, half).toString('hex')}:${tcp.readUInt16BE(0)}`,
        destination: `${addresses.subarray(half).toString('hex')}:${tcp.readUInt16BE(2)}`,
        seq: tcp.readUInt32BE(4),
        ack: tcp.readUInt32BE(8),
        flags: tcp.readUInt8(13),
        payload: tcp.subarray(20).toString('latin1'),
      });
    }
    at += length;
  }
  return packets;
}

test('pcapng: each stream can be followed - handshake, sequence numbers, checksums, both address families', () => {
  const writer = new PcapngWriter();
  const base = { at: 1_700_000_000_123, protocol: 'sip', openedBy: 'in', port: 4711, summary: '' } as const;
  const long = `MESSAGE ${'x'.repeat(3000)}`;
  const messages: TracedMessage[] = [
    { ...base, connection: 'a', address: '198.51.100.7', direction: 'in', bytes: Buffer.from(long) },
    { ...base, connection: 'a', address: '198.51.100.7', direction: 'out', bytes: Buffer.from('SIP/2.0 200 OK') },
    {
      ...base,
      connection: 'b',
      address: '2001:db8:0:1::ffff',
      protocol: 'xmpp',
      openedBy: 'out',
      direction: 'out',
      bytes: Buffer.from('<a/>'),
    },
    { ...base, connection: 'a', address: '198.51.100.7', direction: 'in', bytes: Buffer.from('ACK') },
  ];
  const packets = packetsOf(Buffer.concat([writer.head(), ...messages.map((message) => writer.message(message))]));
  assert.equal(packets[0]?.micros, 1_700_000_000_123_000n);
  assert.deepEqual(
    packets.slice(0, 3).map(({ flags }) => flags),
    [2, 18, 16],
  );
  assert.equal(packets[0]?.destination, 'c0000201:5060', 'our made-up end, on the port of plain SIP');
  for (const source of new Set(packets.map((packet) => packet.source))) {
    let next: number | undefined;
    for (const { seq, payload, flags } of packets.filter((packet) => packet.source === source)) {
      if (next !== undefined) assert.equal(seq, next, 'no gap');
      next = seq + payload.length + (flags & 2 ? 1 : 0);
    }
  }
  const said = (source: string): string =>
    packets
      .filter((packet) => packet.source === source)
      .map(({ payload }) => payload)
      .join('');
  assert.equal(said('c6336407:4711'), `${long}ACK`);
  assert.equal(said('c0000201:5060'), 'SIP/2.0 200 OK');
  assert.equal(packets.find(({ payload }) => payload === '<a/>')?.destination, '20010db800000001000000000000ffff:5222');
});
