// POSH (RFC 7711): a domain that is hosted elsewhere publishes, at its own web server, the fingerprints of the certificates
// that may speak for it. XMPP servers only, and only where the partner's file says `posh: true`. What vouches is the web
// server's certificate, judged by the usual roots (web.ts).

import { createHash, type X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { atMost } from '../model/at-most.ts';
import type { Clock } from '../model/ports.ts';
import type { Web } from './web.ts';

/** One read document: either fingerprints, or where they are. */
export type PoshDocument =
  | { readonly is: 'fingerprints'; readonly sha256: ReadonlySet<string>; readonly sha512: ReadonlySet<string>; readonly expiresMs: number }
  | { readonly is: 'reference'; readonly url: string; readonly expiresMs: number }
  | { readonly is: 'fault'; readonly text: string };

/** Does the domain publish this certificate? `true`, or in words why not. Never rejects. */
export interface PoshJudge {
  vouches(domain: string, certificate: X509Certificate, allowPrivateAddresses: boolean): Promise<true | string>;
}

const MAX_DOCUMENT_BYTES = 64 * 1024;
const MAX_FINGERPRINTS = 100;
const MAX_DOMAINS = 1000;
const FETCH_MS = 4000;
/** A document is asked for again at least so often, whatever it says. */
const LONGEST_MS = 24 * 3_600_000;
const FAILED_MS = 60_000;

interface Published {
  readonly found: Extract<PoshDocument, { is: 'fingerprints' | 'fault' }>;
  readonly until: number;
}

/** Fetches and remembers. One for a process. */
export class Posh implements PoshJudge {
  readonly #web: Web;
  readonly #clock: Clock;
  readonly #known = new LRUCache<string, Published>(atMost(MAX_DOMAINS));
  readonly #asking = new Map<string, Promise<Published>>();

  constructor(parts: { readonly web: Web; readonly clock: Clock }) {
    this.#web = parts.web;
    this.#clock = parts.clock;
  }

  async vouches(domain: string, certificate: X509Certificate, allowPrivateAddresses: boolean): Promise<true | string> {
    const { found } = await this.#published(domain, allowPrivateAddresses);
    if (found.is === 'fault') return found.text;
    const digest = (hash: string): string => createHash(hash).update(certificate.raw).digest('base64');
    if (found.sha256.has(digest('sha256')) || found.sha512.has(digest('sha512'))) return true;
    return `${urlFor(domain)} does not list its fingerprint`;
  }

  #published(domain: string, allowPrivateAddresses: boolean): Promise<Published> {
    const known = this.#known.get(domain);
    if (known !== undefined && this.#clock.monotonic() < known.until) return Promise.resolve(known);
    const running = this.#asking.get(domain);
    if (running !== undefined) return running;
    const asking = this.#fetchAll(urlFor(domain), allowPrivateAddresses)
      .then((found) => {
        const lastsMs = found.is === 'fault' ? FAILED_MS : Math.min(found.expiresMs, LONGEST_MS);
        const published = { found, until: this.#clock.monotonic() + lastsMs };
        this.#known.set(domain, published);
        return published;
      })
      .finally(() => this.#asking.delete(domain));
    this.#asking.set(domain, asking);
    return asking;
  }

  async #fetchAll(url: string, allowPrivateAddresses: boolean): Promise<Published['found']> {
    const first = await this.#fetch(url, allowPrivateAddresses);
    if (first.is !== 'reference') return first;
    const second = await this.#fetch(first.url, allowPrivateAddresses);
    // RFC 7711 §3.2: a reference leads to fingerprints, never to another reference.
    if (second.is === 'reference') return { is: 'fault', text: `${first.url} refers on to another document, which is not allowed` };
    // §8: the shorter of both.
    return second.is === 'fault' ? second : { ...second, expiresMs: Math.min(first.expiresMs, second.expiresMs) };
  }

  async #fetch(url: string, allowPrivateAddresses: boolean): Promise<PoshDocument> {
    try {
      const headers = { accept: 'application/json' };
      const answer = await this.#web.fetch(url, {
        headers,
        redirects: 3,
        maxBytes: MAX_DOCUMENT_BYTES,
        timeoutMs: FETCH_MS,
        allowPrivateAddresses,
      });
      if (answer.status !== 200) return { is: 'fault', text: `${url} answered ${answer.status}` };
      const document = readPosh(answer.body.toString('utf8'));
      return document.is === 'fault' ? { is: 'fault', text: `${url} ${document.text}` } : document;
    } catch (error) {
      return { is: 'fault', text: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** Reads a POSH document (RFC 7711 §3). Total; only SHA-256 and SHA-512 count. */
export function readPosh(text: string): PoshDocument {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { is: 'fault', text: 'is not JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { is: 'fault', text: 'is not a JSON object' };
  const expires = 'expires' in value ? value.expires : undefined;
  // §8: without `expires`, or with 0, the document counts for nothing.
  if (typeof expires !== 'number' || !Number.isFinite(expires) || expires <= 0)
    return { is: 'fault', text: 'has no expires, or one of 0 seconds' };
  const expiresMs = expires * 1000;
  if ('url' in value && !('fingerprints' in value)) {
    const { url } = value;
    if (typeof url !== 'string' || !/^https:\/\/[\x21-\x7e]{1,1000}$/i.test(url))
      return { is: 'fault', text: 'refers to something that is no https:// address' };
    return { is: 'reference', url, expiresMs };
  }
  const list = 'fingerprints' in value ? value.fingerprints : undefined;
  if (!Array.isArray(list)) return { is: 'fault', text: 'has neither fingerprints nor url' };
  const sha256 = new Set<string>();
  const sha512 = new Set<string>();
  for (const entry of list.slice(0, MAX_FINGERPRINTS) as unknown[]) {
    if (typeof entry !== 'object' || entry === null) continue;
    if ('sha-256' in entry) addDigest(sha256, entry['sha-256'], 32);
    if ('sha-512' in entry) addDigest(sha512, entry['sha-512'], 64);
  }
  if (sha256.size + sha512.size === 0) return { is: 'fault', text: 'has no fingerprint by SHA-256 or SHA-512' };
  return { is: 'fingerprints', sha256, sha512, expiresMs };
}

/** One spelling of base64, and only digests of the right length. */
function addDigest(to: Set<string>, value: unknown, bytes: number): void {
  if (typeof value !== 'string') return;
  const digest = Buffer.from(value, 'base64');
  if (digest.length === bytes) to.add(digest.toString('base64'));
}

// RFC 7711 §3 and §9.3.1: the service is xmpp-server.
function urlFor(domain: string): string {
  return `https://${domain}/.well-known/posh/xmpp-server.json`;
}
