// Prosody 0.12, as an XMPP partner with its own s2s or as an organisation's internal server with a component for Isthmus.
// Accounts are written as files, which is far faster than prosodyctl.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PeerProcess } from '../peer-process.ts';
import { listens } from '../wait.ts';

export interface ProsodyOptions {
  readonly name?: string;
  readonly folder: string;
  /** Its own loopback address, with the standard ports. */
  readonly address: string;
  readonly domain: string;
  /** User -> password. */
  readonly users: Readonly<Record<string, string>>;
  readonly certificate: { readonly chainFile: string; readonly keyFile: string };
  /** What it shows its own users, when that must be a good one all the same. Default: `certificate`. */
  readonly clientCertificate?: { readonly chainFile: string; readonly keyFile: string };
  /** PEM of the roots it believes. */
  readonly rootsFile: string;
  /** XEP-0288 on its streams. Default true. */
  readonly bidi?: boolean;
  /** Dialback besides EXTERNAL: `no` (default), or `yes`, which also takes partners whose certificate it does not trust. */
  readonly dialback?: boolean;
  /** Direct TLS on 5270 too. */
  readonly directTls?: boolean;
  /** XEP-0198 on its streams. Default true. */
  readonly streamManagement?: boolean;
  /** `inside`: no s2s at all; every foreign domain goes to this component through the module in deploy/prosody. */
  readonly isthmus?: { readonly component: string; readonly secret: string; readonly moduleFolder: string; readonly split?: boolean };
  /** More lines for the virtual host. */
  readonly extra?: string;
}

/** Writes the configuration and the accounts; `start()` of the result starts it. */
export function prosody(options: ProsodyOptions): PeerProcess {
  const { folder, address, domain, isthmus } = options;
  const data = join(folder, 'data');
  const accounts = join(data, escapeHost(domain), 'accounts');
  mkdirSync(accounts, { recursive: true });
  for (const [user, password] of Object.entries(options.users)) {
    writeFileSync(join(accounts, `${user}.dat`), `return { ["password"] = ${lua(password)}; };\n`);
  }
  const modules = [
    'roster',
    'saslauth',
    'tls',
    'disco',
    'ping',
    'private',
    'vcard_legacy',
    'presence',
    'message',
    'iq',
    'posix',
    'offline',
  ];
  if (options.streamManagement ?? true) modules.push('smacks');
  if (isthmus === undefined) {
    modules.push('s2s', 's2s_auth_certs');
    if (options.bidi ?? true) modules.push('s2s_bidi');
    if (options.dialback) modules.push('dialback');
  }
  const off = ['s2s', 's2s_auth_certs', 's2s_bidi', 'dialback'].filter((name) => !modules.includes(name));
  const config = `
run_as_root = true
daemonize = false
pidfile = ${lua(join(folder, 'prosody.pid'))}
data_path = ${lua(data)}
plugin_paths = { ${isthmus === undefined ? '' : lua(isthmus.moduleFolder)} }
interfaces = { ${lua(address)} }
component_interfaces = { ${lua(address)} }
s2s_direct_tls_ports = { ${options.directTls ? 5270 : ''} }
unbound = { resolvconf = "/etc/resolv.conf", options = { ["do-not-query-localhost:"] = "no", ["local-zone:"] = "test. transparent" } }
log = { { levels = { min = "debug" }, to = "console", timestamps = true } }
modules_enabled = { ${modules.map(lua).join(', ')} }
modules_disabled = { ${off.map(lua).join(', ')} }
authentication = "internal_plain"
storage = "internal"
c2s_require_encryption = true
s2s_require_encryption = true
s2s_secure_auth = ${options.dialback ? 'false' : 'true'}
smacks_hibernation_time = 1
ssl = { key = ${lua(options.certificate.keyFile)}, certificate = ${lua(options.certificate.chainFile)}, cafile = ${lua(options.rootsFile)} }
VirtualHost ${lua(domain)}
${options.clientCertificate === undefined ? '' : `c2s_ssl = { key = ${lua(options.clientCertificate.keyFile)}, certificate = ${lua(options.clientCertificate.chainFile)} }`}
${isthmus === undefined ? '' : `modules_enabled = { "isthmus_route" }\nisthmus_component = ${lua(isthmus.component)}\nisthmus_split = ${isthmus.split ?? false}`}
${options.extra ?? ''}
${
  isthmus === undefined
    ? ''
    : `Component ${lua(isthmus.component)}
  component_secret = ${lua(isthmus.secret)}
  validate_from_addresses = false`
}
`;
  const configFile = join(folder, 'prosody.cfg.lua');
  writeFileSync(configFile, config);
  const ports = [5222, isthmus === undefined ? 5269 : 5347];
  return new PeerProcess({
    name: options.name ?? `prosody ${domain}`,
    command: 'prosody',
    args: ['--config', configFile, '-F'],
    logFile: join(folder, 'prosody.log'),
    ready: async () => (await Promise.all(ports.map((port) => listens(address, port)))).every(Boolean),
  });
}

/** Prosody's file names: everything but letters and digits as %xx. */
function escapeHost(host: string): string {
  return host.replace(/[^A-Za-z0-9]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function lua(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;
}
