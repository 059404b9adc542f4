// Which cmdlet an exported object came from: by its .NET type where the form keeps it, else by its properties. And what each
// property is: known to the import, or of no meaning outside the server it came from.

import type { ExportedObject } from './record.ts';

export const LYNC_KINDS = [
  'allowedDomain',
  'blockedDomain',
  'xmppPartner',
  'publicProvider',
  'hostingProvider',
  'accessEdge',
  'externalAccess',
  'xmppGateway',
] as const;
export type LyncKind = (typeof LYNC_KINDS)[number];

/** For people. */
export const CMDLETS: Readonly<Record<LyncKind, string>> = {
  allowedDomain: 'Get-CsAllowedDomain',
  blockedDomain: 'Get-CsBlockedDomain',
  xmppPartner: 'Get-CsXmppAllowedPartner',
  publicProvider: 'Get-CsPublicProvider',
  hostingProvider: 'Get-CsHostingProvider',
  accessEdge: 'Get-CsAccessEdgeConfiguration',
  externalAccess: 'Get-CsExternalAccessPolicy',
  xmppGateway: 'Get-CsXmppGatewayConfiguration',
};

/** The last part of the .NET type, without `Display` before and `#Decorated` behind. */
const TYPES: Readonly<Record<string, LyncKind>> = {
  alloweddomain: 'allowedDomain',
  blockeddomain: 'blockedDomain',
  xmppallowedpartner: 'xmppPartner',
  publicprovider: 'publicProvider',
  hostingprovider: 'hostingProvider',
  accessedgesettings: 'accessEdge',
  externalaccesspolicy: 'externalAccess',
  xmppgatewaysettings: 'xmppGateway',
};

/** In this order; a kind whose properties are a part of another's comes after it. */
const PROPERTIES: readonly { readonly kind: LyncKind; readonly any: readonly string[]; readonly all?: readonly string[] }[] = [
  { kind: 'xmppGateway', any: ['partnerconnectionlimit', 'streamestablishmenttimeout', 'dialbackpassphrase'] },
  { kind: 'xmppPartner', any: ['tlsnegotiation', 'saslnegotiation', 'supportdialbacknegotiation', 'partnertype'] },
  { kind: 'accessEdge', any: ['enablepartnerdiscovery', 'allowfederatedusers', 'discoveredpartnerstandardrate'] },
  { kind: 'externalAccess', any: ['enablefederationaccess', 'enablepubliccloudaccess', 'enablexmppaccess'] },
  { kind: 'hostingProvider', any: ['enabledsharedaddressspace', 'hostsocsusers', 'islocal', 'autodiscoverurl'] },
  { kind: 'publicProvider', any: ['iconurl', 'namedecorationdomain', 'enableskypeidrouting', 'namedecorationroutingdomain'] },
  { kind: 'allowedDomain', any: ['markformonitoring', 'proxyfqdn'], all: ['domain'] },
];

/** @returns undefined when neither type nor properties tell */
export function kindOf(object: ExportedObject): LyncKind | undefined {
  if (object.type !== undefined) {
    const last = object.type
      .replace(/#.*$/, '')
      .replace(/^.*[.+]/, '')
      .replace(/^Display/, '')
      .toLowerCase();
    const kind = TYPES[last];
    if (kind !== undefined) return kind;
  }
  const has = new Set(object.names.map((name) => name.toLowerCase()));
  const found = PROPERTIES.find(({ any, all = [] }) => any.some((name) => has.has(name)) && all.every((name) => has.has(name)));
  return found?.kind;
}

/** Bookkeeping of PowerShell and of the management store. */
const NO_MEANING = new Set([
  'identity',
  'element',
  'anchor',
  'xsanyelements',
  'xsanyattributes',
  'scopeclass',
  'typedidentity',
  'pscomputername',
  'runspaceid',
  'psshowcomputername',
  'iconurl',
  'isreadonly',
]);

/** Properties that the mapping reads, by kind. */
const READ_PROPERTIES: Readonly<Record<LyncKind, readonly string[]>> = {
  allowedDomain: ['domain', 'proxyfqdn', 'comment', 'markformonitoring', 'verificationlevel'],
  blockedDomain: ['domain', 'comment'],
  xmppPartner: [
    'domain',
    'additionaldomains',
    'partnertype',
    'tlsnegotiation',
    'saslnegotiation',
    'supportdialbacknegotiation',
    'enablekeepalive',
    'connectionlimit',
    'proxyfqdn',
    'description',
  ],
  publicProvider: [
    'name',
    'proxyfqdn',
    'enabled',
    'verificationlevel',
    'namedecorationdomain',
    'namedecorationroutingdomain',
    'namedecorationexcludeddomainlist',
    'enableskypeidrouting',
    'enableskypedirectorysearch',
  ],
  hostingProvider: [
    'name',
    'proxyfqdn',
    'enabled',
    'verificationlevel',
    'enabledsharedaddressspace',
    'hostsocsusers',
    'islocal',
    'sipclientport',
    'autodiscoverurl',
  ],
  accessEdge: [],
  externalAccess: [],
  xmppGateway: [],
};

/** Properties of the object that nobody reads and that say something. */
export function unreadProperties(object: ExportedObject, kind: LyncKind): readonly string[] {
  const read = READ_PROPERTIES[kind];
  return object.names.filter((name) => {
    const key = name.toLowerCase();
    return name !== '' && !NO_MEANING.has(key) && !read.includes(key) && object.cells.has(key);
  });
}
