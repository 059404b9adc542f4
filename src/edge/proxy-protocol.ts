// The PROXY protocol, version 2 (haproxy's proxy-protocol.txt §2.2): a load balancer in front of us says in a binary header,
// before TLS, whose connection it brings. Believed only from listed addresses, and there it must come. Version 1 is refused:
// a line of text that a careless balancer may also pass through from outside.
//
//   12 bytes signature | version 2, command | family, protocol | length (2) | addresses | TLVs (not looked at)

import type { Socket } from 'node:net';
import type { Clock } from '../model/ports.ts';
import { plainAddress } from './address-ranges.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const FIXED = 16;
/** Addresses need 36 bytes, or 216 for unix sockets; the rest are TLVs such as a client certificate's name. */
const MAX_HEADER = 4096;
const TCP4 = 0x11;
const TCP6 = 0x21;

export type ProxyHeader =
  | { readonly is: 'more' }
  /** How many bytes it took, and whose connection it is; without `from`: the balancer's own (health check). */
  | { readonly is: 'header'; readonly bytes: number; readonly from?: { readonly address: string; readonly port: number } }
  | { readonly is: 'fault'; readonly text: string };

/** Reads a header off the start of `bytes`. Pure and total. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  const start = Math.min(bytes.length, SIGNATURE.length);
  if (!bytes.subarray(0, start).equals(SIGNATURE.subarray(0, start))) {
    const old = bytes.subarray(0, 5).toString('latin1') === 'PROXY'.slice(0, bytes.length);
    return fault(old && bytes.length >= 5 ? 'PROXY v1 was sent; only v2 (send-proxy-v2) is read' : 'no PROXY v2 header was sent');
  }
  if (bytes.length < FIXED) return { is: 'more' };
  const command = bytes[12]!;
  const family = bytes[13]!;
  const length = bytes.readUInt16BE(14);
  if (command >> 4 !== 2) return fault(`PROXY version ${command >> 4} was sent; only v2 is read`);
  if (FIXED + length > MAX_HEADER) return fault(`the PROXY header is ${FIXED + length} bytes long; at most ${MAX_HEADER} are read`);
  if (bytes.length < FIXED + length) return { is: 'more' };
  const header = { is: 'header', bytes: FIXED + length } as const;
  const what = command & 0x0f;
  // §2.2: LOCAL is the balancer itself, whatever stands behind; UNSPEC tells nothing, the connection's own ends count.
  if (what === 0 || (what === 1 && family === 0)) return header;
  if (what !== 1) return fault(`the PROXY command ${what} is unknown`);
  if (family === TCP4 && length >= 12) {
    const address = [...bytes.subarray(FIXED, FIXED + 4)].join('.');
    return { ...header, from: { address, port: bytes.readUInt16BE(FIXED + 8) } };
  }
  if (family === TCP6 && length >= 36) {
    const words = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(FIXED + 2 * index).toString(16));
    return { ...header, from: { address: plainAddress(words.join(':')), port: bytes.readUInt16BE(FIXED + 32) } };
  }
  return fault(`the PROXY header is for family 0x${family.toString(16)} with ${length} bytes; TCP over IPv4 or IPv6 is expected`);
}

/**
 * Reads the header off a new connection; what follows it stays to be read.
 * @param timeoutMs for the whole header
 * @returns the header, or in words why there is none; the socket is then of no use
 */
export function takeProxyHeader(socket: Socket, clock: Clock, timeoutMs: number): Promise<Extract<ProxyHeader, { is: 'header' }> | string> {
  return new Promise((resolve) => {
    let read: Buffer = Buffer.alloc(0);
    const end = (result: Extract<ProxyHeader, { is: 'header' }> | string): void => {
      late.cancel();
      socket.off('readable', onReadable).off('close', onClose);
      resolve(result);
    };
    const onReadable = (): void => {
      const part: unknown = socket.read();
      if (!Buffer.isBuffer(part)) return;
      read = Buffer.concat([read, part]);
      const found = readProxyHeader(read);
      if (found.is === 'more') return;
      end(found.is === 'fault' ? found.text : found);
      if (found.is === 'header' && read.length > found.bytes) socket.unshift(read.subarray(found.bytes));
    };
    const onClose = (): void => end('the connection was closed before a PROXY v2 header had come');
    const late = clock.after(timeoutMs, () => end(`no whole PROXY v2 header came within ${timeoutMs} ms`));
    socket.on('readable', onReadable).on('close', onClose);
  });
}

function fault(text: string): ProxyHeader {
  return { is: 'fault', text };
}
