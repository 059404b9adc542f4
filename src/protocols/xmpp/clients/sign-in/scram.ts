// SCRAM, the server's half (RFC 5802, RFC 7677), as arithmetic on text: no sockets, no store, no randomness of its own.
//
//   client-first   = gs2-header [ "m=" ext "," ] "n=" name "," "r=" nonce [ "," ext ]
//   gs2-header     = ( "p=" cb-name / "n" / "y" ) "," [ "a=" name ] ","
//   server-first   = "r=" nonce ",s=" salt ",i=" count
//   client-final   = "c=" base64( gs2-header cb-data ) ",r=" nonce [ "," ext ] ",p=" proof

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { ScramHash, ScramVerifier } from '../../../../model/core.ts';

const SCRAM_DIGESTS = { 'SHA-1': 'sha1', 'SHA-256': 'sha256' } as const satisfies Record<ScramHash, string>;

/** What a client said first. */
export interface ClientFirst {
  /** As it stands, with its two commas; comes back inside `c=`. */
  readonly gs2Header: string;
  /** `p=`: bound to the channel; `y`: it could, and thinks that we cannot; `n`: it cannot. */
  readonly binding: { readonly flag: 'p'; readonly name: string } | { readonly flag: 'y' | 'n' };
  /** Whom it wants to act as, when it says so. */
  readonly authzid?: string;
  readonly username: string;
  readonly nonce: string;
  /** Everything after the gs2 header. */
  readonly bare: string;
}

/** What a client said last. */
export interface ClientFinal {
  readonly channel: Buffer;
  readonly nonce: string;
  readonly proof: Buffer;
  /** Everything before `,p=`. */
  readonly withoutProof: string;
}

/** Reads the first message; undefined when it is none, or asks for an extension (RFC 5802 §5.1 `m`). */
export function readClientFirst(message: string): ClientFirst | undefined {
  const header = /^(?:p=([A-Za-z0-9.-]{1,64})|([ny])),(?:a=([^,]{1,1024}))?,/.exec(message);
  if (header === null) return undefined;
  const bare = message.slice(header[0].length);
  // RFC 5802 §7: printable without the comma.
  const parts = /^n=([^,]{1,1024}),r=([\u0021-\u002b\u002d-\u007e]{1,256})(?:,|$)/.exec(bare);
  const username = parts?.[1] === undefined ? undefined : unescapeName(parts[1]);
  const authzid = header[3] === undefined ? undefined : unescapeName(header[3]);
  if (parts?.[2] === undefined || username === undefined || (header[3] !== undefined && authzid === undefined)) return undefined;
  return {
    gs2Header: header[0],
    binding: header[1] === undefined ? { flag: header[2] === 'y' ? 'y' : 'n' } : { flag: 'p', name: header[1] },
    ...(authzid !== undefined && { authzid }),
    username,
    nonce: parts[2],
    bare,
  };
}

/** Our first message. @param nonce the client's and ours, in that order */
export function printServerFirst(nonce: string, { salt, iterations }: Pick<ScramVerifier, 'salt' | 'iterations'>): string {
  return `r=${nonce},s=${Buffer.from(salt).toString('base64')},i=${iterations}`;
}

/** Reads the last message; undefined when it is none. */
export function readClientFinal(message: string): ClientFinal | undefined {
  const read =
    /^(c=([A-Za-z0-9+/]{1,2048}={0,2}),r=([\u0021-\u002b\u002d-\u007e]{1,512})(?:,[A-Za-z]=[^,]{0,1024}){0,8}),p=([A-Za-z0-9+/]{1,128}={0,2})$/.exec(
      message,
    );
  if (read?.[1] === undefined || read[2] === undefined || read[3] === undefined || read[4] === undefined) return undefined;
  return { channel: Buffer.from(read[2], 'base64'), nonce: read[3], proof: Buffer.from(read[4], 'base64'), withoutProof: read[1] };
}

/**
 * RFC 5802 §3: does the proof fit one of the keys? Every key is tried, so that the time tells nothing.
 * @returns ServerSignature of the key that fits
 */
export function serverSignature(
  verifier: ScramVerifier,
  clientFirstBare: string,
  serverFirst: string,
  final: ClientFinal,
): Buffer | undefined {
  const digest = SCRAM_DIGESTS[verifier.hash];
  const hmac = (key: Uint8Array, words: string): Buffer => createHmac(digest, key).update(words).digest();
  const authMessage = `${clientFirstBare},${serverFirst},${final.withoutProof}`;
  let fits: Buffer | undefined;
  for (const { storedKey, serverKey } of verifier.keys) {
    const signature = hmac(storedKey, authMessage);
    if (signature.length !== final.proof.length) continue;
    const clientKey = signature.map((byte, index) => byte ^ final.proof[index]!);
    const again = createHash(digest).update(clientKey).digest();
    if (timingSafeEqual(again, storedKey)) fits = hmac(serverKey, authMessage);
  }
  return fits;
}

/** RFC 5802 §5.1: `=2C` is a comma, `=3D` an equals sign, any other `=` is a fault. */
function unescapeName(name: string): string | undefined {
  if (/=(?!2C|3D)/.test(name)) return undefined;
  return name.replace(/=2C|=3D/g, (sequence) => (sequence === '=2C' ? ',' : '='));
}
