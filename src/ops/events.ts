// The catalogue of the log: every `event` name, how loud it is, what it means to an operator and which metric counts it.
// A test keeps it complete. Metric names are those of the operators' documentation; null: nothing is counted.

export interface LogEvent {
  /** `error` wakes someone, `warn` is for the morning, `info` one line a connection and an exchange, `debug` follows a frame. */
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly meaning: string;
  readonly metric: string | null;
}

const event = (level: LogEvent['level'], meaning: string, metric: string | null = null): LogEvent => ({ level, meaning, metric });

export const EVENTS: Readonly<Record<string, LogEvent>> = {
  // --- the process ---
  ready: event('info', 'Everything is open; connections are accepted.'),
  stopping: event('info', 'A signal was received; what is on its way may finish.'),
  stopped: event('info', 'Everything is closed; what waits is on disk.'),
  'us.bug': event('error', 'A defect of Isthmus. Please report it with this line.', 'isthmus_bugs_total'),
  alert: event('warn', 'Something needs a look: a partner is down, a queue grows old, a certificate ends; or that is over.'),
  'alert.failed': event('error', 'An alert could not be mailed or posted; it is tried again with the next look.'),
  'systemd.failed': event('warn', 'Systemd could not be told that the process is ready or alive; systemd-notify is needed for it.'),

  'journal.sent': event('debug', 'The mail server has taken archived messages for the journal mailbox.', 'isthmus_journal_sent_total'),
  'journal.failed': event(
    'warn',
    'The mail server of the journal mailbox is not reached or refuses; it is tried again until it has everything.',
    'isthmus_journal_waiting',
  ),
  'journal.resumed': event('info', 'The journal mailbox has everything again.'),
  'journal.refused': event(
    'error',
    'The mail server takes one archived message for good not; a mail in its place says so, and the archive has it.',
    'isthmus_journal_refused_total',
  ),

  fenced: event('error', 'Another process has taken this home over with --takeover; this one drains and ends.'),
  takeover: event('warn', 'A restored home, or one that another machine ran before, was started with --takeover.'),
  'oidc.keys': event('info', 'The keys of the OpenID issuer of the API were fetched.'),
  'oidc.failed': event(
    'warn',
    'The OpenID issuer of the API cannot be asked; its tokens are answered 503 once its last keys are a day old.',
  ),
  'admin.opened': event('info', 'The admin socket is open: the command line and the API reach the process.'),

  // --- certificates and listeners ---
  'cert.reloaded': event('info', 'Changed certificates, roots or revocation lists are in force.', 'isthmus_certificate_expiry_seconds'),
  'cert.doubtful': event('warn', 'A certificate is in force and something about it deserves a look, such as its expiry.'),
  'cert.expiring': event(
    'warn',
    'A certificate of ours, of a partner or of an authority ends in 30, 14 or 3 days, or has ended.',
    'isthmus_certificate_expiry_seconds',
  ),
  'cert.unstapled': event('warn', 'The status of a certificate of ours could not be fetched; nothing is stapled until it can.'),
  'cert.rejected': event('warn', 'A file in certs/ is not usable; what was in force before stays.', 'isthmus_certificate_rejected_total'),
  'cert.renewed': event('info', 'A certificate of ours was renewed by ACME; new handshakes use it.'),
  'cert.renewalRemark': event('warn', 'Something about a renewal deserves a look: a DNS record is late, or could not be removed.'),
  'cert.renewalFailed': event('error', 'A certificate could not be renewed; code and advice say why. The one in force stays.'),
  'calendar.failed': event('warn', 'The calendar of a user cannot be read; what it said last counts until it is too old. Told once.'),
  'calendar.back': event('info', 'The calendar of a user can be read again.'),
  'trust.reloaded': event('info', 'Changed roots and revocation lists are in force.'),
  'rules.reloaded': event('info', 'A changed set of files is in force.'),
  'rules.rejected': event('error', 'A changed set of files has faults; the one before stays in force.', 'isthmus_rules_rejected_total'),
  'rules.accepted': event('info', 'The files as they are became the set in force, at the start.'),
  'rules.differ': event('warn', 'Files differ from the set that is in force, and were never applied: isthmus plan.'),
  'rules.unkept': event('warn', 'The set in force could not be kept on disk; a restart takes the files again.'),
  'watch.failed': event('warn', 'A folder cannot be watched; changes there are seen at the next start.'),
  'listener.failed': event('error', 'An address cannot be listened on.'),
  'connection.refused': event('debug', 'A connection was closed at once: blocked address, or too many.', 'isthmus_limited_total'),
  'session.ended': event('info', 'A connection was ended because the rules in force no longer know its partner.', 'isthmus_sessions'),
  'tls.done': event('debug', 'A TLS handshake is done; its duration is counted.', 'isthmus_handshake_seconds'),
  'proxy.refused': event(
    'warn',
    'A load balancer of edge.proxyProtocolFrom did not say with PROXY v2 whose connection it brings.',
    'isthmus_handshake_failures_total',
  ),
  'tls.failed': event('info', 'The TLS handshake with a peer failed.', 'isthmus_handshake_failures_total'),
  'partner.certificate': event(
    'info',
    'A partner shows a certificate for the first time, or another one than before; `found` says what changed.',
  ),
  'revocation.found': event(
    'warn',
    'A certificate of a partner has been revoked by its authority; connections with it are refused from now on.',
  ),
  'revocation.unknown': event('debug', 'Nobody said whether a certificate is revoked; it is asked again later.'),
  'peer.refused': event('warn', 'A peer did not prove to be the domain it speaks for.', 'isthmus_handshake_failures_total'),

  // --- people of the core ---
  'web.answered': event('debug', 'A request on clients.web was answered; `status` says how.'),
  'web.cut': event('warn', 'An answer on clients.web ended before its end, such as a file that was removed meanwhile.'),
  'uploads.failed': event('error', 'Files that users shared and that are too old could not be removed; it is tried again.'),
  'user.signedIn': event('info', 'A user of ours has signed in.'),
  'user.signInFailed': event(
    'info',
    'A sign-in failed: wrong address or password, disabled, or too many failures.',
    'isthmus_limited_total',
  ),
  'user.disabled': event('info', 'A user of ours is gone from the directory or disabled there, and may not sign in any more.'),
  'directory.synced': event('info', 'A round of the directory changed people of ours, or succeeded after one that failed.'),
  'directory.groups': event('info', 'Groups of routes/policy.yaml that the directory fills have other members; the rules know it.'),
  'directory.doubtful': event(
    'warn',
    'Most users are gone from the directory at once. Nobody was disabled: look at base and filter in people/directory.yaml.',
  ),
  'directory.failed': event(
    'warn',
    'The directory could not be asked. Everybody stays as they were; passwords of the directory do not sign in.',
  ),
  'user.opened': event('info', 'A client of a user of ours is bound; from now on it can be reached.'),
  'user.left': event('info', 'A client of a user of ours is gone.'),
  'user.moved': event('info', 'A user of a split domain has come to the core, or gone to the internal system.'),
  'user.forwarded': event('info', 'A message that waited for a user who has moved to the internal system was handed on to it.'),
  'core.presence': event('debug', 'The neck did not take a presence event of a user of ours.'),
  'core.failed': event('error', 'A step of the core ran into a defect; the next event sets it right.', 'isthmus_bugs_total'),

  // --- decisions and first contact ---
  'decision.allowed': event('debug', 'Policy let an exchange pass.'),
  'decision.refused': event('info', 'Policy refused an exchange; file and key say why.', 'isthmus_policy_denied_total'),
  'contact.held': event('info', 'A stranger waits for a decision: isthmus request list.'),
  'contact.decided': event('info', 'A waiting request was approved or denied.'),
  'contact.dropped': event('info', 'A stranger sent more than is kept while waiting.', 'isthmus_limited_total'),
  'contact.failed': event('error', 'A decision about a stranger could not be carried out; it is tried again.'),

  // --- messages and the outbox ---
  'message.copy': event('info', 'The same message again; answered as the first time, not delivered again.', 'isthmus_dedup_hits_total'),
  'message.ended': event('info', 'A message has come to its end: delivered, handed over, refused or expired.', 'isthmus_messages_total'),
  'message.failedLate': event(
    'info',
    'The far end refused a message after it had been answered; its sender is told.',
    'isthmus_messages_total',
  ),
  'message.degraded': event(
    'debug',
    'Something of a message cannot cross: it stands in words, or is refused.',
    'isthmus_translate_lossy_total',
  ),
  'message.filtered': event(
    'info',
    'The filters of routes/filters.yaml refused, changed or marked a message at the border; action and what say how.',
    'isthmus_filtered_total',
  ),
  'archive.failed': event(
    'error',
    'A message that should be archived could not be: refused where blockOnFailure says so, else it passes and no line of it is there.',
    'isthmus_archive_failures_total',
  ),
  'archive.works': event('info', 'Messages are archived again after a failure.'),
  'archive.purged': event('info', 'Lines of the archive older than its retention were removed; held ones stay.'),
  'archive.purgeFailed': event('error', 'Old lines of the archive could not be removed; it is tried again within an hour.'),
  'filter.hookFailed': event(
    'warn',
    'The filter hook gave no usable answer in time; onFailure decided.',
    'isthmus_filter_hook_failures_total',
  ),
  'filter.hookRests': event('error', 'The filter hook failed again and again and is not asked for a while; onFailure decides.'),
  'filter.hookRestored': event('info', 'The filter hook answers again.'),
  'message.limited': event('info', 'A message was refused by a limit.', 'isthmus_limited_total'),
  'outbox.recovered': event('info', 'What waited on disk is taken up again.', 'isthmus_outbox_depth'),
  'outbox.drained': event('info', 'The outbox has stopped; what waits is on disk.', 'isthmus_outbox_depth'),
  'outbox.full': event('warn', 'Too much waits for one partner; more is refused.', 'isthmus_limited_total'),
  'outbox.waits': event('info', 'A try failed; it is repeated later.', 'isthmus_outbox_oldest_seconds'),
  'outbox.defect': event('error', 'Sending a row ran into a defect of Isthmus; the row stays.', 'isthmus_bugs_total'),
  'store.failed': event('error', 'The database could not be written or read.', 'isthmus_store_failures_total'),
  'store.remark': event('warn', 'Something about the database was found at the start.'),

  // --- presence ---
  'presence.failed': event('error', 'A step of presence ran into a defect; the next event sets it right.', 'isthmus_bugs_total'),
  'presence.ignored': event('debug', 'A presence event changed nothing.'),
  'presence.undelivered': event('info', 'A presence event did not reach its watcher; the next one replaces it.'),
  'presence.notifyFailed': event('info', 'A NOTIFY did not arrive; the dialog ends.'),
  'presence.notifyRefused': event('info', 'The watcher refused a NOTIFY; the dialog ends.'),
  'presence.subscribeFailed': event('info', 'A SUBSCRIBE of ours was refused or did not arrive.'),
  'presence.dialogLost': event('warn', 'A stored dialog cannot be read; the watcher will subscribe anew.'),
  'dialogs.restored': event('info', 'Stored SIP dialogs live again after a restart.'),
  'presence.dialogNotStored': event('warn', 'A dialog could not be stored; a restart will not restore it.'),

  // --- SIP ---
  'sip.peer.proven': event('info', 'A SIP peer has proven on a connection that it speaks for a domain.', 'isthmus_partner_up'),
  'sip.connect.failed': event('warn', 'A SIP connection to a domain could not be made or proven.', 'isthmus_handshake_failures_total'),
  'sip.connection.closed': event('info', 'A SIP connection is closed.', 'isthmus_sessions'),
  'sip.frame.refused': event('info', 'A peer sent what is no SIP message; the connection closes.', 'isthmus_malformed_total'),
  'sip.request.malformed': event('info', 'A SIP request could not be read; it was answered where possible.', 'isthmus_malformed_total'),
  'sip.request.refused': event('info', 'A SIP request was refused before it became an event.', 'isthmus_messages_total'),
  'sip.response.dropped': event('debug', 'A SIP response could not be read.', 'isthmus_malformed_total'),
  'sip.response.stray': event('debug', 'A SIP response belongs to no request of ours.'),

  // --- XMPP ---
  'stream.opened': event('info', 'An XMPP stream is open and proven.', 'isthmus_sessions'),
  'stream.closed': event('info', 'An XMPP stream is closed.', 'isthmus_sessions'),
  'stream.error': event('info', 'The partner ended its stream with an error.', 'isthmus_handshake_failures_total'),
  'stream.refused': event('warn', 'We ended a stream with an error.', 'isthmus_handshake_failures_total'),
  'stream.failed': event('info', 'A stream to a partner could not be opened; it is tried again.', 'isthmus_handshake_failures_total'),
  'stream.silent': event('warn', 'A partner no longer answers on an open stream; it is closed.', 'isthmus_handshake_failures_total'),
  'client.refused': event('info', 'The stream of an XMPP client was ended with an error.', 'isthmus_handshake_failures_total'),
  'client.waits': event('info', 'An XMPP client has lost its connection; its session waits five minutes for it.'),
  'client.resumed': event('info', 'An XMPP client has come back to its session (XEP-0198).'),
  'user.joined': event('info', 'Somebody has come in with an invitation.'),
  'user.changedPassword': event('info', 'A user has changed their own password with a client.'),
  'push.sent': event('debug', 'A push service was told how many messages wait for a client (XEP-0357).'),
  'push.failed': event('info', 'A push service could not be told; it is tried again with the next message.'),
  'push.disabled': event('info', 'A push service refuses; its client has to enable it anew.'),
  'push.kept': event('debug', 'A push service is not told: clients.push does not name it any more, or it is blocked.'),
  'client.silent': event('info', 'An XMPP client did not answer a ping; its connection is closed.'),
  'component.opened': event('info', 'The connection to an internal XMPP server stands.', 'isthmus_sessions'),
  'component.closed': event('warn', 'The connection to an internal XMPP server is gone; it is made again.', 'isthmus_sessions'),
  'dialback.proven': event('info', 'A pair of domains was proven by dialback only.'),
  'stanza.dropped': event('warn', 'A stanza was not taken: its sender is not proven, or it is none.', 'isthmus_malformed_total'),
  'stanza.failed': event('error', 'Handling a stanza ran into a defect of Isthmus.', 'isthmus_bugs_total'),
};
