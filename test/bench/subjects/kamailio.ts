// Kamailio as a yardstick: relays MESSAGE from TLS to TLS, and is a presence server without permissions. As packaged but for the
// allocator (`-x fm -X fm`: Debian's default is a debugging one, four times as slow), one TCP worker and a short wait timer.

import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PeerProcess } from '../../support/peer-process.ts';
import { kamailioTls } from '../../support/peers/kamailio-config.ts';
import { listens } from '../../support/wait.ts';
import { SIP_DOMAIN, XMPP_DOMAIN } from '../cast.ts';

export interface YardstickFiles {
  readonly folder: string;
  readonly certificate: { readonly chainFile: string; readonly keyFile: string };
  readonly rootsFile: string;
}

const BASE = ['tls', 'tm', 'sl', 'rr', 'pv', 'maxfwd', 'textops', 'siputils', 'xlog'];
const PRESENCE = ['db_sqlite', 'presence', 'presence_xml'];

/** @param presence its presence modules are installed */
export function kamailio(files: YardstickFiles, port: number, sipEnd: number, presence: boolean): PeerProcess {
  const { folder } = files;
  mkdirSync(folder, { recursive: true });
  const modules = globSync('/usr/lib/*/kamailio/modules')[0] ?? '';
  const database = join(folder, 'presence.sqlite');
  if (presence) makeTables(database);
  writeFileSync(join(folder, 'tls.cfg'), kamailioTls(files.certificate, files.rootsFile));
  writeFileSync(join(folder, 'kamailio.cfg'), script(folder, modules, port, sipEnd, presence ? database : undefined));
  return new PeerProcess({
    name: 'kamailio',
    command: 'kamailio',
    args: [
      ...['-f', join(folder, 'kamailio.cfg'), '-DD', '-E', '-m', '512', '-M', '16', '-x', 'fm', '-X', 'fm'],
      ...['-Y', folder, '-P', join(folder, 'pid')],
    ],
    logFile: join(folder, 'kamailio.log'),
    ready: () => listens('127.0.0.1', port),
  });
}

function script(folder: string, modules: string, port: number, sipEnd: number, database: string | undefined): string {
  const presence =
    database === undefined
      ? ''
      : `modparam("presence|presence_xml", "db_url", "sqlite:///${database}")
modparam("presence", "server_address", "sip:127.0.0.1:${port};transport=tls")
modparam("presence", "subs_db_mode", 0)
modparam("presence", "publ_cache", 2)
modparam("presence", "send_fast_notify", 1)
modparam("presence_xml", "force_active", 1)`;
  return `#!KAMAILIO
debug=1
log_stderror=yes
children=1
tcp_children=1
enable_tls=yes
auto_aliases=no
alias="${SIP_DOMAIN}"
listen=tls:127.0.0.1:${port}
tcp_accept_aliases=yes
tcp_connection_lifetime=3600
tcp_conn_wq_max=8388608
use_dns_cache=off
mpath="${modules}/"
${[...BASE, ...(database === undefined ? [] : PRESENCE)].map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("tls", "config", "${folder}/tls.cfg")
# A finished transaction stays for half a second instead of five: at 20,000 a second five would need more than a gigabyte.
modparam("tm", "wt_timer", 500)
${presence}

request_route {
  if (!mf_process_maxfwd_header("70")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("MESSAGE")) {
    $du = "sip:127.0.0.1:${sipEnd};transport=tls";
    if ($rd != "${XMPP_DOMAIN}") { sl_send_reply("404", "Not Found"); exit; }
    if (!t_relay()) { sl_reply_error(); }
    exit;
  }
${database === undefined ? '' : '  if (is_method("SUBSCRIBE|PUBLISH")) { route(PRESENCE); exit; }'}
  sl_send_reply("405", "Method Not Allowed");
}
${
  database === undefined
    ? ''
    : `
route[PRESENCE] {
  if (!t_newtran()) { sl_reply_error(); exit; }
  if (is_method("PUBLISH")) { handle_publish(); } else { handle_subscribe(); }
  t_release();
}`
}
`;
}

function makeTables(file: string): void {
  const database = new DatabaseSync(file);
  for (const name of ['standard', 'presence']) database.exec(readFileSync(`/usr/share/kamailio/db_sqlite/${name}-create.sql`, 'utf8'));
  database.close();
}
