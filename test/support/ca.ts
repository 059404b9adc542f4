// A certificate authority for tests: a root, an issuing authority below it, and leaves with any names, dates and uses,
// good or wrong. EC P-256, made in memory, synchronous (`await` does no harm). Nothing is written to disk here.
//
//   const ca = makeCa('Partner CA');
//   const them = ca.issue({ names: ['partner.example'] });
//   tls.createServer({ key: them.keyPem, cert: them.chainPem, ca: ca.rootPem })

import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIPv4 } from 'node:net';
import {
  altNames,
  caExtension,
  distinguishedName,
  extendedKeyUsage,
  extension,
  fingerprintOf,
  keyIdentifier,
  keyUsage,
  newKey,
  OID,
  signatureAlgorithm,
  signCertificate,
  signed,
} from './certificate-builder.ts';
import { context, contextBytes, integer, pem, sequence, time } from './der.ts';

const DAY_MS = 86_400_000;

export interface LeafOptions {
  /** DNS names; may be wrong on purpose. */
  readonly names?: readonly string[];
  readonly uris?: readonly string[];
  readonly ips?: readonly string[];
  /** `_xmpp-server.partner.example` */
  readonly srvIds?: readonly string[];
  readonly xmppAddrs?: readonly string[];
  /** Common name; default: the first DNS name. */
  readonly cn?: string;
  /** Default `both`. `none`: no extended key usage at all. */
  readonly eku?: 'both' | 'server' | 'client' | 'none';
  /** Default: yesterday. */
  readonly notBefore?: Date;
  /** Default: in 90 days. */
  readonly notAfter?: Date;
  /** Further extensions, ready-made: where its status is to be had (status-parts.ts). */
  readonly extensions?: readonly Buffer[];
  /** Purposes by object identifier, instead of `eku`. */
  readonly purposes?: readonly string[];
  /** basicConstraints says CA (default no). */
  readonly isCa?: boolean;
}

export interface AuthorityOptions {
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly pathLength?: number;
  /** DNS names (RFC 5280 §4.2.1.10): `partner.example` covers what is below it too. */
  readonly permitted?: readonly string[];
  readonly excluded?: readonly string[];
  /** Leave basicConstraints' CA flag out: an authority that is none. */
  readonly notCa?: boolean;
}

export interface Issued {
  readonly certPem: string;
  readonly keyPem: string;
  /** Leaf and every authority up to, not including, the root. */
  readonly chainPem: string;
  /** SHA-256, lower-case hex. */
  readonly fingerprint: string;
  /** Serial number, upper-case hex as node shows it. */
  readonly serial: string;
}

/** One signing key with its certificate. */
export class Authority {
  readonly certPem: string;
  readonly cn: string;
  readonly key: KeyObject;
  /** Certificates to send along: this one and those above, without the root. */
  readonly chainPem: string;

  constructor(cn: string, key: KeyObject, certPem: string, chainPem: string) {
    this.cn = cn;
    this.key = key;
    this.certPem = certPem;
    this.chainPem = chainPem;
  }

  issue(options: LeafOptions): Issued {
    const key = newKey();
    return this.#finish(options, key);
  }

  /** An authority below this one. */
  authority(cn: string, options: AuthorityOptions = {}): Authority {
    const key = newKey();
    const certPem = authorityCertificate(cn, key.publicKey, { cn: this.cn, key: this.key }, options);
    return new Authority(cn, key.privateKey, certPem, certPem + this.chainPem);
  }

  /** This authority's list of revoked certificates. */
  crlPem(revoked: readonly Issued[], options: { readonly thisUpdate?: Date; readonly nextUpdate?: Date } = {}): string {
    const now = Date.now();
    const entries = revoked.map((one) => sequence(integer(Buffer.from(one.serial, 'hex')), time(new Date(now - DAY_MS))));
    const body = sequence(
      integer(1),
      signatureAlgorithm(this.key),
      distinguishedName(this.cn),
      time(options.thisUpdate ?? new Date(now - DAY_MS / 2)),
      time(options.nextUpdate ?? new Date(now + 7 * DAY_MS)),
      ...(entries.length > 0 ? [sequence(...entries)] : []),
      context(
        0,
        sequence(
          extension(OID.authorityKeyIdentifier, sequence(contextBytes(0, keyIdentifier(createPublicKey(this.key))))),
          extension(OID.crlNumber, integer(1)),
        ),
      ),
    );
    return pem('X509 CRL', signed(body, this.key));
  }

  #finish(options: LeafOptions, key: ReturnType<typeof newKey>): Issued {
    const certPem = leafCertificate(options, key.publicKey, { cn: this.cn, key: this.key });
    return issued(certPem, key.pem, certPem + this.chainPem);
  }
}

export interface Ca {
  readonly root: Authority;
  readonly issuing: Authority;
  readonly rootPem: string;
  readonly issuingPem: string;
  /** A leaf from the issuing authority. */
  issue(options: LeafOptions): Issued;
  /** The issuing authority's revocation list. */
  crlPem(revoked?: readonly Issued[]): string;
}

/** A root and an issuing authority below it. */
export function makeCa(name: string): Ca {
  const key = newKey();
  const cn = `${name} Root`;
  const rootPem = authorityCertificate(cn, key.publicKey, { cn, key: key.privateKey }, {});
  const root = new Authority(cn, key.privateKey, rootPem, '');
  const issuing = root.authority(`${name} Issuing`);
  return {
    root,
    issuing,
    rootPem,
    issuingPem: issuing.certPem,
    issue: (options) => issuing.issue(options),
    crlPem: (revoked = []) => issuing.crlPem(revoked),
  };
}

/** A leaf that signed itself. */
export function selfSigned(options: LeafOptions): Issued {
  const key = newKey();
  const certPem = leafCertificate(options, key.publicKey, { cn: commonName(options), key: key.privateKey });
  return issued(certPem, key.pem, certPem);
}

/** A leaf signed by another leaf, which has no right to sign. */
export function issuedByLeaf(signer: Issued, options: LeafOptions): Issued {
  const key = newKey();
  const cn = /CN=(.*)/.exec(new X509Certificate(signer.certPem).subject)?.[1] ?? '';
  const certPem = leafCertificate(options, key.publicKey, { cn, key: createPrivateKey(signer.keyPem) });
  return issued(certPem, key.pem, certPem + signer.chainPem);
}

function issued(certPem: string, keyPem: string, chainPem: string): Issued {
  return { certPem, keyPem, chainPem, fingerprint: fingerprintOf(certPem), serial: new X509Certificate(certPem).serialNumber };
}

function commonName(options: LeafOptions): string {
  return options.cn ?? options.names?.[0] ?? 'unnamed';
}

function leafCertificate(options: LeafOptions, publicKey: KeyObject, signer: { cn: string; key: KeyObject }): string {
  const eku = { both: [OID.serverAuth, OID.clientAuth], server: [OID.serverAuth], client: [OID.clientAuth], none: [] }[
    options.eku ?? 'both'
  ];
  const purposes = options.purposes ?? eku;
  const names = altNames({
    dns: options.names ?? [],
    uris: options.uris ?? [],
    ips: (options.ips ?? []).map(addressBytes),
    srvIds: options.srvIds ?? [],
    xmppAddrs: options.xmppAddrs ?? [],
  });
  return signCertificate({
    cn: commonName(options),
    publicKey,
    signer,
    notBefore: options.notBefore ?? new Date(Date.now() - DAY_MS),
    notAfter: options.notAfter ?? new Date(Date.now() + 90 * DAY_MS),
    extensions: [
      caExtension(options.isCa ?? false),
      keyUsage('leaf'),
      ...(purposes.length > 0 ? [extendedKeyUsage(purposes)] : []),
      ...(names ? [names] : []),
      ...(options.extensions ?? []),
    ],
  });
}

function authorityCertificate(cn: string, publicKey: KeyObject, signer: { cn: string; key: KeyObject }, options: AuthorityOptions): string {
  const subtrees = (names: readonly string[]) => names.map((name) => sequence(contextBytes(2, Buffer.from(name))));
  const constraints = [
    ...(options.permitted ? [context(0, ...subtrees(options.permitted))] : []),
    ...(options.excluded ? [context(1, ...subtrees(options.excluded))] : []),
  ];
  return signCertificate({
    cn,
    publicKey,
    signer,
    notBefore: options.notBefore ?? new Date(Date.now() - 30 * DAY_MS),
    notAfter: options.notAfter ?? new Date(Date.now() + 3650 * DAY_MS),
    extensions: [
      caExtension(!options.notCa, options.pathLength),
      keyUsage('authority'),
      ...(constraints.length > 0 ? [extension(OID.nameConstraints, sequence(...constraints), true)] : []),
    ],
  });
}

function addressBytes(ip: string): Uint8Array {
  if (isIPv4(ip)) return Buffer.from(ip.split('.').map(Number));
  const [head = '', tail] = ip.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const words = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}
