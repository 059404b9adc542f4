// The script of a Kamailio that is a whole small SIP system: registrar with digest, proxy, presence server with permissions
// (pres-rules). `foreign` says where requests for other people's domains go: to Isthmus (it is the internal system) or
// wherever DNS says (it is a federated partner).

export type Foreign =
  /** The internal system of an organisation: every other domain is reached through Isthmus' inside listener. */
  | { readonly kind: 'through'; readonly host: string; readonly port: number; readonly transport: 'tls' | 'tcp' }
  /** A federated partner: asks DNS for `_sipfederationtls._tcp`, then `_sips._tcp`, and uses mutual TLS. */
  | { readonly kind: 'discovered' };

export interface KamailioScript {
  readonly folder: string;
  readonly address: string;
  /** The host name in Via, Record-Route and Contact. */
  readonly host: string;
  readonly domain: string;
  readonly users: Readonly<Record<string, string>>;
  readonly foreign: Foreign;
  /** Who may send requests of other domains: first DNS names of verified client certificates, or source addresses over TCP. */
  readonly trusts: readonly string[];
  /** The domain is split: whom it does not know, Isthmus may; and Isthmus sends as people of the same domain. Default: it is not. */
  readonly split?: boolean;
  /** Takes part in connection reuse (RFC 5923). Without it, NOTIFY goes to our Contact on a connection of its own. */
  readonly aliases: boolean;
  readonly modules: string;
  readonly database: string;
}

export const CLIENT_PORT = 5060;
export const TLS_PORT = 5061;
export const RPC_PORT = 5080;

export function kamailioScript(script: KamailioScript): string {
  const { address, host, domain, folder } = script;
  const split = script.split === true;
  const trusted = script.trusts.map((name) => `$tls_peer_san_hostname == "${name}" || ($proto == "tcp" && $si == "${name}")`).join(' || ');
  return `#!KAMAILIO
debug=2
log_stderror=yes
children=1
tcp_children=1
enable_tls=yes
auto_aliases=no
alias="${domain}"
alias="${host}"
listen=tcp:${address}:${CLIENT_PORT}
listen=tls:${address}:${TLS_PORT} advertise ${host}:${TLS_PORT}
listen=tcp:${address}:${RPC_PORT}
tcp_accept_aliases=${script.aliases ? 'yes' : 'no'}
tcp_connection_lifetime=3600
tcp_accept_no_cl=yes
use_dns_cache=off
dns_retr_time=1
dns_retr_no=2
mpath="${script.modules}/"
${['tls', 'kex', 'corex', 'tm', 'sl', 'rr', 'pv', 'maxfwd', 'textops', 'siputils', 'usrloc', 'registrar', 'auth', 'htable', 'ipops', 'xhttp', 'xlog', 'jsonrpcs', 'db_sqlite', 'presence', 'presence_xml'].map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("tls", "config", "${folder}/tls.cfg")
modparam("tls", "xavp_cfg", "tls")
modparam("tm", "fr_timer", 5000)
modparam("rr", "enable_double_rr", 1)
modparam("usrloc", "db_mode", 0)
modparam("jsonrpcs", "transport", 1)
modparam("htable", "htable", "users=>size=6;")
modparam("presence|presence_xml", "db_url", "sqlite:///${script.database}")
modparam("presence", "server_address", "sip:${host}:${TLS_PORT};transport=tls")
modparam("presence", "subs_db_mode", 2)
modparam("presence", "db_update_period", 3600)
modparam("presence", "publ_cache", 2)
modparam("presence", "send_fast_notify", 1)
modparam("presence_xml", "force_active", 0)
modparam("presence_xml", "integrated_xcap_server", 1)

event_route[htable:mod-init] {
${Object.entries(script.users)
  .map(([user, password]) => `  $sht(users=>${user}) = "${password}";`)
  .join('\n')}
}

# presence.refreshWatchers for the tests
event_route[xhttp:request] { jsonrpc_dispatch(); }

event_route[tm:local-request] { $xavp(tls=>server_name) = $rd; }

request_route {
  xlog("L_NOTICE", "saw $rm from=$fU@$fd to=$tU@$td expires=$hdr(Expires) by=$proto:$si\n");
  if (!mf_process_maxfwd_header("70")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("OPTIONS") && uri == myself && $rU == $null) { sl_send_reply("200", "OK"); exit; }
  if (has_totag()) {
    if (loose_route() && uri != myself) { route(RELAY); exit; }
    if (is_method("SUBSCRIBE") && uri == myself) { route(PRESENCE); exit; }
    sl_send_reply("481", "Call/Transaction Does Not Exist");
    exit;
  }
  remove_hf("Route");
  if (${split ? `(from_uri == myself && !(${trusted}))` : 'from_uri == myself'} || is_method("REGISTER")) { route(AUTHENTICATE); }
  else if (!(${trusted === '' ? '0 == 1' : trusted})) { sl_send_reply("403", "Not one of the servers that may send here"); exit; }
  if (is_method("REGISTER")) { save("location"); exit; }
  if (uri != myself) {
    if (from_uri != myself) { sl_send_reply("403", "No relaying"); exit; }
    route(FOREIGN);
    exit;
  }
  if ($sht(users=>$rU) == $null) {
    ${split ? `if (!(${trusted})) { route(FOREIGN); exit; }` : ''}
    sl_send_reply("404", "Not Found");
    exit;
  }
  if (is_method("SUBSCRIBE|PUBLISH")) { route(PRESENCE); exit; }
  if (is_method("SUBSCRIBE")) { record_route(); }
  if (!lookup("location")) { sl_send_reply("480", "Temporarily Unavailable"); exit; }
  route(RELAY);
}

route[AUTHENTICATE] {
  if (is_method("REGISTER")) {
    if (!pv_www_authenticate("$td", "$sht(users=>$tU)", "0")) { www_challenge("$td", "0"); exit; }
  } else {
    if (!pv_proxy_authenticate("$fd", "$sht(users=>$fU)", "0")) { proxy_challenge("$fd", "0"); exit; }
  }
  consume_credentials();
}

route[PRESENCE] {
  if (!t_newtran()) { sl_reply_error(); exit; }
  if (is_method("PUBLISH")) { handle_publish(); t_release(); exit; }
  handle_subscribe();
  t_release();
}

route[FOREIGN] {
  if (is_method("SUBSCRIBE")) { record_route(); }
${foreignRoute(script.foreign)}
  route(RELAY);
}

route[RELAY] {
  if (!t_relay()) { sl_reply_error(); }
}
`;
}

function foreignRoute(foreign: Foreign): string {
  if (foreign.kind === 'through') {
    return `  $xavp(tls=>server_name) = "${foreign.host}";
  $du = "sip:${foreign.host}:${foreign.port};transport=${foreign.transport}";`;
  }
  return `  $xavp(tls=>server_name) = $rd;
  if (srv_query("_sipfederationtls._tcp.$rd", "f") > 0) {
    $du = "sip:" + $srvquery(f=>target[0]) + ":" + $srvquery(f=>port[0]) + ";transport=tls";
  } else {
    $du = "sip:" + $rd + ";transport=tls";
  }`;
}

/** tls.cfg: the same certificate as server and as client, and nobody without one that our roots vouch for. */
export function kamailioTls(certificate: { readonly chainFile: string; readonly keyFile: string }, rootsFile: string): string {
  const common = `method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
verify_depth = 5
private_key = ${certificate.keyFile}
certificate = ${certificate.chainFile}
ca_list = ${rootsFile}
`;
  return `[server:default]\n${common}\n[client:default]\n${common}`;
}
