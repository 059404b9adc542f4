// Every value of a partner as it holds, with the place that it comes from: a line of its own file, a line of policy.yaml's
// `listed`, or nowhere, which is the default. One list for `partner show --effective`, `plan` and the report.

import { hostPort } from '../model/host-port.ts';
import type { Partner, PartnerSip, PartnerXmpp, Where } from '../model/table.ts';

export interface EffectiveValue {
  /** As it is written in the file: `allow.messages`. */
  readonly key: string;
  /** As it would be written. */
  readonly value: string;
  /** Without a line: nobody wrote it, it is the default. */
  readonly where: Where;
}

/** All of them, in the order of the file. */
export function effectiveValues(partner: Partner): EffectiveValue[] {
  const { sip, xmpp, allow, limits, paused } = partner;
  const values: [key: string, value: unknown][] = [
    ['enabled', partner.enabled],
    ['domains', partner.domains],
    ['prefer', partner.prefer],
    ['sip.dialect', sip.dialect],
    ...faceOf('sip', sip),
    ['sip.queuedAnswer', sip.queuedAnswer],
    ['sip.gr', sip.gr],
    ['sip.use6xx', sip.use6xx],
    ...faceOf('xmpp', xmpp),
    ['allow.messages', allow.messages],
    ['allow.theySee', allow.theySee],
    ['allow.weSee', allow.weSee],
    ['allow.firstContact', allow.firstContact],
    ['limits.messageSize', sizeWord(limits.messageBytes)],
    ['limits.messagesPerSecond', limits.messagesPerSecond],
    ['limits.suspiciousMessagesPerSecond', limits.suspiciousMessagesPerSecond],
    ['limits.senderMessagesPerSecond', limits.senderMessagesPerSecond],
    ['limits.pairMessagesPerSecond', limits.pairMessagesPerSecond],
    ['limits.distinctTargets', limits.distinctTargets],
    [
      'paused',
      paused === undefined
        ? undefined
        : { ...(paused.untilMs !== undefined && { until: isoTime(paused.untilMs) }), messages: paused.messages },
    ],
    ['idleWatcherDays', partner.idleWatcherDays],
    ['allowPrivateAddresses', partner.allowPrivateAddresses],
  ];
  // Only what differs from routes/filters.yaml: nobody needs a list of what does not.
  for (const [key, value] of Object.entries(partner.filters ?? {})) values.push([`filters.${key}`, value]);
  return values.map(([key, value]) => ({
    key,
    value: showValue(value),
    where: partner.sources.get(key) ?? { file: partner.where.file, key: `/${key.replace('.', '/')}` },
  }));
}

function faceOf(name: 'sip' | 'xmpp', face: PartnerSip | PartnerXmpp): [string, unknown][] {
  return [
    [`${name}.proof`, face.proof],
    [`${name}.hosts`, face.hosts.length === 0 ? 'what DNS says' : face.hosts.map(hostPort)],
    [`${name}.names`, face.names],
    [`${name}.tls.atLeast`, face.tlsAtLeast],
    [`${name}.clientEku`, face.clientEku],
    [`${name}.revocation`, face.revocation],
    ...('posh' in face ? ([[`${name}.posh`, face.posh]] as [string, unknown][]) : []),
    [`${name}.pins`, face.pins.map((pin) => `${pin.slice(0, 16)}...`)],
  ];
}

/** A value as YAML has it on one line; nothing is `none`. */
export function showValue(value: unknown): string {
  if (value === undefined) return 'none';
  if (Array.isArray(value)) return `[${value.map(showValue).join(', ')}]`;
  if (value instanceof Set) return showValue([...value]);
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).map(([key, inner]) => `${key}: ${showValue(inner)}`);
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
  }
  return String(value);
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function sizeWord(bytes: number): string {
  for (const [unit, size] of [
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
  ] as const)
    if (bytes % size === 0) return `${bytes / size}${unit}`;
  return `${bytes}B`;
}
