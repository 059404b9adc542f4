// What can go wrong between us and an authority, each with a code, the CA's own words, and what to do about it.

import type { AcmeCode, RenewalFault } from '../../model/acme.ts';

/** Thrown inside the room; `renewal/renewal.ts` turns it into a RenewalFault. */
export class AcmeError extends Error {
  readonly code: AcmeCode;
  /** What to do, where it is more than the code's own advice. */
  readonly advice: string | undefined;
  readonly problem: string | undefined;
  readonly about: string | undefined;
  /** Wall ms before which trying again is useless. */
  readonly notBefore: number | undefined;
  /** HTTP status of the CA's answer. */
  readonly status: number | undefined;

  constructor(code: AcmeCode, text: string, more: AcmeErrorMore = {}) {
    super(text, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'AcmeError';
    this.code = code;
    this.advice = more.advice;
    this.problem = more.problem;
    this.about = more.about;
    this.notBefore = more.notBefore;
    this.status = more.status;
  }
}

interface AcmeErrorMore {
  readonly advice?: string | undefined;
  readonly problem?: string | undefined;
  readonly about?: string | undefined;
  readonly notBefore?: number | undefined;
  readonly status?: number | undefined;
  readonly cause?: unknown;
}

/** A problem document (RFC 7807, RFC 8555 §6.7). */
export interface Problem {
  /** Without `urn:ietf:params:acme:error:`. */
  readonly type: string;
  readonly detail: string;
  /** The identifier it is about. */
  readonly about?: string;
  readonly subproblems: readonly Problem[];
}

const URN = 'urn:ietf:params:acme:error:';
const MAX_SUBPROBLEMS = 20;

/** Reads a problem document out of whatever the CA sent. */
export function problemOf(value: unknown, depth = 0): Problem {
  const fields = value !== null && typeof value === 'object' ? (value as Readonly<Record<string, unknown>>) : {}; // an object by the line itself
  const text = (key: string): string => (typeof fields[key] === 'string' ? fields[key] : '');
  const identifier = fields.identifier;
  const about =
    identifier !== null && typeof identifier === 'object' && 'value' in identifier && typeof identifier.value === 'string'
      ? identifier.value
      : undefined;
  const subproblems = Array.isArray(fields.subproblems) && depth === 0 ? fields.subproblems.slice(0, MAX_SUBPROBLEMS) : [];
  return {
    type: text('type').replace(URN, '').slice(0, 200),
    detail: oneLine(text('detail')),
    ...(about !== undefined && { about: about.slice(0, 260) }),
    subproblems: subproblems.map((one) => problemOf(one, depth + 1)),
  };
}

/** As people read it: `the CA said: DNS problem: NXDOMAIN ... (dns)`. */
export function showProblem(problem: Problem): string {
  const own = `${problem.detail === '' ? 'no detail' : problem.detail} (${problem.type === '' ? 'no type' : problem.type})`;
  const below = problem.subproblems.map((one) => `${one.about === undefined ? '' : `${one.about}: `}${one.detail} (${one.type})`);
  return below.length === 0 ? own : `${own}: ${below.join('; ')}`;
}

/** RFC 8555 §6.7, the types that mean something of their own to an operator. */
const BY_TYPE: Readonly<Record<string, AcmeCode>> = {
  accountDoesNotExist: 'ACME_ACCOUNT',
  unauthorized: 'ACME_ACCOUNT',
  invalidContact: 'ACME_ACCOUNT',
  unsupportedContact: 'ACME_ACCOUNT',
  userActionRequired: 'ACME_TERMS',
  externalAccountRequired: 'ACME_EXTERNAL_ACCOUNT',
  rateLimited: 'ACME_LIMITED',
  rejectedIdentifier: 'ACME_NAME_REFUSED',
  unsupportedIdentifier: 'ACME_NAME_REFUSED',
  caa: 'ACME_CAA',
  connection: 'ACME_NOT_REACHED',
  tls: 'ACME_NOT_REACHED',
  dns: 'ACME_DNS',
  incorrectResponse: 'ACME_WRONG_ANSWER',
};

/** The code of a refused request. */
export function codeOfProblem(problem: Problem): AcmeCode {
  const [first] = problem.subproblems;
  return BY_TYPE[problem.type] ?? (first === undefined ? undefined : BY_TYPE[first.type]) ?? 'ACME_ANSWER';
}

/** The code of a failed challenge: there `unauthorized` is about what the CA found, not about the account. */
export function codeOfChallenge(problem: Problem): AcmeCode {
  return problem.type === 'unauthorized' ? 'ACME_WRONG_ANSWER' : codeOfProblem(problem);
}

const ADVICE: Readonly<Record<AcmeCode, string>> = {
  ACME_UNREACHABLE:
    "Check the directory address in certs/acme.yaml, this machine's way out (firewall, outbound.httpProxy), and whether the CA is up",
  ACME_TLS:
    "The CA's own HTTPS certificate is not believed: for a private CA give its root as trust: in certs/acme.yaml; for a public one look for a proxy that breaks TLS open",
  ACME_ANSWER: 'The CA refused with the words above; its documentation explains them',
  ACME_ACCOUNT:
    'The CA does not accept our account: see contact: in certs/acme.yaml; if the account is gone there, remove its folder in var/acme/ and a new one is made',
  ACME_TERMS: 'The CA has new terms of service: read them at the address above, and confirm as it asks',
  ACME_EXTERNAL_ACCOUNT:
    'This CA wants an account of its customer desk: ask it for a key identifier and a key, and write externalAccount: { kid, hmac: { secret: NAME } }',
  ACME_LIMITED: 'The CA limits how often it issues; nothing helps but waiting, or another authority behind this one in certs/acme.yaml',
  ACME_NAME_REFUSED: 'This CA does not issue for one of the names; list names: that it may issue for',
  ACME_CAA:
    'A CAA record of the domain forbids this CA: add its identifier (0 issue "the CA\'s domain") to the zone, or use the CA that is named there',
  ACME_NOT_REACHED:
    'The CA could not reach us: the name must lead to this machine from the internet (A and AAAA), and the port must be open; dns-01 needs neither',
  ACME_WRONG_ANSWER:
    'The CA reached somebody else, or an old record: see where the name leads (A and AAAA), what listens there, and for dns-01 that every name server of the zone shows the record',
  ACME_DNS: 'The CA could not look the name up: see that it exists in public DNS and that its name servers answer (DNSSEC too)',
  ACME_NO_CHALLENGE: 'The CA does not offer this kind of challenge for the name; choose another under challenge:',
  ACME_LISTEN:
    'The address of challenge.listen cannot be opened: another program may have the port, or this user may not open it (setcap, systemd AmbientCapabilities=CAP_NET_BIND_SERVICE)',
  ACME_HOOK: 'Run the hook by hand with the same arguments, as the same user, and see what it says',
  ACME_UPDATE:
    'See update: in certs/acme.yaml (server, zone, key, algorithm), the key in secrets/, and update-policy or allow-update of the name server',
  ACME_SECRET: 'Write the key into the file in secrets/ (mode 0600)',
  ACME_TIMEOUT: 'The CA has not come to an answer in time; it is tried again by itself',
  ACME_PAIR: 'The certificate that came is not usable; the one in force stays. The words above say why',
  ACME_BUSY: 'Another renewal of this home is at work; wait until it has ended',
  ACME_STOPPED: 'It was interrupted; run it again when it suits',
};

const LOCAL: ReadonlySet<AcmeCode> = new Set(['ACME_LISTEN', 'ACME_HOOK', 'ACME_UPDATE', 'ACME_STOPPED', 'ACME_BUSY']);

/** Is it on our side, so that it would be the same at any authority? */
export function isLocalFault(code: AcmeCode): boolean {
  return LOCAL.has(code);
}

/** The failure as commands and logs show it. */
export function faultOf(error: AcmeError, authority?: string): RenewalFault {
  const until = error.notBefore === undefined ? '' : `. Not before ${new Date(error.notBefore).toISOString()}`;
  return {
    code: error.code,
    ...(authority !== undefined && { authority }),
    text: error.message,
    advice: `${error.advice ?? ADVICE[error.code]}${until}`,
    ...(error.problem !== undefined && error.problem !== '' && { problem: error.problem }),
    ...(error.about !== undefined && { about: error.about }),
    ...(error.notBefore !== undefined && { notBefore: error.notBefore }),
  };
}

/** Text of others, in one line of bounded length. */
export function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim();
  return line.length > 600 ? `${line.slice(0, 597)}...` : line;
}
