// ejabberd 23.01 as an XMPP partner. `erl` is started directly: no epmd, no ejabberdctl (each call of which boots a VM);
// accounts are made through its HTTP API. It has no bidi, and it refuses a certificate that is for servers only.

import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DNS_ADDRESS } from '../namespace.ts';
import { PeerProcess } from '../peer-process.ts';
import { listens } from '../wait.ts';

export interface EjabberdOptions {
  readonly folder: string;
  readonly address: string;
  readonly domain: string;
  readonly users: Readonly<Record<string, string>>;
  readonly certificate: { readonly chainFile: string; readonly keyFile: string };
  readonly rootsFile: string;
  /** Dialback besides EXTERNAL; then it also delivers to domains with bad certificates. Default false. */
  readonly dialback?: boolean;
}

/** Writes the configuration. After its start, `makeAccounts` is due. */
export function ejabberd(options: EjabberdOptions): PeerProcess {
  const { folder, address, domain } = options;
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'ejabberd.yml');
  const resolver = join(folder, 'inetrc');
  // JSON is YAML, and quotes itself.
  writeFileSync(
    config,
    JSON.stringify({
      hosts: [domain],
      loglevel: 'debug',
      certfiles: [options.certificate.chainFile, options.certificate.keyFile],
      ca_file: options.rootsFile,
      s2s_use_starttls: 'required',
      auth_method: 'internal',
      api_permissions: { tests: { from: ['mod_http_api'], who: 'all', what: '*' } },
      listen: [
        { port: 5222, ip: address, module: 'ejabberd_c2s', starttls: true },
        { port: 5269, ip: address, module: 'ejabberd_s2s_in' },
        { port: 5280, ip: address, module: 'ejabberd_http', request_handlers: { '/api': 'mod_http_api' } },
      ],
      modules: {
        mod_disco: {},
        mod_http_api: {},
        mod_offline: {},
        mod_ping: {},
        mod_roster: {},
        mod_stream_mgmt: {},
        ...(options.dialback ? { mod_s2s_dialback: {} } : {}),
      },
    }),
  );
  writeFileSync(resolver, `{nameserver,{${DNS_ADDRESS.replaceAll('.', ',')}}}.\n{file,hosts,"/etc/hosts"}.\n{lookup,[file,dns]}.\n`);
  const ebin = globSync('/usr/lib/*/ejabberd-*/ebin')[0] ?? '';
  return new PeerProcess({
    name: `ejabberd ${domain}`,
    command: 'erl',
    args: ['-noinput', '-pa', ebin, '-mnesia', 'dir', `"${join(folder, 'mnesia')}"`, '-s', 'ejabberd'],
    env: {
      EJABBERD_CONFIG_PATH: config,
      EJABBERD_LOG_PATH: join(folder, 'ejabberd-own.log'),
      ERL_INETRC: resolver,
      ERL_CRASH_DUMP: '/dev/null',
      ERL_LIBS: dirname(dirname(ebin)),
      HOME: folder,
    },
    cwd: folder,
    logFile: join(folder, 'ejabberd.log'),
    ready: async () => (await Promise.all([5222, 5269, 5280].map((port) => listens(address, port)))).every(Boolean),
  });
}

export async function makeAccounts(options: EjabberdOptions): Promise<void> {
  for (const [user, password] of Object.entries(options.users)) {
    const answer = await fetch(`http://${options.address}:5280/api/register`, {
      method: 'POST',
      body: JSON.stringify({ user, host: options.domain, password }),
    });
    if (!answer.ok) throw new Error(`ejabberd would not register ${user}@${options.domain}: ${answer.status} ${await answer.text()}`);
  }
}
