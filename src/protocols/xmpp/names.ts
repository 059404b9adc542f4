// Every namespace, default port and ALPN name of the XMPP shore, in one table.

export const NS = {
  streams: 'http://etherx.jabber.org/streams',
  server: 'jabber:server',
  component: 'jabber:component:accept',
  client: 'jabber:client',
  /** Stream-level conditions (RFC 6120 §4.9). */
  streamErrors: 'urn:ietf:params:xml:ns:xmpp-streams',
  /** Stanza-level conditions (RFC 6120 §8.3). */
  stanzas: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  tls: 'urn:ietf:params:xml:ns:xmpp-tls',
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  /** XEP-0440. */
  saslBinding: 'urn:xmpp:sasl-cb:0',
  /** XEP-0388, XEP-0386, XEP-0484. */
  sasl2: 'urn:xmpp:sasl:2',
  bind2: 'urn:xmpp:bind:0',
  fast: 'urn:xmpp:fast:0',
  /** XEP-0077, and what offers it; XEP-0379, XEP-0445. */
  register: 'jabber:iq:register',
  registerFeature: 'http://jabber.org/features/iq-register',
  preAuth: 'urn:xmpp:pars:0',
  invitedRegister: 'urn:xmpp:ibr-token:0',
  /** XEP-0357. */
  push: 'urn:xmpp:push:0',
  bind: 'urn:ietf:params:xml:ns:xmpp-bind',
  /** RFC 3921 §3, of old clients. */
  session: 'urn:ietf:params:xml:ns:xmpp-session',
  /** RFC 7395. */
  framing: 'urn:ietf:params:xml:ns:xmpp-framing',
  roster: 'jabber:iq:roster',
  rosterVersions: 'urn:xmpp:features:rosterver',
  preApproval: 'urn:xmpp:features:pre-approval',
  /** XEP-0191. */
  blocking: 'urn:xmpp:blocking',
  blockingErrors: 'urn:xmpp:blocking:errors',
  /** XEP-0280, XEP-0297. */
  carbons: 'urn:xmpp:carbons:2',
  forward: 'urn:xmpp:forward:0',
  /** XEP-0352. */
  csi: 'urn:xmpp:csi:0',
  /** XEP-0092, XEP-0202. */
  version: 'jabber:iq:version',
  time: 'urn:xmpp:time',
  /** XEP-0220 elements, and what advertises them. */
  dialback: 'jabber:server:dialback',
  dialbackFeature: 'urn:xmpp:features:dialback',
  /** XEP-0288 element, and what advertises it. */
  bidi: 'urn:xmpp:bidi',
  bidiFeature: 'urn:xmpp:features:bidi',
  /** XEP-0198. */
  sm: 'urn:xmpp:sm:3',
  /** XEP-0478. */
  limits: 'urn:xmpp:stream-limits:0',
  ping: 'urn:xmpp:ping',
  discoInfo: 'http://jabber.org/protocol/disco#info',
  discoItems: 'http://jabber.org/protocol/disco#items',
  vcardTemp: 'vcard-temp',
  /** XEP-0153, and what announces that a server fills it in (XEP-0398). */
  vcardUpdate: 'vcard-temp:x:update',
  pepVcard: 'urn:xmpp:pep-vcard-conversion:0',
  /** RFC 6351, and the node it is published on (XEP-0292 §3). */
  vcard4: 'urn:ietf:params:xml:ns:vcard-4.0',
  vcard4Node: 'urn:xmpp:vcard4',
  /** XEP-0060. */
  pubsub: 'http://jabber.org/protocol/pubsub',
  pubsubOwner: 'http://jabber.org/protocol/pubsub#owner',
  pubsubEvent: 'http://jabber.org/protocol/pubsub#event',
  pubsubErrors: 'http://jabber.org/protocol/pubsub#errors',
  pubsubConfig: 'http://jabber.org/protocol/pubsub#node_config',
  publishOptions: 'http://jabber.org/protocol/pubsub#publish-options',
  pubsubMeta: 'http://jabber.org/protocol/pubsub#meta-data',
  /** XEP-0084, XEP-0080. */
  avatarData: 'urn:xmpp:avatar:data',
  avatarMetadata: 'urn:xmpp:avatar:metadata',
  geoloc: 'http://jabber.org/protocol/geoloc',
  /** XEP-0049, XEP-0048, XEP-0402. */
  private: 'jabber:iq:private',
  oldBookmarks: 'storage:bookmarks',
  bookmarks: 'urn:xmpp:bookmarks:1',
  /** XEP-0055. */
  search: 'jabber:iq:search',
  chatStates: 'http://jabber.org/protocol/chatstates',
  receipts: 'urn:xmpp:receipts',
  /** XEP-0333. */
  markers: 'urn:xmpp:chat-markers:0',
  /** XEP-0359. */
  stanzaIds: 'urn:xmpp:sid:0',
  /** XEP-0313, and what advertises its whole; XEP-0059; XEP-0004. */
  mam: 'urn:xmpp:mam:2',
  mamExtended: 'urn:xmpp:mam:2#extended',
  rsm: 'http://jabber.org/protocol/rsm',
  forms: 'jabber:x:data',
  /** XEP-0050. */
  commands: 'http://jabber.org/protocol/commands',
  /** XEP-0363. */
  upload: 'urn:xmpp:http:upload:0',
  delay: 'urn:xmpp:delay',
  idle: 'urn:xmpp:idle:1',
  hints: 'urn:xmpp:hints',
  caps: 'http://jabber.org/protocol/caps',
  nick: 'http://jabber.org/protocol/nick',
  xhtmlIm: 'http://jabber.org/protocol/xhtml-im',
  xhtml: 'http://www.w3.org/1999/xhtml',
  oob: 'jabber:x:oob',
  /** XEP-0380, and the payloads it names. */
  encryption: 'urn:xmpp:eme:0',
  omemo: 'eu.siacs.conversations.axolotl',
  omemo2: 'urn:xmpp:omemo:2',
  pgp: 'jabber:x:encrypted',
  openpgp: 'urn:xmpp:openpgp:0',
  /** XEP-0308, 0424, 0444, 0461, 0428. */
  correct: 'urn:xmpp:message-correct:0',
  retract: 'urn:xmpp:message-retract:1',
  reactions: 'urn:xmpp:reactions:0',
  reply: 'urn:xmpp:reply:0',
  fallback: 'urn:xmpp:fallback:0',
  /** XEP-0224. */
  attention: 'urn:xmpp:attention:0',
  muc: 'http://jabber.org/protocol/muc',
  mucUser: 'http://jabber.org/protocol/muc#user',
  conference: 'jabber:x:conference',
  jingle: 'urn:xmpp:jingle:1',
  jingleMessage: 'urn:xmpp:jingle-message:0',
  xml: 'http://www.w3.org/XML/1998/namespace',
} as const;

/** RFC 6120 §14.7: the s2s port, also of the A/AAAA fall-back. */
export const S2S_PORT = 5269;
/** XEP-0368: ALPN name of direct TLS between servers. */
export const S2S_ALPN = 'xmpp-server';
/** XEP-0368: ALPN name of direct TLS from clients. */
export const C2S_ALPN = 'xmpp-client';
