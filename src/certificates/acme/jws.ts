// Signed requests of ACME: JWS in flattened JSON (RFC 7515, RFC 8555 §6.2), ES256 by the account's key, and the binding to
// an account that the CA's customer desk handed out (HS256, RFC 8555 §7.3.4).

import { createHash, createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** The public half as RFC 7517 writes it; the members in lexical order, as the thumbprint wants them. */
export interface Jwk {
  readonly crv: 'P-256';
  readonly kty: 'EC';
  readonly x: string;
  readonly y: string;
}

export interface AccountKey {
  readonly jwk: Jwk;
  /** RFC 7638, base64url: the second half of every key authorization (RFC 8555 §8.1). */
  readonly thumbprint: string;
  readonly key: KeyObject;
}

/** A new account key, PEM (PKCS#8, P-256). */
export function newAccountKeyPem(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** @throws Error when the PEM is no P-256 key */
export function readAccountKey(keyPem: string): AccountKey {
  const key = createPrivateKey(keyPem);
  const { crv, x, y } = createPublicKey(key).export({ format: 'jwk' });
  if (crv !== 'P-256' || x === undefined || y === undefined) throw new Error('an EC P-256 key is expected');
  const jwk: Jwk = { crv, kty: 'EC', x, y };
  return { jwk, key, thumbprint: createHash('sha256').update(JSON.stringify(jwk)).digest('base64url') };
}

export interface Jws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** Who signs: a known account by its URL, or a key that is being registered. */
export type JwsSigner = { readonly kid: string } | { readonly jwk: Jwk };

/** @param payload undefined: POST-as-GET (RFC 8555 §6.3), an empty payload */
export function signJws(account: AccountKey, signer: JwsSigner, url: string, nonce: string, payload: unknown): Jws {
  const head = base64url(JSON.stringify({ alg: 'ES256', nonce, url, ...signer }));
  const body = payload === undefined ? '' : base64url(JSON.stringify(payload));
  // RFC 7518 §3.4: r and s side by side, not DER.
  const signature = sign('sha256', Buffer.from(`${head}.${body}`), { key: account.key, dsaEncoding: 'ieee-p1363' });
  return { protected: head, payload: body, signature: signature.toString('base64url') };
}

/** RFC 8555 §7.3.4. @param hmacKey base64url, as the CA wrote it */
export function bindExternalAccount(account: AccountKey, kid: string, hmacKey: string, newAccountUrl: string): Jws {
  const head = base64url(JSON.stringify({ alg: 'HS256', kid, url: newAccountUrl }));
  const body = base64url(JSON.stringify(account.jwk));
  const signature = createHmac('sha256', Buffer.from(hmacKey, 'base64url')).update(`${head}.${body}`).digest('base64url');
  return { protected: head, payload: body, signature };
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
