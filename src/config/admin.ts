// Who reaches the API, from isthmus.yaml: the socket, the listeners on TCP, tokens and client certificates. No token and no
// client is nobody: there is no default password.

import { isAbsolute, join, resolve } from 'node:path';
import type { Role } from '../model/audit.ts';
import type { HomeFiles } from './files.ts';
import { type Findings, wholeFile } from './finding.ts';
import type { Bind, Home } from './home.ts';
import { type IsthmusInput, placeOf, showBind } from './listeners.ts';
import { nearest } from './spelling.ts';
import type { YamlSource } from './yaml-source.ts';

/** Whoever sends the secret of this name. */
export interface AdminToken {
  readonly name: string;
  readonly role: Role;
  readonly secret: string;
}

/** Whoever shows this certificate. */
export interface AdminClient {
  readonly name: string;
  readonly role: Role;
  readonly match: { readonly fingerprint: string } | { readonly subject: string } | { readonly san: string };
}

/** Whoever brings a token of this OpenID issuer. */
export interface AdminOidc {
  /** As it stands in `iss`. */
  readonly issuer: string;
  readonly audience: readonly string[];
  /** A path of names: `realm_access`, `roles`. */
  readonly rolesClaim: readonly string[];
  readonly roles: ReadonlyMap<string, Role>;
  /** A PEM file of the home, relative to it. */
  readonly ca?: string;
}

/** sockaddr_un of Linux has 108 octets, the last of them zero. */
const MAX_SOCKET_BYTES = 107;

type AdminInput = NonNullable<IsthmusInput['admin']>;
type ClientInput = NonNullable<AdminInput['clients']>[number];

/** @param dir absolute path of the home; @param data of `data:`; @param binds the listeners on TCP */
export function adminOf(dir: string, data: string, input: IsthmusInput, binds: readonly Bind<'https'>[]): Home['admin'] {
  const admin = written(input);
  const unix = admin.listen?.find((one) => one.scheme === 'unix');
  const socket = unix === undefined ? join(data, 'admin.sock') : isAbsolute(unix.path) ? unix.path : resolve(dir, unix.path);
  if (binds.length === 0) return { socket };
  const tokens = (admin.tokens ?? []).filter((one) => one.enabled !== false);
  const clients = (admin.clients ?? []).filter((one) => one.enabled !== false);
  const oidc = admin.oidc === undefined || admin.oidc.enabled === false ? undefined : admin.oidc;
  return {
    socket,
    https: {
      binds,
      ...(admin.certificate !== undefined && { certificate: admin.certificate }),
      ...(oidc !== undefined && {
        oidc: {
          issuer: oidc.issuer,
          audience: oidc.audience,
          rolesClaim: oidc.rolesClaim.split('.'),
          roles: new Map(Object.entries(oidc.roles)),
          ...(oidc.ca !== undefined && { ca: oidc.ca }),
        },
      }),
      tokens: tokens.map(({ name, role, secret }) => ({ name, role, secret: secret.secret })),
      clients: clients.flatMap((one): AdminClient[] => {
        const match = matchOf(one);
        return match === undefined ? [] : [{ name: one.name, role: one.role, match }];
      }),
    },
  };
}

/** What only shows when `admin:` is looked at as a whole. @param pairs names of certs/own @param credentials secrets may come from elsewhere */
export function checkAdmin(
  home: Pick<Home, 'admin'>,
  input: IsthmusInput,
  source: YamlSource | undefined,
  files: HomeFiles,
  pairs: readonly string[],
  credentials: boolean,
  findings: Findings,
): void {
  const { socket, https } = home.admin;
  const place = source?.place(['admin'], 'value') ?? wholeFile('isthmus.yaml');
  const length = Buffer.byteLength(socket);
  if (length > MAX_SOCKET_BYTES) {
    const found = `the path of the admin socket has ${length} octets, ${MAX_SOCKET_BYTES} are possible: ${socket}`;
    findings.fault('CONFIG_VALUE', place, found, 'a shorter path: admin: unix:/run/isthmus/admin.sock');
  }
  if (source === undefined) return;
  const admin = written(input);
  const names = new Set<string>();
  for (const list of ['tokens', 'clients'] as const) {
    admin[list]?.forEach((one, index) => {
      if (names.has(one.name)) {
        findings.fault(
          'CONFIG_CONFLICT',
          source.place(['admin', list, index, 'name'], 'value'),
          `a second ${one.name}`,
          'each its own name',
        );
      }
      names.add(one.name);
    });
  }
  admin.clients?.forEach((one, index) => {
    if (matchOf(one) !== undefined) return;
    findings.fault(
      'CONFIG_VALUE',
      source.place(['admin', 'clients', index]),
      'a client without one certain mark',
      'exactly one of fingerprint, subject, san',
    );
  });
  admin.tokens?.forEach(({ secret: { secret } }, index) => {
    const path = `secrets/${secret}`;
    if (files.has(path) || credentials) return;
    const known = [...files.keys()].filter((other) => other.startsWith('secrets/')).map((other) => other.slice('secrets/'.length));
    const right = `make one: head -c 32 /dev/urandom | base64 > ${path}; chmod 600 ${path}`;
    findings.warning(
      'CONFIG_SECRET_MISSING',
      source.place(['admin', 'tokens', index, 'secret'], 'value'),
      `${path} is not there`,
      right,
      nearest(secret, known),
    );
  });
  checkOidc(admin.oidc, source, files, findings);
  const { certificate } = admin;
  if (certificate !== undefined && !pairs.includes(certificate)) {
    const right = pairs.length === 0 ? `put its fullchain.pem and key.pem into certs/own/${certificate}/` : `one of ${pairs.join(', ')}`;
    findings.fault(
      'CONFIG_REFERENCE',
      source.place(['admin', 'certificate'], 'value'),
      `certs/own/${certificate} is not there`,
      right,
      nearest(certificate, pairs),
    );
  }
  const [first] = https?.binds ?? [];
  if (https === undefined || first === undefined) {
    if ((admin.tokens ?? admin.clients ?? admin.oidc) !== undefined) {
      findings.warning(
        'CONFIG_VALUE',
        place,
        'tokens, clients or oidc without a listener on TCP',
        'listen: https://10.0.0.5:8443; on the admin socket the mode of the file decides',
      );
    }
    return;
  }
  if (https.tokens.length === 0 && https.clients.length === 0 && https.oidc === undefined) {
    const right = 'name tokens:, clients: or oidc: under admin:; until then every call is answered 401';
    findings.warning('CONFIG_VALUE', placeOf(first, source), `nobody may use ${showBind(first)}`, right);
  }
  const roots = [...files.keys()].some((path) => /^certs\/trust\/admin\/[^/]+\.pem$/.test(path));
  if (!roots && https.clients.some(({ match }) => !('fingerprint' in match))) {
    findings.fault(
      'CONFIG_REFERENCE',
      source.place(['admin', 'clients']),
      'no authority for client certificates',
      'put its root into certs/trust/admin/, or name clients by fingerprint',
    );
  }
}

function checkOidc(oidc: AdminInput['oidc'], source: YamlSource, files: HomeFiles, findings: Findings): void {
  if (oidc === undefined || oidc.enabled === false) return;
  const place = (key: string) => source.place(['admin', 'oidc', key], 'value');
  if (oidc.audience.length === 0)
    findings.fault('CONFIG_VALUE', place('audience'), 'an empty list', 'what the issuer writes into `aud` of tokens for Isthmus');
  if (Object.keys(oidc.roles).length === 0)
    findings.fault('CONFIG_VALUE', place('roles'), 'no role', 'what values of the claim may do here: { isthmus-operators: operator }');
  if (oidc.ca !== undefined && !files.has(oidc.ca)) {
    const known = [...files.keys()].filter((path) => path.endsWith('.pem') && path.startsWith('certs/trust/'));
    const right =
      known.length === 0 ? 'a PEM file of the home, such as certs/trust/inside/id.pem' : `one of ${known.slice(0, 5).join(', ')}`;
    findings.fault('CONFIG_REFERENCE', place('ca'), `${oidc.ca} is not there`, right, nearest(oidc.ca, known));
  }
}

function written(input: IsthmusInput): Partial<AdminInput> {
  return input.admin === undefined || input.admin.enabled === false ? {} : input.admin;
}

function matchOf({ fingerprint, subject, san }: ClientInput): AdminClient['match'] | undefined {
  const marks = [fingerprint !== undefined && { fingerprint }, subject !== undefined && { subject }, san !== undefined && { san }].filter(
    (mark) => mark !== false,
  );
  return marks.length === 1 ? marks[0] : undefined;
}
