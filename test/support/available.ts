// What the peer suites need on this machine: the Debian packages of the real peers, and namespaces to run them in.
// `npm run peers` installs from this table; `npm test` only looks.

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

export interface PeerPackage {
  /** Debian's name. */
  readonly name: string;
  /** A file that is there when the package is (glob). */
  readonly shows: string;
  readonly what: string;
}

const LIB = '/usr/lib/*';

export const PEER_PACKAGES = [
  { name: 'prosody', shows: '/usr/bin/prosody', what: 'an XMPP server' },
  { name: 'lua-unbound', shows: `${LIB}/lua/5.*/lunbound.so`, what: "Prosody's resolver" },
  { name: 'lua-sec', shows: '/usr/share/lua/5.*/ssl.lua', what: "Prosody's TLS" },
  { name: 'ejabberd', shows: `${LIB}/ejabberd-*/ebin`, what: 'an XMPP server, the second opinion' },
  { name: 'kamailio', shows: '/usr/sbin/kamailio', what: 'a SIP server' },
  { name: 'kamailio-tls-modules', shows: `${LIB}/kamailio/modules/tls.so`, what: 'its TLS' },
  { name: 'kamailio-presence-modules', shows: `${LIB}/kamailio/modules/presence.so`, what: 'its presence server' },
  { name: 'kamailio-sqlite-modules', shows: `${LIB}/kamailio/modules/db_sqlite.so`, what: 'its tables' },
  { name: 'kamailio-outbound-modules', shows: `${LIB}/kamailio/modules/outbound.so`, what: 'its RFC 5626 part' },
  { name: 'sip-tester', shows: '/usr/bin/sipp', what: 'SIPp, raw SIP scenarios' },
  { name: 'linphone-cli', shows: '/usr/bin/linphone-daemon', what: 'a SIP client' },
  { name: 'baresip-core', shows: '/usr/bin/baresip', what: 'a SIP client from before RFC 8760' },
  { name: 'python3-slixmpp', shows: '/usr/lib/python3/dist-packages/slixmpp', what: 'an XMPP client in Python' },
  { name: 'python3-aiosmtpd', shows: '/usr/lib/python3/dist-packages/aiosmtpd', what: 'a mail server in Python' },
  { name: 'bitlbee-libpurple', shows: '/usr/sbin/bitlbee', what: "libpurple's protocols by IRC" },
  { name: 'python3-aiohttp', shows: '/usr/lib/python3/dist-packages/aiohttp', what: 'its HTTP, for shared files' },
  { name: 'curl', shows: '/usr/bin/curl', what: 'an HTTP client' },
  { name: 'profanity', shows: '/usr/bin/profanity', what: 'an XMPP client on libstrophe' },
  { name: 'tmux', shows: '/usr/bin/tmux', what: 'the terminal it runs in' },
  { name: 'dnsmasq', shows: '/usr/sbin/dnsmasq', what: 'a DNS server with SRV records' },
  { name: 'pebble', shows: '/usr/bin/pebble-challtestsrv', what: 'an ACME authority, strict on purpose' },
  { name: 'knot', shows: '/usr/sbin/knotd', what: 'a name server that takes dynamic updates' },
  { name: 'slapd', shows: '/usr/sbin/slapd', what: 'an LDAP directory' },
  { name: 'faketime', shows: `${LIB}/faketime/libfaketime.so.1`, what: 'a clock that jumps' },
  { name: 'strace', shows: '/usr/bin/strace', what: 'a disk that is slow to sync, for `npm run faults`' },
  { name: 'iproute2', shows: '/{usr/,}{s,}bin/ip', what: 'brings up loopback inside a namespace' },
] as const satisfies readonly PeerPackage[];

export type PackageName = (typeof PEER_PACKAGES)[number]['name'];

/** The packages whose files are not on this machine. */
export function missingPackages(of: readonly PackageName[] = PEER_PACKAGES.map((row) => row.name)): readonly PackageName[] {
  return PEER_PACKAGES.filter((row) => of.includes(row.name) && globSync(row.shows).length === 0).map((row) => row.name);
}

/** One network, mount, PID and UTS namespace; ending its first process ends everything in it. */
export function unshareArguments(): string[] {
  const asRoot = process.getuid?.() === 0 ? [] : ['-r'];
  return [...asRoot, '-n', '-m', '-u', '-p', '-f', '--kill-child', '--mount-proc'];
}

/** Why the peer suites cannot run here, in words, with the line that helps; undefined when they can. */
export function whyNoWorld(): string | undefined {
  if (process.platform !== 'linux') return `the peers run on Linux only (this is ${process.platform}); a Debian container or machine helps`;
  const missing = missingPackages();
  if (missing.length > 0) return `not installed: ${missing.join(', ')}; \`npm run peers\` as root on Debian helps`;
  const tried = spawnSync('unshare', [...unshareArguments(), 'ip', 'link', 'set', 'lo', 'up'], { encoding: 'utf8' });
  if (tried.status === 0) return undefined;
  const said = (tried.stderr ?? tried.error?.message ?? '').trim().split('\n')[0];
  return `this machine does not permit namespaces (unshare: ${said}); root, or a container started with --privileged, helps`;
}
