// certs/acme.yaml to the settings that certificates/ obeys: names filled in from our domains, secrets and files looked for,
// and what cannot go well refused while somebody is looking, not at three in the morning of the renewal.

import { isIP } from 'node:net';
import { isAbsolute, join } from 'node:path';
import type * as z from 'zod';
import type { AcmeAuthority, AcmeCertificate, AcmeSettings, ChallengeSettings } from '../model/acme.ts';
import type { OwnDomain, Where } from '../model/table.ts';
import type { HomeFiles } from './files.ts';
import type { Findings } from './finding.ts';
import type { Listeners } from './listeners.ts';
import { overlap, showBind } from './listeners.ts';
import type { acmeSection } from './sections/acme.ts';
import { nearest } from './spelling.ts';
import { parseName, Wrong } from './values.ts';
import { type Path, pointer, type YamlSource } from './yaml-source.ts';

export const ACME_FILE = 'certs/acme.yaml';
type AcmeInput = z.output<typeof acmeSection>;
type ChallengeInput = AcmeInput['certificates'][string]['challenge'];

/** A public CA takes 100 names in one certificate; so do we. */
const MAX_NAMES = 100;
const LONGEST_WAIT_MS = 3_600_000;

export interface AcmeSurroundings {
  readonly dir: string;
  readonly files: HomeFiles;
  readonly domains: ReadonlyMap<string, OwnDomain>;
  /** `edge.host` as written. */
  readonly host?: string | undefined;
  /** `clients.host` as written. */
  readonly clientsHost?: string | undefined;
  readonly listeners: Listeners;
  /** Secrets may come from $CREDENTIALS_DIRECTORY. */
  readonly credentials: boolean;
}

/** @returns undefined when nothing in it is switched on */
export function acmeOf(input: AcmeInput, source: YamlSource, around: AcmeSurroundings, findings: Findings): AcmeSettings | undefined {
  if (input.enabled === false) return undefined;
  const look = new Look(source, around, findings);
  const authorities = look.authorities(input);
  const certificates = Object.entries(input.certificates).flatMap(([name, written]) => look.certificate(name, written) ?? []);
  if (authorities.length === 0)
    findings.fault(
      'CONFIG_MISSING_KEY',
      source.place(['authorities']),
      'no authority',
      'at least one, with directory: and termsAgreed: true',
    );
  if (certificates.length === 0)
    findings.warning(
      'CONFIG_MISSING_KEY',
      source.place(['certificates']),
      'no certificate',
      'nothing is renewed; add one under certificates:',
    );
  return { authorities, certificates };
}

class Look {
  readonly #source: YamlSource;
  readonly #around: AcmeSurroundings;
  readonly #findings: Findings;

  constructor(source: YamlSource, around: AcmeSurroundings, findings: Findings) {
    this.#source = source;
    this.#around = around;
    this.#findings = findings;
  }

  authorities(input: AcmeInput): AcmeAuthority[] {
    const known = new Map<string, number>();
    return input.authorities.flatMap((written, index) => {
      if (written.enabled === false) return [];
      const path: Path = ['authorities', index];
      const name = written.name ?? new URL(written.directory).host.replaceAll(':', '-');
      const other = known.get(name);
      if (other !== undefined) {
        const right = `authority ${other + 1} has it already; give each a name: of its own`;
        this.#findings.fault('CONFIG_CONFLICT', this.#source.place([...path, 'name']), `the name ${name} a second time`, right);
        return [];
      }
      known.set(name, index);
      const { externalAccount, trust } = written;
      if (externalAccount !== undefined) this.#secret(externalAccount.hmac.secret, [...path, 'externalAccount', 'hmac', 'secret']);
      if (trust !== undefined) this.#pem(trust, [...path, 'trust']);
      return {
        name,
        directory: written.directory,
        contact: (written.contact ?? []).map((mail) => `mailto:${mail}`),
        ...(externalAccount !== undefined && { externalAccount: { kid: externalAccount.kid, secret: externalAccount.hmac.secret } }),
        ...(trust !== undefined && { trust: isAbsolute(trust) ? trust : join(this.#around.dir, trust) }),
        ...(written.profile !== undefined && { profile: written.profile }),
        where: this.#where(path),
      };
    });
  }

  certificate(name: string, written: AcmeInput['certificates'][string]): AcmeCertificate | undefined {
    const path: Path = ['certificates', name];
    if (written.enabled === false) return undefined;
    const parsed = parseName(name);
    if (parsed instanceof Wrong) {
      this.#findings.fault('CONFIG_VALUE', this.#source.place(path), `"${name.slice(0, 80)}"`, `the folder in certs/own: ${parsed.right}`);
      return undefined;
    }
    const names = [...new Set(written.names ?? this.#neededNames(name))];
    const wild = names.find((one) => one.startsWith('*.'));
    const place = this.#source.place(this.#source.has([...path, 'names']) ? [...path, 'names'] : path);
    if (names.length === 0) {
      const right = 'names: with at least one; no domain in routes/domains.yaml shows this certificate';
      this.#findings.fault('CONFIG_MISSING_KEY', place, 'a certificate without a name', right);
      return undefined;
    }
    if (names.length > MAX_NAMES)
      this.#findings.fault('CONFIG_VALUE', place, `${names.length} names`, `at most ${MAX_NAMES}; make it two certificates`);
    // RFC 8555 §7.1.3 and RFC 8737 §3: a wildcard can be shown in DNS only.
    if (wild !== undefined && written.challenge.type !== 'dns-01')
      this.#findings.fault(
        'CONFIG_CONFLICT',
        place,
        `${wild} with ${written.challenge.type}`,
        'a wildcard needs challenge: { type: dns-01 }',
      );
    const challenge = this.#challenge(written.challenge, [...path, 'challenge']);
    if (challenge === undefined) return undefined;
    return {
      name,
      names,
      key: written.key,
      reuseKey: written.reuseKey,
      challenge,
      ...(written.renewBefore !== undefined && { renewBeforeMs: written.renewBefore }),
      where: this.#where(path),
    };
  }

  #challenge(written: ChallengeInput, path: Path): ChallengeSettings | undefined {
    if (written.type !== 'dns-01') {
      const { host: address, port } = written.listen;
      const bind = { transport: written.listen.scheme, address, port, where: this.#where([...path, 'listen']) };
      const other = Object.values(this.#around.listeners)
        .flat()
        .find((open) => overlap(open, bind));
      if (other !== undefined) {
        const found = `${showBind(bind)} overlaps ${showBind(other)} of isthmus.yaml`;
        this.#findings.fault(
          'CONFIG_CONFLICT',
          this.#source.place([...path, 'listen'], 'value'),
          found,
          'another address or port, or dns-01',
        );
        return undefined;
      }
      return { type: written.type, address, port };
    }
    const { hook, update } = written;
    if ((hook === undefined) === (update === undefined)) {
      const found = hook === undefined ? 'dns-01 without a way to write the record' : 'hook and update together';
      this.#findings.fault('CONFIG_CONFLICT', this.#source.place(path), found, 'exactly one of hook: and update:');
      return undefined;
    }
    const waitMs = Math.min(written.wait, LONGEST_WAIT_MS);
    if (written.wait > LONGEST_WAIT_MS)
      this.#findings.fault('CONFIG_VALUE', this.#source.place([...path, 'wait'], 'value'), 'more than an hour', 'at most 1h');
    if (hook !== undefined) {
      const [program = ''] = hook;
      if (!isAbsolute(program)) {
        const place = this.#source.place([...path, 'hook'], 'value');
        this.#findings.fault('CONFIG_VALUE', place, `"${program.slice(0, 80)}"`, 'the full path of a program; it is run without a shell');
      }
      return { type: 'dns-01', means: { kind: 'hook', command: hook }, waitMs };
    }
    const { server, zone, key, algorithm, secret, ttl } = update!; // exactly one of both is there
    this.#secret(secret.secret, [...path, 'update', 'secret', 'secret']);
    const ttlSeconds = Math.max(1, Math.round(ttl / 1000));
    return {
      type: 'dns-01',
      means: { kind: 'update', update: { server, zone, key: { name: key, algorithm, secret: secret.secret }, ttlSeconds } },
      waitMs,
    };
  }

  /** What our domains need of the pair `name`: each domain, its SIP host as Lync looks for it, and the names of the edge and of clients' listeners. */
  #neededNames(name: string): string[] {
    const mine = [...this.#around.domains].filter(([, own]) => own.certificate === undefined || own.certificate === name);
    if (mine.length === 0) return [];
    const domains = mine.flatMap(([domain]) => [domain, `sip.${domain}`]);
    const { host, clientsHost } = this.#around;
    const hosts = [host, clientsHost].filter((one) => one !== undefined).filter((one) => isIP(one) === 0);
    return [...new Set([...domains, ...hosts])];
  }

  #where(path: Path): Where {
    return { file: ACME_FILE, key: pointer(path), line: this.#source.place(path).line };
  }

  #secret(name: string, path: Path): void {
    const { files, credentials } = this.#around;
    if (files.has(`secrets/${name}`) || credentials) return;
    const known = [...files.keys()].filter((other) => other.startsWith('secrets/')).map((other) => other.slice('secrets/'.length));
    const right = `write the key into secrets/${name} (mode 0600), or pass it in $CREDENTIALS_DIRECTORY`;
    this.#findings.warning('CONFIG_SECRET_MISSING', this.#source.place(path), `secrets/${name} is not there`, right, nearest(name, known));
  }

  #pem(file: string, path: Path): void {
    const inHome = this.#around.files.get(file);
    if (isAbsolute(file)) return; // of another folder than the home nothing is read here
    const place = this.#source.place(path, 'value');
    if (inHome === undefined) {
      const pems = [...this.#around.files.keys()].filter((other) => other.endsWith('.pem') && !other.endsWith('key.pem'));
      this.#findings.fault(
        'CONFIG_FILE',
        place,
        `${file} is not there`,
        'a PEM file below certs/, relative to the home',
        nearest(file, pems),
      );
    } else if (!inHome.text.includes('-----BEGIN CERTIFICATE-----')) {
      this.#findings.fault('CONFIG_CERTIFICATE', place, `no certificate in ${file}`, 'PEM (-----BEGIN CERTIFICATE-----)');
    }
  }
}
