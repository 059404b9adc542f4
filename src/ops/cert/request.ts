// `isthmus cert request`: a key that stays here and a request for it, for an authority without ACME. The key waits in
// certs/own/<pair>/next/ and `cert import` finds it when the certificate comes back.

import { writeFileSync } from 'node:fs';
import * as z from 'zod';
import { parseDomain, Wrong } from '../../config/values.ts';
import { KEY_KINDS, type KeyKind } from '../../model/acme.ts';
import { DeskError } from '../../model/certificate-desk.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { atDesk } from './given.ts';

const MAX_NAMES = 100;

export const certRequest = verb({
  words: 'cert request',
  summary: 'makes a key, which stays here, and the request (CSR) to send to your authority',
  positionals: ['[pair]'],
  options: {
    name: {
      type: 'string',
      value: 'NAME',
      multiple: true,
      says: 'a name in it; default: each of our domains, sip.<domain>, edge.host, and clients.host',
    },
    key: {
      type: 'string',
      value: 'KIND',
      says: 'ecdsa:p256, ecdsa:p384, rsa:2048, rsa:3072 or rsa:4096; default: as in force, else ecdsa:p256',
    },
    srv: { type: 'boolean', says: 'also _xmpp-server.<domain> as SRV-ID (RFC 4985), where the authority can issue it' },
    'new-key': { type: 'boolean', says: 'a fresh key, although one waits already' },
    out: { type: 'string', value: 'FILE', says: 'writes the request there; default: stdout' },
  },
  details: [
    'PAIR is the folder in certs/own that the certificate will live in; default: main. The key lies in certs/own/PAIR/next/key.pem, mode 0600,',
    'and changes nothing until isthmus cert import brings its certificate. Its fingerprint can be told to partners who pin keys ahead.',
  ].join('\n'),
  example: 'isthmus cert request main --name corp.example --name sip.corp.example --key rsa:3072 --out corp.csr',
  input: z.object({
    pair: z.string().default('main').describe('Folder in certs/own.'),
    name: z
      .array(z.string())
      .max(MAX_NAMES, `at most ${MAX_NAMES} names`)
      .optional()
      .describe('Names in it. Default: what our domains need.'),
    key: z
      .string()
      .transform((text) => text.toLowerCase().replace(':', '-'))
      .pipe(z.enum(KEY_KINDS, { error: () => 'right would be ecdsa:p256, ecdsa:p384, rsa:2048, rsa:3072 or rsa:4096' }))
      .optional()
      .describe('Kind of key. Default: as in force, else ecdsa:p256.'),
    srv: z.boolean().optional().describe('Also SRV-IDs.'),
    newKey: z.boolean().optional().describe('A fresh key, although one waits already.'),
    out: z.string().optional().describe('On the command line: the file to write.'),
  }),
  http: { method: 'POST', path: '/certificates/{pair}/request' },
  role: 'operator',
  audited: true,
  where: 'here',
  run: (operations, input) =>
    atDesk(operations, 'cert request', async (desk): Promise<Report> => {
      if (input.out !== undefined && operations.actor.via === 'api')
        throw new DeskError('over the API the request comes back in the answer; leave out away');
      const names = namesFor(operations, input.name, input.srv === true);
      const now = desk.list([]).own.find((one) => one.name === input.pair);
      const waiting = input.newKey === true ? undefined : now?.staged;
      if (input.key !== undefined && waiting !== undefined && waiting.keyType !== kindWords(input.key)) {
        throw new DeskError(
          `a key waits in certs/own/${input.pair}/next already (${waiting.keyType}), which partners may have been told of; --new-key replaces it`,
        );
      }
      const kind = input.key ?? (now?.chain[0]?.keyType.startsWith('RSA') === true ? 'rsa-3072' : 'ecdsa-p256');
      const made = desk.request({ name: input.pair, names, key: kind, newKey: input.newKey === true });
      if (input.out !== undefined) writeOut(input.out, made.pem);
      const key = `${made.keptKey ? 'the key that waits already' : 'a new key'} (${made.keyType}), ${made.keyFile}`;
      const lines = [
        ...(input.out === undefined ? [made.pem] : [`wrote the request to ${input.out}`]),
        `names  ${names.join(', ')}`,
        `key    ${key}; it never leaves this machine`,
        `       key fingerprint (SHA-256 of the public key) ${made.keyFingerprint}`,
        'next   send the request to your authority, then: isthmus cert import FILE',
      ];
      return {
        text: lines.join('\n'),
        json: { pair: input.pair, names, ...made },
        exit: 0,
        changes: `${made.keyFile}: ${made.keptKey ? 'kept' : 'made'}, key fingerprint ${made.keyFingerprint}`,
      };
    }),
});

/** What partners look for: each domain itself, the host that Lync's DNS leads to, and our own host. */
function namesFor(operations: Operations, given: readonly string[] | undefined, srv: boolean): string[] {
  const hosts = given === undefined || given.length === 0 ? defaultNames(operations) : given.map(hostName);
  const domains = srv ? hosts.filter((name) => !name.startsWith('*.') && !name.startsWith('_') && !name.startsWith('sip.')) : [];
  const names = [...new Set([...hosts, ...domains.map((domain) => `_xmpp-server.${domain}`)])];
  if (names.length > MAX_NAMES) throw new DeskError(`${names.length} names are more than one certificate should carry; choose with --name`);
  return names;
}

function defaultNames(operations: Operations): string[] {
  const loaded = operations.load();
  if (!loaded.ok) throw new DeskError('the home has faults (isthmus check shows them), so that our domains are not known; give --name');
  const domains = [...loaded.table.domains.keys()];
  if (domains.length === 0) throw new DeskError('routes/domains.yaml has no domain of ours; add it there, or give --name');
  const { edge, clients } = loaded.home;
  const hosts = [edge.host, ...(clients.host === undefined ? [] : [clients.host])];
  const ours = hosts.filter((host) => host.includes('.') && !host.startsWith('*.') && !/^[\d.]+$|:/.test(host));
  return [...new Set([...domains.flatMap((domain) => [domain, `sip.${domain}`]), ...ours])];
}

function hostName(text: string): string {
  const srv = /^_xmpp-server\.(.+)$/i.exec(text)?.[1];
  const bare = srv ?? text.replace(/^\*\./, '');
  const domain = parseDomain(bare);
  if (domain instanceof Wrong) {
    const meant = domain.meant === undefined ? '' : ` Did you mean "${domain.meant}"?`;
    throw new DeskError(`--name "${text.slice(0, 100)}"; right would be ${domain.right}.${meant}`);
  }
  return srv !== undefined ? `_xmpp-server.${domain}` : text.startsWith('*.') ? `*.${domain}` : domain;
}

function writeOut(path: string, pem: string): void {
  try {
    writeFileSync(path, pem, { flag: 'wx' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new DeskError(`--out ${path}: ${code === 'EEXIST' ? 'the file is there already; name another' : `cannot be written (${code})`}`);
  }
}

function kindWords(kind: KeyKind): string {
  const [family = '', size = ''] = kind.split('-');
  return family === 'rsa' ? `RSA ${size}` : `ECDSA P-${size.slice(1)}`;
}
