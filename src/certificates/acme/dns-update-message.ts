// The DNS message of one update (RFC 2136 §2) with its TSIG (RFC 8945 §4 and §5), and the server's answer. Pure: bytes in, bytes out.
//
//   header  id, opcode UPDATE (5), ZOCOUNT 1, PRCOUNT 0, UPCOUNT 1, ADCOUNT 1 (the TSIG)
//   zone    name, SOA, IN
//   update  add: name, TXT, IN, ttl, rdata          remove: name, TXT, NONE, 0, rdata (RFC 2136 §2.5.4)
//   TSIG    key name, TSIG, ANY, 0, { algorithm, time signed, fudge, MAC, original id, error, other }

import { createHmac, randomInt, timingSafeEqual } from 'node:crypto';
import type { TsigAlgorithm } from '../../model/acme.ts';

export interface TsigKey {
  readonly name: string;
  readonly algorithm: TsigAlgorithm;
  readonly secret: Uint8Array;
}

export interface UpdateRequest {
  readonly act: 'add' | 'remove';
  readonly zone: string;
  readonly record: { readonly name: string; readonly ttlSeconds: number; readonly text: string };
  readonly key: TsigKey;
  /** Wall ms. */
  readonly nowMs: number;
  /** Default: random. */
  readonly id?: number;
}

export type UpdateAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly rcode: number; readonly tsig?: string }
  /** Not an answer to this request, or not signed by who has the key. */
  | { readonly kind: 'unproven'; readonly text: string };

export const RCODES: Readonly<Record<number, string>> = {
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  6: 'YXDOMAIN',
  7: 'YXRRSET',
  8: 'NXRRSET',
  9: 'NOTAUTH',
  10: 'NOTZONE',
};
const TSIG_ERRORS: Readonly<Record<number, string>> = { 16: 'BADSIG', 17: 'BADKEY', 18: 'BADTIME', 22: 'BADTRUNC' };

const TYPE = { SOA: 6, TXT: 16, TSIG: 250 } as const;
const CLASS = { IN: 1, NONE: 254, ANY: 255 } as const;
const UPDATE = 5;
/** RFC 8945 §10: 300 seconds. */
const FUDGE_SECONDS = 300;
const HEADER_BYTES = 12;

/** @returns the signed message, its MAC (the answer's MAC covers it) and its id */
export function updateMessage(request: UpdateRequest): { readonly bytes: Buffer; readonly mac: Buffer; readonly id: number } {
  const { act, zone, record, key, nowMs } = request;
  const id = request.id ?? randomInt(0x10000);
  const text = Buffer.from(record.text, 'latin1');
  if (text.length > 255) throw new RangeError('a TXT string has at most 255 bytes');
  const rdata = Buffer.concat([Buffer.from([text.length]), text]);
  const [kind, ttl] = act === 'add' ? [CLASS.IN, record.ttlSeconds] : [CLASS.NONE, 0];
  const message = Buffer.concat([
    words(id, UPDATE << 11, 1, 0, 1, 0),
    wireName(zone),
    words(TYPE.SOA, CLASS.IN),
    wireName(record.name),
    words(TYPE.TXT, kind),
    long(ttl),
    words(rdata.length),
    rdata,
  ]);
  return { id, ...signMessage(message, key, nowMs) };
}

/** RFC 8945 §5.1: the MAC over the message and the TSIG variables; then the TSIG as the last additional record. */
export function signMessage(message: Buffer, key: TsigKey, nowMs: number): { readonly bytes: Buffer; readonly mac: Buffer } {
  const mac = hmac(key, message, tsigVariables(key, seconds48(nowMs), FUDGE_SECONDS, 0, Buffer.alloc(0)));
  const rdata = Buffer.concat([
    wireName(key.algorithm),
    seconds48(nowMs),
    words(FUDGE_SECONDS, mac.length),
    mac,
    words(message.readUInt16BE(0), 0, 0),
  ]);
  const signed = Buffer.concat([message, wireName(key.name), words(TYPE.TSIG, CLASS.ANY), long(0), words(rdata.length), rdata]);
  signed.writeUInt16BE(message.readUInt16BE(10) + 1, 10);
  return { bytes: signed, mac };
}

/** Judges the answer: its id, its code, and for a yes the signature (RFC 8945 §5.3). Never throws. */
export function readUpdateAnswer(
  answer: Buffer,
  about: { readonly id: number; readonly mac: Buffer; readonly key: TsigKey; readonly nowMs: number },
): UpdateAnswer {
  if (answer.length < HEADER_BYTES || answer.readUInt16BE(0) !== about.id || (answer.readUInt8(2) & 0x80) === 0) {
    return { kind: 'unproven', text: 'what came back is no answer to the update' };
  }
  const rcode = answer.readUInt8(3) & 0x0f;
  const tsig = readTsig(answer);
  if (rcode !== 0) {
    const error = tsig === undefined ? undefined : TSIG_ERRORS[tsig.error];
    return { kind: 'refused', rcode, ...(error !== undefined && { tsig: error }) };
  }
  if (tsig === undefined) return { kind: 'unproven', text: 'the answer is not signed, so nobody knows who gave it' };
  // The MAC covers our MAC with its length, the answer without its TSIG, and the TSIG variables.
  const bare = Buffer.from(answer.subarray(0, tsig.start));
  bare.writeUInt16BE(answer.readUInt16BE(10) - 1, 10);
  bare.writeUInt16BE(tsig.originalId, 0);
  const expected = hmac(
    about.key,
    words(about.mac.length),
    about.mac,
    bare,
    tsigVariables(about.key, tsig.time, tsig.fudge, tsig.error, tsig.other),
  );
  if (tsig.mac.length !== expected.length || !timingSafeEqual(tsig.mac, expected)) {
    return { kind: 'unproven', text: "the answer's signature is not made with our key" };
  }
  const signedAt = tsig.time.readUIntBE(0, 6) * 1000;
  if (Math.abs(signedAt - about.nowMs) > tsig.fudge * 1000)
    return { kind: 'unproven', text: 'the answer was signed at another time; see the clocks' };
  return { kind: 'done' };
}

interface Tsig {
  /** Where the record begins. */
  readonly start: number;
  readonly time: Buffer;
  readonly fudge: number;
  readonly mac: Buffer;
  readonly originalId: number;
  readonly error: number;
  readonly other: Buffer;
}

/** The last additional record, when it is a TSIG. */
function readTsig(message: Buffer): Tsig | undefined {
  try {
    let at = HEADER_BYTES;
    for (let question = message.readUInt16BE(4); question > 0; question--) at = skipName(message, at) + 4;
    const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
    for (let record = 1; record <= records; record++) {
      const start = at;
      at = skipName(message, at);
      const type = message.readUInt16BE(at);
      const length = message.readUInt16BE(at + 8);
      const body = at + 10;
      at = body + length;
      if (at > message.length) return undefined;
      if (type !== TYPE.TSIG || record !== records) continue;
      const afterName = skipName(message, body);
      const macLength = message.readUInt16BE(afterName + 8);
      const afterMac = afterName + 10 + macLength;
      const otherLength = message.readUInt16BE(afterMac + 4);
      return {
        start,
        time: message.subarray(afterName, afterName + 6),
        fudge: message.readUInt16BE(afterName + 6),
        mac: message.subarray(afterName + 10, afterMac),
        originalId: message.readUInt16BE(afterMac),
        error: message.readUInt16BE(afterMac + 2),
        other: message.subarray(afterMac + 6, afterMac + 6 + otherLength),
      };
    }
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined; // it ends in the middle
    throw error;
  }
}

/** RFC 1035 §4.1.4: a name ends with a zero byte or a pointer; only its end is wanted here. */
function skipName(message: Buffer, start: number): number {
  for (let at = start; ; ) {
    const length = message.readUInt8(at);
    if (length === 0) return at + 1;
    if ((length & 0xc0) === 0xc0) return at + 2;
    at += length + 1;
  }
}

/** RFC 8945 §4.3.3. */
function tsigVariables(key: TsigKey, time: Buffer, fudge: number, error: number, other: Buffer): Buffer {
  return Buffer.concat([
    wireName(key.name),
    words(CLASS.ANY),
    long(0),
    wireName(key.algorithm),
    time,
    words(fudge, error, other.length),
    other,
  ]);
}

function hmac(key: TsigKey, ...parts: readonly Buffer[]): Buffer {
  const made = createHmac(key.algorithm.slice('hmac-'.length), key.secret);
  for (const part of parts) made.update(part);
  return made.digest();
}

/** RFC 1035 §3.1, in canonical lower case. */
function wireName(name: string): Buffer {
  const labels = name.toLowerCase().replace(/\.$/, '').split('.');
  const parts = labels.map((label) => {
    const bytes = Buffer.from(label, 'latin1');
    if (bytes.length === 0 || bytes.length > 63) throw new RangeError(`not a DNS name: ${name.slice(0, 100)}`);
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  });
  return Buffer.concat([...parts, Buffer.from([0])]);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => {
    bytes.writeUInt16BE(value, index * 2);
  });
  return bytes;
}

function long(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function seconds48(ms: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(Math.floor(ms / 1000), 0, 6);
  return bytes;
}
