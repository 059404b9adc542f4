// routes/partners/*.yaml to the table's partners, every default filled in, and where each decided key stands.

import type { Allow, Limits, Partner, PartnerSip, PartnerXmpp, Protocol, Where } from '../model/table.ts';
import { partnerFiltersOf } from './filters.ts';
import type { Findings } from './finding.ts';
import { type AllowInput, DEFAULT_LISTED_ALLOW, DEFAULT_MESSAGE_BYTES, type LimitsInput } from './sections/allow.ts';
import { type PartnerInput, sipDefaults, xmppDefaults } from './sections/partner.ts';
import { parseDomain, Wrong } from './values.ts';
import { type Path, pointer, type YamlSource } from './yaml-source.ts';

/** What policy.yaml says about partners with a file. */
export interface ListedPolicy {
  readonly allow: AllowInput;
  readonly limits: LimitsInput;
  /** undefined when there is no policy.yaml. */
  readonly source: YamlSource | undefined;
}

/** The domain that a partner's file is named for: `routes/partners/partner.example.yaml`. */
export function domainOfFile(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1).replace(/\.yaml$/, '');
}

/** @returns undefined when the file has no usable domain */
export function partnerOf(input: PartnerInput, source: YamlSource, listed: ListedPolicy, findings: Findings): Partner | undefined {
  const domains = domainsOf(input, source, findings);
  const name = domains?.[0];
  if (domains === undefined || name === undefined) return undefined;

  const sources = new Map<string, Where>();
  const note = (key: string, from: YamlSource, path: Path) => {
    const line = from.has(path) ? { line: from.place(path).line } : {};
    sources.set(key, { file: from.file, key: pointer(path), ...line });
  };
  /** The partner's own key, else policy.yaml's `listed`, else the default: which is said to stand where one would write it. */
  const layered = <T>(group: 'allow' | 'limits', key: string, own: T | undefined, general: T | undefined, fallback: T): T => {
    const fromListed = own === undefined && general !== undefined && listed.source !== undefined;
    if (fromListed && listed.source !== undefined) note(`${group}.${key}`, listed.source, ['listed', group, key]);
    else note(`${group}.${key}`, source, [group, key]);
    return own ?? general ?? fallback;
  };
  for (const key of ['domains', 'prefer', 'idleWatcherDays', 'allowPrivateAddresses', 'paused', 'enabled']) note(key, source, [key]);
  for (const key of ['proof', 'dialect', 'queuedAnswer', 'hosts', 'names', 'pins', 'clientEku', 'revocation', 'gr', 'use6xx'])
    note(`sip.${key}`, source, ['sip', key]);
  for (const key of ['proof', 'hosts', 'names', 'pins', 'clientEku', 'revocation', 'posh']) note(`xmpp.${key}`, source, ['xmpp', key]);

  for (const protocol of ['sip', 'xmpp']) note(`${protocol}.tls.atLeast`, source, [protocol, 'tls', 'atLeast']);
  const filters = partnerFiltersOf(input.filters);
  for (const key of Object.keys(filters ?? {})) note(`filters.${key}`, source, ['filters', key]);
  const prefer = preferOf(input);
  const unproven = prefer.includes('xmpp') && input.xmpp?.proof === 'dialback';
  const own = input.allow?.enabled === false ? {} : (input.allow ?? {});
  const allow: Allow = {
    messages: layered('allow', 'messages', own.messages, listed.allow.messages, DEFAULT_LISTED_ALLOW.messages),
    theySee: layered('allow', 'theySee', own.theySee, listed.allow.theySee, DEFAULT_LISTED_ALLOW.theySee),
    weSee: layered('allow', 'weSee', own.weSee, listed.allow.weSee, DEFAULT_LISTED_ALLOW.weSee),
    firstContact: layered('allow', 'firstContact', own.firstContact, listed.allow.firstContact, unproven ? 'localUserInvites' : 'anyone'),
  };
  return {
    name,
    domains,
    enabled: input.enabled ?? true,
    prefer,
    sip: sipOf(input),
    xmpp: xmppOf(input),
    allow,
    limits: limitsOf(input, listed, layered),
    ...(filters !== undefined && { filters }),
    ...(input.paused !== undefined && input.paused.enabled !== false && { paused: pausedOf(input.paused) }),
    idleWatcherDays: input.idleWatcherDays,
    allowPrivateAddresses: input.allowPrivateAddresses,
    discovered: false,
    where: { file: source.file, key: '', line: 1 },
    sources,
  };
}

/** The file's name is its first domain. */
function domainsOf(input: PartnerInput, source: YamlSource, findings: Findings): readonly string[] | undefined {
  const written = domainOfFile(source.file);
  const named = parseDomain(written);
  if (named instanceof Wrong) {
    findings.fault(
      'CONFIG_FILE',
      source.place([]),
      `the file is called "${written}"`,
      `a partner's file is called <first domain>.yaml: ${named.right}`,
    );
    return undefined;
  }
  const domains = input.domains ?? [named];
  const first = domains[0];
  if (first === undefined) {
    findings.fault(
      'CONFIG_VALUE',
      source.place(['domains']),
      'an empty list',
      `the partner's domains, ${named} first; or leave the key out`,
    );
    return undefined;
  }
  if (first !== named) {
    const right = domains.includes(named) ? `put ${named} first` : `call the file ${first}.yaml, or put ${named} first`;
    findings.fault(
      'CONFIG_FILE',
      source.place(['domains', 0], 'value'),
      `the first domain is ${first}, the file is called ${written}.yaml`,
      right,
    );
  }
  return [...new Set(domains)];
}

/** Protocols that have a section; without any both, XMPP first as in `discovered.protocols`. */
function preferOf(input: PartnerInput): readonly Protocol[] {
  if (input.prefer !== undefined) return [...new Set(input.prefer)];
  const sip = input.sip !== undefined && input.sip.enabled !== false;
  const xmpp = input.xmpp !== undefined && input.xmpp.enabled !== false;
  if (sip === xmpp) return ['xmpp', 'sip'];
  return sip ? ['sip'] : ['xmpp'];
}

function sipOf(input: PartnerInput): PartnerSip {
  const face = input.sip ?? sipDefaults;
  return {
    ...commonFace(face),
    dialect: face.dialect,
    proof: face.proof,
    // DESIGN 8: 200 is what `dialect: lync` presets, because the row is committed.
    queuedAnswer: face.queuedAnswer ?? (face.dialect === 'lync' ? 200 : 202),
    gr: face.gr,
    use6xx: face.use6xx,
  };
}

function xmppOf(input: PartnerInput): PartnerXmpp {
  const face = input.xmpp ?? xmppDefaults;
  return { ...commonFace(face), proof: face.proof, posh: face.posh };
}

function commonFace(face: typeof sipDefaults | typeof xmppDefaults) {
  return {
    hosts: face.hosts ?? [],
    names: face.names ?? [],
    clientEku: face.clientEku,
    pins: face.pins ?? [],
    tlsAtLeast: face.tls.atLeast,
    revocation: face.revocation,
  };
}

type Layered = <T>(group: 'limits', key: string, own: T | undefined, general: T | undefined, fallback: T) => T;

function limitsOf(input: PartnerInput, listed: ListedPolicy, layered: Layered): Limits {
  const own = input.limits?.enabled === false ? {} : (input.limits ?? {});
  const optional = (key: Exclude<keyof Limits, 'messageBytes'>) => {
    const value = layered<number | undefined>('limits', key, own[key], listed.limits[key], undefined);
    return value === undefined ? {} : { [key]: value };
  };
  return {
    messageBytes: layered('limits', 'messageSize', own.messageSize, listed.limits.messageSize, DEFAULT_MESSAGE_BYTES),
    ...optional('messagesPerSecond'),
    ...optional('suspiciousMessagesPerSecond'),
    ...optional('senderMessagesPerSecond'),
    ...optional('pairMessagesPerSecond'),
    ...optional('distinctTargets'),
  };
}

function pausedOf(paused: NonNullable<PartnerInput['paused']>): NonNullable<Partner['paused']> {
  return { messages: paused.messages, ...(paused.until !== undefined && { untilMs: paused.until }) };
}
