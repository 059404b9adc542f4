// One question to an OCSP responder over HTTP (RFC 6960 appendix A): by GET where it is short, else by POST.

import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../model/ports.ts';
import { type OcspAnswer, ocspRequest, readOcsp } from './ocsp.ts';
import type { Web, WebRequest } from './web.ts';

const MAX_BYTES = 16 * 1024;
const TIMEOUT_MS = 4000;
/** RFC 5019 §5: a request of up to 255 bytes goes by GET, which caches on the way know. */
const MAX_GET = 255;

export interface Responded {
  readonly answer: OcspAnswer;
  /** The response as it came, when it counts: it may be stapled. */
  readonly response?: Buffer;
}

/** Asks one responder about one certificate. Never rejects. */
export async function askResponder(
  web: Web,
  url: string,
  about: { readonly certificate: X509Certificate; readonly issuer: X509Certificate; readonly allowPrivateAddresses: boolean },
  clock: Clock,
): Promise<Responded> {
  const { certificate, issuer, allowPrivateAddresses } = about;
  const body = ocspRequest(certificate, issuer);
  const common: WebRequest = { allowHttp: true, redirects: 2, maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS, allowPrivateAddresses };
  const get = `${url.replace(/\/$/, '')}/${encodeURIComponent(body.toString('base64'))}`;
  const post: WebRequest = { ...common, method: 'POST', body, headers: { 'content-type': 'application/ocsp-request' } };
  let why = '';
  for (const [place, request] of [...(body.length <= MAX_GET ? ([[get, common]] as const) : []), [url, post] as const]) {
    try {
      const { status, body: response } = await web.fetch(place, request);
      const answer = status === 200 ? await readOcsp(response, certificate, issuer, clock.now()) : undefined;
      if (answer !== undefined && answer.is !== 'none') return { answer, response };
      why = answer?.why ?? `answered ${status}`;
    } catch (error) {
      why = `cannot be fetched: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return { answer: { is: 'none', why } };
}
