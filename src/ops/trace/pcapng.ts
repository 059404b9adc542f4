// Traced messages as a capture file that Wireshark reads: pcapng (draft-ietf-opsawg-pcapng), with Ethernet, IP and TCP made up
// around the decrypted octets, so that a stream can be followed as plain SIP or XMPP. Our own end is an address for documentation.

import { isIPv6 } from 'node:net';
import type { TracedMessage } from '../../model/trace.ts';

/** RFC 5737, RFC 3849. */
const OURS = { 4: '192.0.2.1', 6: '2001:db8::1' } as const;
/** Ports under which Wireshark expects the plain protocol without being told; it does not know XMPP under 5269. */
const SERVER_PORT = { sip: 5060, xmpp: 5222 } as const;
const FIRST_CLIENT_PORT = 40_000;
/** Octets of a message in one made-up segment. */
const SEGMENT = 1400;
const TCP = { FIN: 1, SYN: 2, PSH: 8, ACK: 16 } as const;

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const LINKTYPE_ETHERNET = 1;

interface End {
  readonly address: string;
  readonly port: number;
  /** Next sequence number. */
  next: number;
}
interface Conversation {
  readonly us: End;
  readonly them: End;
}

/** Writes blocks as messages come; `head` first. */
export class PcapngWriter {
  readonly #conversations = new Map<string, Conversation>();
  #identification = 0;

  /** Section Header Block (§4.1) and Interface Description Block (§4.2); times are in microseconds, the default. */
  head(): Buffer {
    const section = Buffer.alloc(16);
    section.writeUInt32LE(0x1a2b3c4d, 0);
    section.writeUInt16LE(1, 4);
    section.writeBigInt64LE(-1n, 8); // the length of the section is not said
    const description = Buffer.alloc(8);
    description.writeUInt16LE(LINKTYPE_ETHERNET, 0);
    return Buffer.concat([block(SECTION_HEADER, section), block(INTERFACE_DESCRIPTION, description)]);
  }

  /** The packets of one message; before the first of a connection its made-up handshake. */
  message(message: TracedMessage): Buffer {
    const packets: Buffer[] = [];
    let talk = this.#conversations.get(message.connection);
    const put = (from: End, to: End, flags: number, payload: Uint8Array = new Uint8Array()): void => {
      packets.push(this.#packet(message.at, from, to, flags, payload));
      from.next = (from.next + payload.length + (flags & (TCP.SYN | TCP.FIN) ? 1 : 0)) >>> 0;
    };
    if (talk === undefined) {
      talk = this.#begin(message);
      this.#conversations.set(message.connection, talk);
      const [client, server] = message.openedBy === 'in' ? [talk.them, talk.us] : [talk.us, talk.them];
      put(client, server, TCP.SYN);
      put(server, client, TCP.SYN | TCP.ACK);
      put(client, server, TCP.ACK);
    }
    const [from, to] = message.direction === 'in' ? [talk.them, talk.us] : [talk.us, talk.them];
    for (let at = 0; at < message.bytes.length; at += SEGMENT) put(from, to, TCP.PSH | TCP.ACK, message.bytes.subarray(at, at + SEGMENT));
    return Buffer.concat(packets);
  }

  #begin({ address, protocol, port, openedBy }: TracedMessage): Conversation {
    const server = SERVER_PORT[protocol];
    const client = FIRST_CLIENT_PORT + (this.#conversations.size % 20_000);
    const ours = OURS[isIPv6(address) ? 6 : 4];
    // Of a connection that they opened their own port is known and kept.
    return openedBy === 'in'
      ? { us: { address: ours, port: server, next: 1 }, them: { address, port, next: 1 } }
      : { us: { address: ours, port: client, next: 1 }, them: { address, port: server, next: 1 } };
  }

  /** Enhanced Packet Block (§4.3). @param at wall ms */
  #packet(at: number, from: End, to: End, flags: number, payload: Uint8Array): Buffer {
    const frame = ethernet(from, to, segment(from, to, flags, payload), (this.#identification = (this.#identification + 1) & 0xffff));
    const head = Buffer.alloc(20);
    const microseconds = BigInt(Math.round(at * 1000));
    head.writeUInt32LE(Number(microseconds >> 32n), 4);
    head.writeUInt32LE(Number(microseconds & 0xffffffffn), 8);
    head.writeUInt32LE(frame.length, 12);
    head.writeUInt32LE(frame.length, 16);
    return block(ENHANCED_PACKET, Buffer.concat([head, frame]));
  }
}

/** §3.1: type, length, body padded to 32 bits, length again. */
function block(type: number, body: Buffer): Buffer {
  const length = 12 + Math.ceil(body.length / 4) * 4;
  const all = Buffer.alloc(length);
  all.writeUInt32LE(type, 0);
  all.writeUInt32LE(length, 4);
  body.copy(all, 8);
  all.writeUInt32LE(length, length - 4);
  return all;
}

/** RFC 9293 §3.1. */
function segment(from: End, to: End, flags: number, payload: Uint8Array): Buffer {
  const tcp = Buffer.alloc(20 + payload.length);
  tcp.writeUInt16BE(from.port, 0);
  tcp.writeUInt16BE(to.port, 2);
  tcp.writeUInt32BE(from.next, 4);
  tcp.writeUInt32BE(flags & TCP.ACK ? to.next : 0, 8);
  tcp.writeUInt16BE((5 << 12) | flags, 12);
  tcp.writeUInt16BE(65_535, 14);
  tcp.set(payload, 20);
  const pseudo = Buffer.alloc(4);
  pseudo.writeUInt16BE(6, 0);
  pseudo.writeUInt16BE(tcp.length, 2);
  tcp.writeUInt16BE(checksum(Buffer.concat([octetsOf(from.address), octetsOf(to.address), pseudo, tcp])), 16);
  return tcp;
}

function ethernet(from: End, to: End, tcp: Buffer, identification: number): Buffer {
  const mac = (end: End): Buffer => Buffer.from([2, 0, 0, 0, 0, end.address === OURS[4] || end.address === OURS[6] ? 1 : 2]);
  const type = Buffer.alloc(2);
  const [source, destination] = [octetsOf(from.address), octetsOf(to.address)];
  if (source.length === 16) {
    type.writeUInt16BE(0x86dd);
    const ip = Buffer.alloc(8); // RFC 8200 §3
    ip.writeUInt32BE(6 << 28, 0);
    ip.writeUInt16BE(tcp.length, 4);
    ip.writeUInt8(6, 6);
    ip.writeUInt8(64, 7);
    return Buffer.concat([mac(to), mac(from), type, ip, source, destination, tcp]);
  }
  type.writeUInt16BE(0x0800);
  const ip = Buffer.alloc(20); // RFC 791 §3.1
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(20 + tcp.length, 2);
  ip.writeUInt16BE(identification, 4);
  ip.writeUInt16BE(0x4000, 6);
  ip.writeUInt8(64, 8);
  ip.writeUInt8(6, 9);
  source.copy(ip, 12);
  destination.copy(ip, 16);
  ip.writeUInt16BE(checksum(ip), 10);
  return Buffer.concat([mac(to), mac(from), type, ip, tcp]);
}

/** RFC 1071: the one's complement of the one's complement sum of 16-bit words. */
export function checksum(octets: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 1 < octets.length; at += 2) sum += octets.readUInt16BE(at);
  if (octets.length % 2 === 1) sum += (octets.at(-1) ?? 0) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A literal address as octets; what is none becomes 0.0.0.0. */
function octetsOf(address: string): Buffer {
  if (!isIPv6(address)) {
    const parts = address.split('.').map(Number);
    return parts.length === 4 && parts.every((part) => part >= 0 && part <= 255) ? Buffer.from(parts) : Buffer.alloc(4);
  }
  const plain = address.replace(/%.*$/, '').replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a: string, b: string, c: string, d: string) => {
    return `${((Number(a) << 8) | Number(b)).toString(16)}:${((Number(c) << 8) | Number(d)).toString(16)}`;
  });
  const [head = '', tail] = plain.split('::');
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [left, right] = [groups(head), groups(tail ?? '')];
  const all = Buffer.alloc(16);
  left.forEach((group, index) => void all.writeUInt16BE(group, index * 2));
  right.forEach((group, index) => void all.writeUInt16BE(group, 16 - (right.length - index) * 2));
  return all;
}
