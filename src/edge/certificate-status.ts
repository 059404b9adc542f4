// Has a certificate been revoked? By what was stapled, by OCSP (RFC 6960), by the list that the certificate names (RFC 5280
// §6.3), in this order; the first word counts. Words are kept as long as they say, and renewed ahead of their end, so that a
// handshake rarely waits and, unless the partner's file says `revocation: hard`, never.

import type { X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Log } from '../log.ts';
import { atMost } from '../model/at-most.ts';
import type { Clock } from '../model/ports.ts';
import { utcDay } from '../model/utc.ts';
import { plainSerial } from './der-reader.ts';
import { type OcspAnswer, readOcsp } from './ocsp.ts';
import { askResponder } from './ocsp-client.ts';
import { pemBlocks } from './pem.ts';
import { listSignedBy, type RevocationList, readRevocationList } from './revocation-list.ts';
import { statusSourcesOf } from './status-sources.ts';
import type { Web, WebAnswer, WebRequest } from './web.ts';

/** What is known of one certificate. */
export interface StatusWord {
  readonly is: 'good' | 'revoked' | 'unknown';
  /** As the end of a sentence: who said so, or what could not be had. */
  readonly how: string;
  /** Of when the word is, and when it is asked again; wall ms. */
  readonly at: number;
  readonly until: number;
}

export interface StatusQuestion {
  readonly certificate: X509Certificate;
  readonly issuer: X509Certificate;
  /** The partner's own authority may be inside. */
  readonly allowPrivateAddresses: boolean;
}

const MAX_WORDS = 10_000;
const MAX_LISTS = 16;
const MAX_SERIALS = 1_000_000;
const MAX_LIST_BYTES = 4 * 1024 * 1024;
const LIST_MS = 8000;
/** Questions under way at once; more get no word. */
const MAX_ASKING = 16;
const LONGEST_MS = 12 * 3_600_000;
const SHORTEST_MS = 60_000;
/** When nothing could be had, it is tried again after this. */
const AGAIN_MS = 5 * 60_000;
const SKEW_MS = 5 * 60_000;

interface Kept extends StatusWord {
  readonly refreshAt: number;
}

/** Asks and remembers. One for a process. */
export class CertificateStatus {
  readonly #web: Web;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #background: boolean;
  readonly #words = new LRUCache<string, Kept>(atMost(MAX_WORDS));
  readonly #lists = new LRUCache<string, { readonly list: RevocationList; readonly until: number }>({
    max: MAX_LISTS,
    maxSize: MAX_SERIALS,
    sizeCalculation: ({ list }) => list.serials.size + 1,
  });
  readonly #asking = new Map<string, Promise<StatusWord>>();
  #generation = 0;

  /** @param parts `background: false`: nothing is asked that nobody waits for; for a command that ends when it has its answer */
  constructor(parts: { readonly web: Web; readonly clock: Clock; readonly log: Log; readonly background?: boolean }) {
    this.#web = parts.web;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#background = parts.background ?? true;
  }

  /** Counts up when a certificate is found revoked: what was believed before must be looked at again. */
  get generation(): number {
    return this.#generation;
  }

  /** What is known now. What is not, or not for much longer, is asked in the background. Never waits. */
  known(question: StatusQuestion): StatusWord | undefined {
    const word = this.#words.get(keyOf(question));
    const now = this.#clock.now();
    if (this.#background && (word === undefined || now >= word.refreshAt)) void this.#ask(question);
    // What was revoked stays so until somebody says otherwise.
    return word !== undefined && (now < word.until || word.is === 'revoked') ? word : undefined;
  }

  /** What is known, asked when it is not. Never rejects; takes at most some 12 s, and the caller may have less patience. */
  ask(question: StatusQuestion): Promise<StatusWord> {
    const known = this.known(question);
    return known === undefined || known.is === 'unknown' ? this.#ask(question) : Promise.resolve(known);
  }

  /** What a stapled response says, without any network; undefined when it says nothing that counts. */
  async stapled(question: StatusQuestion, staple: Uint8Array): Promise<StatusWord | undefined> {
    const answer = await readOcsp(staple, question.certificate, question.issuer, this.#clock.now());
    return answer.is === 'none' ? undefined : this.#keep(question, wordOf(answer, 'OCSP, stapled'));
  }

  #ask(question: StatusQuestion): Promise<StatusWord> {
    const key = keyOf(question);
    const running = this.#asking.get(key);
    if (running !== undefined) return running;
    if (this.#asking.size >= MAX_ASKING) return Promise.resolve(this.#unknown('too many questions are under way'));
    const asking = this.#askAll(question)
      .then((word) => this.#keep(question, word))
      .finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  async #askAll(question: StatusQuestion): Promise<StatusWord> {
    const { certificate } = question;
    const { ocsp, lists } = statusSourcesOf(certificate);
    const failures: string[] = [];
    for (const url of ocsp) {
      const { answer } = await askResponder(this.#web, url, question, this.#clock);
      if (answer.is !== 'none') return wordOf(answer, `OCSP, ${url}`);
      failures.push(`${url} ${answer.why}`);
    }
    for (const url of lists) {
      const word = await this.#askList(url, question);
      if (typeof word !== 'string') return word;
      failures.push(`${url} ${word}`);
    }
    const how = failures.length > 0 ? failures.join('; ') : 'the certificate names nobody to ask';
    this.#log.debug(
      { event: 'revocation.unknown', certificate: certificate.fingerprint256, found: how },
      'no word on whether it is revoked',
    );
    return this.#unknown(how.slice(0, 400));
  }

  /** A word, or in words why the list has none. */
  async #askList(url: string, { certificate, issuer, allowPrivateAddresses }: StatusQuestion): Promise<StatusWord | string> {
    const now = this.#clock.now();
    let kept = this.#lists.get(url);
    if (kept === undefined || now >= kept.until) {
      const fetched = await this.#fetch(url, {
        allowHttp: true,
        redirects: 2,
        maxBytes: MAX_LIST_BYTES,
        timeoutMs: LIST_MS,
        allowPrivateAddresses,
      });
      if (typeof fetched === 'string') return fetched;
      const list = readList(fetched.body);
      if (typeof list === 'string') return list;
      kept = { list, until: lasting(list.nextUpdate?.getTime() ?? 0, now) };
    }
    const { list } = kept;
    if (!(await listSignedBy(list, issuer))) return 'is not signed by the issuer';
    // Kept only now: a list that nobody vouches for is not worth a place.
    this.#lists.set(url, kept);
    if (list.thisUpdate.getTime() > now + SKEW_MS) return 'is of the future; compare the clocks';
    if (list.nextUpdate === undefined || list.nextUpdate.getTime() < now - SKEW_MS) return 'should have been replaced already';
    if (list.partial !== undefined) return `does not cover everything: ${list.partial}`;
    // RFC 5280 §6.3.3 (b)(2)(i).
    if (list.points !== undefined && !list.points.includes(url)) return 'is for another distribution point';
    const is = list.serials.has(plainSerial(certificate.serialNumber)) ? 'revoked' : 'good';
    return { is, how: `revocation list, ${url}`, at: list.thisUpdate.getTime(), until: list.nextUpdate.getTime() };
  }

  async #fetch(url: string, request: WebRequest): Promise<WebAnswer | string> {
    try {
      const answer = await this.#web.fetch(url, request);
      return answer.status === 200 ? answer : `answered ${answer.status}`;
    } catch (error) {
      return `cannot be fetched: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  #keep(question: StatusQuestion, word: StatusWord): StatusWord {
    const key = keyOf(question);
    const now = this.#clock.now();
    const before = this.#words.get(key);
    // No word does not take back one that holds.
    if (word.is === 'unknown' && before !== undefined && before.is !== 'unknown' && (before.is === 'revoked' || now < before.until)) {
      this.#words.set(key, { ...before, refreshAt: now + AGAIN_MS });
      return before;
    }
    // A word from before it was revoked, stapled or played again by somebody on the way, does not make it good.
    if (before?.is === 'revoked' && word.is === 'good' && word.at <= before.at) return before;
    const until = word.is === 'unknown' ? word.until : lasting(word.until, now);
    const kept = { ...word, until, refreshAt: word.is === 'unknown' ? until : now + (until - now) * 0.75 };
    this.#words.set(key, kept);
    if (word.is === 'revoked' && before?.is !== 'revoked') {
      this.#generation += 1;
      const { certificate } = question;
      this.#log.warn(
        { event: 'revocation.found', certificate: certificate.fingerprint256, subject: certificate.subject, found: word.how },
        'revoked',
      );
    }
    return kept;
  }

  #unknown(how: string): StatusWord {
    const at = this.#clock.now();
    return { is: 'unknown', how, at, until: at + AGAIN_MS };
  }
}

function wordOf(answer: Exclude<OcspAnswer, { is: 'none' }>, how: string): StatusWord {
  return answer.is === 'good'
    ? { is: 'good', how, at: answer.at, until: answer.until }
    : { is: 'revoked', how: `${how}, revoked on ${utcDay(answer.since)}`, at: answer.at, until: answer.until };
}

/** Revocation lists travel as DER; some servers give PEM. */
function readList(body: Buffer): RevocationList | string {
  try {
    return readRevocationList(body[0] === 0x2d ? (pemBlocks(body.toString('latin1'), 'X509 CRL')[0] ?? body) : body);
  } catch {
    return 'is no revocation list';
  }
}

function lasting(until: number, now: number): number {
  return Math.min(Math.max(until, now + SHORTEST_MS), now + LONGEST_MS);
}

function keyOf({ certificate, issuer }: StatusQuestion): string {
  return `${issuer.fingerprint256} ${certificate.fingerprint256}`;
}
