// One try at one authority: account, order, proofs, certificate, and the pair put in force when it is a good one. And the
// question when it should be renewed (ARI).

import { createHash, createPrivateKey, createPublicKey, type X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Anchors } from '../../edge/path-building.ts';
import { readCertificates } from '../../edge/pem.ts';
import type { Web } from '../../edge/web.ts';
import type { Log } from '../../log.ts';
import type { AcmeAuthority, AcmeCertificate } from '../../model/acme.ts';
import type { Clock } from '../../model/ports.ts';
import type { HostPort } from '../../model/table.ts';
import { accountKeyOf, openAccount } from '../acme/account.ts';
import { askAgainMs, type RenewalInfo, readRenewalInfo, renewalId } from '../acme/ari.ts';
import { challengerFor } from '../acme/challenge.ts';
import { AcmeClient } from '../acme/client.ts';
import { AcmeError } from '../acme/fault.ts';
import { runOrder } from '../acme/order.ts';
import { certificateRequest, kindOfKey, newKeyPem } from '../acme/x509.ts';
import { pairNames, readIfThere, replacePair, stagedKey, stageFile, stageKey } from '../pairs.ts';
import { dnsNames } from './schedule.ts';

export interface DeskOptions {
  /** The home's certs folder. */
  readonly certs: string;
  /** var/acme: account keys and what is remembered. */
  readonly stateFolder: string;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly web: Web;
  /** Reads a file of secrets/. */
  readonly secret: (name: string) => string;
  readonly dnsServers: readonly HostPort[];
  readonly log: Log;
  /** Our domains, aliases too. */
  readonly domains: () => readonly string[];
  readonly anchors: () => Anchors;
}

export interface IssuedPair {
  readonly fingerprint: string;
  readonly notAfter: number;
  /** SHA-256 of the public key that the next certificate will have. */
  readonly nextKey?: string;
}

export class AuthorityDesk {
  readonly #authority: AcmeAuthority;
  readonly #options: DeskOptions;
  readonly #signal: AbortSignal;

  constructor(authority: AcmeAuthority, options: DeskOptions, signal: AbortSignal) {
    this.#authority = authority;
    this.#options = options;
    this.#signal = signal;
  }

  /** @returns undefined after a rehearsal. @throws AcmeError, or what the file system says */
  async issue(
    wanted: AcmeCertificate,
    inForce: { readonly leaf?: X509Certificate; readonly authority?: string },
    dryRun: boolean,
    progress: (line: string) => void,
  ): Promise<IssuedPair | undefined> {
    const { clock, secret, dnsServers, log } = this.#options;
    const client = this.#client();
    await openAccount(client, this.#authority, secret, progress);
    const { renewalInfo } = await client.directory();
    // RFC 9773 §5: only the CA that issued it can know it.
    const ours = inForce.leaf !== undefined && inForce.authority === this.#authority.name ? inForce.leaf : undefined;
    const replaces = ours === undefined || renewalInfo === undefined ? undefined : renewalId(ours);
    const remark = (found: string): void => {
      progress(found);
      log.warn({ event: 'cert.renewalRemark', name: wanted.name, found }, 'the renewal goes on');
    };
    let keyPem = '';
    const chainPem = await runOrder({
      client,
      clock,
      names: wanted.names,
      ...(this.#authority.profile !== undefined && { profile: this.#authority.profile }),
      ...(replaces !== undefined && { replaces }),
      challenger: challengerFor(wanted.challenge, { clock, signal: this.#signal, dnsServers, secret, remark }),
      ...(!dryRun && {
        csr: async () => {
          keyPem = await this.#keyFor(wanted);
          return certificateRequest(wanted.names, keyPem);
        },
      }),
      progress,
      signal: this.#signal,
    });
    return chainPem === undefined ? undefined : this.#putInForce(wanted, chainPem, keyPem, inForce.leaf);
  }

  /** What the CA says of a certificate that it issued (RFC 9773 §4). Never throws: no answer is no news. */
  async information(
    leaf: X509Certificate,
    before: RenewalInfo | undefined,
  ): Promise<{ readonly info?: RenewalInfo; readonly askAt: number }> {
    const { clock, random } = this.#options;
    const now = clock.now();
    try {
      const client = this.#client();
      const { renewalInfo } = await client.directory();
      const id = renewalId(leaf);
      if (renewalInfo === undefined || id === undefined) return { askAt: now + askAgainMs(undefined) };
      const { body, retryAfterMs } = await client.get(`${renewalInfo.replace(/\/$/, '')}/${id}`);
      const info = readRenewalInfo(body, retryAfterMs, now, random, before);
      return { ...(info !== undefined && { info }), askAt: now + askAgainMs(retryAfterMs) };
    } catch (error) {
      // §4.3.3: what was known stays good for now.
      if (!(error instanceof AcmeError)) throw error;
      return { ...(before !== undefined && { info: before }), askAt: Math.max(now + askAgainMs(undefined), error.notBefore ?? 0) };
    }
  }

  #client(): AcmeClient {
    const { web, clock, stateFolder } = this.#options;
    const roots = this.#roots();
    const account = accountKeyOf(stateFolder, this.#authority);
    return new AcmeClient({
      web,
      clock,
      directoryUrl: this.#authority.directory,
      account,
      ...(roots !== undefined && { roots: roots.map((root) => root.toString()) }),
      signal: this.#signal,
    });
  }

  #roots(): readonly X509Certificate[] | undefined {
    const { trust } = this.#authority;
    if (trust === undefined) return undefined;
    try {
      return readCertificates(readFileSync(trust, 'utf8'));
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      throw new AcmeError('ACME_TLS', `trust: ${trust} ${said}`, { cause: error });
    }
  }

  /** The key of the request: the one in force where it is to be kept, else the one that waits, made now when there is none. */
  async #keyFor({ name, key, reuseKey }: AcmeCertificate): Promise<string> {
    const { certs } = this.#options;
    const fits = (pem: string | undefined): pem is string => {
      try {
        return pem !== undefined && kindOfKey(createPrivateKey(pem)) === key;
      } catch {
        return false; // not a key that could be used
      }
    };
    const current = readIfThere(join(certs, 'own', name, 'key.pem'));
    // Something is written before the CA signs in any case: a folder that cannot take the pair must cost no certificate, and a
    // certificate whose key died with the process is worth nothing.
    if (reuseKey && fits(current)) {
      stageFile(certs, name, 'renewing', '');
      return current;
    }
    const waiting = stagedKey(certs, name);
    const chosen = fits(waiting) ? waiting : await newKeyPem(key);
    stageKey(certs, name, chosen);
    return chosen;
  }

  async #putInForce(wanted: AcmeCertificate, chainPem: string, keyPem: string, before: X509Certificate | undefined): Promise<IssuedPair> {
    const { certs, clock, domains } = this.#options;
    const now = clock.now();
    const [leaf] = readCertificates(chainPem);
    const named = dnsNames(leaf);
    const missing = wanted.names.filter((name) => !named.has(name));
    if (missing.length > 0) throw new AcmeError('ACME_PAIR', `the certificate that came does not name ${missing.join(', ')}`);
    const valid = (one: X509Certificate): boolean => one.validToDate.getTime() > now && one.validFromDate.getTime() <= now;
    const check = replacePair(certs, wanted.name, chainPem, keyPem, {
      now,
      anchors: this.#anchors(),
      domains: domains(),
      others: this.#others(wanted.name).filter(valid),
      ...(before !== undefined && valid(before) && { replaced: before }),
      chainAsSent: true,
    });
    if (check.faults.length > 0) throw new AcmeError('ACME_PAIR', check.faults.map(({ text }) => text).join('; '));
    const issued = { fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(), notAfter: leaf.validToDate.getTime() };
    if (wanted.reuseKey) return issued;
    const next = await newKeyPem(wanted.key);
    stageKey(certs, wanted.name, next);
    const spki = createPublicKey(next).export({ type: 'spki', format: 'der' });
    return { ...issued, nextKey: createHash('sha256').update(spki).digest('hex') };
  }

  /** Our other certificates: a domain that one of them names is not lost. */
  #others(name: string): X509Certificate[] {
    const { certs } = this.#options;
    return pairNames(certs).flatMap((other) => {
      try {
        const pem = other === name ? undefined : readIfThere(join(certs, 'own', other, 'fullchain.pem'));
        return pem === undefined ? [] : [readCertificates(pem)[0]];
      } catch {
        return []; // a faulty one names nobody
      }
    });
  }

  /** The roots that are known, and the private CA's own. */
  #anchors(): Anchors {
    const known = this.#options.anchors();
    const own = this.#roots() ?? [];
    return { bySubject: (subject) => [...known.bySubject(subject), ...own.filter((root) => root.subject === subject)] };
  }
}
