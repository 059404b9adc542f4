// The partner's way to us, which nobody here can climb: the records of ours that they would use, when they last came in and how
// they proved themselves, their last try that was refused and why, and over XMPP whether they answer us at all.

import { reason } from '../../errors.ts';
import type { Passport } from '../../model/passport.ts';
import type { PeerTry } from '../../model/peer-try.ts';
import type { Reason } from '../../model/reason.ts';
import type { Protocol } from '../../model/table.ts';
import { utcMinute } from '../../model/utc.ts';
import type { Operations, Records } from '../operations.ts';
import type { OurRecord, PartnerRoom, Probe, ProbeTarget } from './ports.ts';

export type InboundName = 'records' | 'seen' | 'refused' | 'limits' | 'road back';

export interface InboundRung {
  readonly name: InboundName;
  /** undefined: nothing can be said. */
  readonly ok: boolean | undefined;
  readonly says: string;
  readonly reason?: Reason;
  /** host or address that it is about. */
  readonly target?: string;
  /** Wall ms of what was seen. */
  readonly at?: number;
}

export interface Inbound {
  readonly protocol: Protocol;
  readonly rungs: readonly InboundRung[];
  /** Wall ms of the last time that they came in well; undefined: never, as far as is remembered. */
  readonly lastGood?: number;
}

export interface InboundParts {
  readonly domain: string;
  readonly protocol: Protocol;
  readonly probe: Probe;
  readonly targets: readonly ProbeTarget[];
  /** undefined: this home has never been started. */
  readonly records?: Records;
  readonly room?: PartnerRoom;
  readonly clock: Operations['clock'];
  /** Whether we have just reached them: without, there is no use in asking for the road back. */
  readonly reached: boolean;
  /** The records that they would use, as DNS shows them. */
  readonly record: Promise<OurRecord>;
  /** So long they have to answer a ping. */
  readonly roadMs: number;
}

/** A refusal that is older tells nothing about today. */
const REFUSED_DAYS = 7;
const DAY_MS = 86_400_000;
const LIMITED_MS = 3_600_000;

/** Never rejects for what peers and networks do. */
export async function lookInbound(parts: InboundParts): Promise<Inbound> {
  const { domain, protocol, probe, records, room, clock, reached } = parts;
  const now = clock.now();
  const [record, addresses] = await Promise.all([parts.record, probe.addresses(parts.targets)]);
  const passport = await records?.passports.get(domain, protocol, 'in');
  const all = (await records?.peerTries.of(domain, addresses)) ?? [];
  const tries = all.filter((one) => one.protocol === undefined || one.protocol === protocol);
  const open = room?.open(domain).find((one) => one.protocol === protocol && one.direction === 'in');
  const lastGood = Math.max(passport?.lastSeen ?? 0, tries.find((one) => one.ok)?.at ?? 0, open === undefined ? 0 : now);
  const known = lastGood > 0;
  const rungs: InboundRung[] = [
    recordsRung(record, known || parts.targets.some((target) => target.byFile)),
    seenRung(records, passport, open, lastGood),
  ];
  const bad = tries.filter((one) => !one.ok && now - one.at < REFUSED_DAYS * DAY_MS);
  const familiar = new Set([...addresses, ...all.flatMap((one) => (one.ok && one.address !== undefined ? [one.address] : []))]);
  const shut = bad.filter((one) => !isLimit(one) && one.code !== 'XMPP_NO_RETURN_PATH' && one.at > (open === undefined ? lastGood : now));
  const refused = shut.find((one) => isThem(one, familiar, known));
  const claimed = shut.find((one) => one.domain !== undefined);
  if (refused !== undefined) rungs.push(refusedRung(refused, domain));
  else if (claimed !== undefined) rungs.push(claimedRung(claimed));
  const limited = bad.find((one) => isLimit(one) && now - one.at < LIMITED_MS);
  if (limited !== undefined) rungs.push(limitsRung(limited, probe));
  const road = protocol === 'xmpp' ? await roadRung(parts, tries) : undefined;
  if (road !== undefined && reached) rungs.push(road);
  return { protocol, rungs, ...(known && { lastGood }) };
}

const isLimit = (one: PeerTry): boolean => one.code?.startsWith('LIMIT_') === true;

function recordsRung(record: OurRecord, known: boolean): InboundRung {
  switch (record.kind) {
    case 'published': {
      const says = `${record.name} leads to ${record.targets.join(', ')}`;
      if (record.ours) return { name: 'records', ok: true, says };
      const why = reason('NET_DNS_NOT_FOUND', `${says}, which is not this edge`, { finer: 'OUR_SRV_ELSEWHERE' });
      // Somebody who comes in all the same has another way, or several edges share the domain.
      return known ? { name: 'records', ok: true, says } : { name: 'records', ok: false, says: why.text, reason: why };
    }
    case 'none': {
      const says = `no ${record.name} in DNS as seen from here`;
      if (known) return { name: 'records', ok: undefined, says: `${says}; they know us by another way` };
      return { name: 'records', ok: false, says, reason: reason('NET_DNS_NOT_FOUND', says, { finer: 'OUR_SRV_NONE' }) };
    }
    case 'failed':
      return { name: 'records', ok: undefined, says: record.text };
  }
}

function seenRung(
  records: Records | undefined,
  passport: Passport | undefined,
  open: ReturnType<PartnerRoom['open']>[number] | undefined,
  lastGood: number,
): InboundRung {
  if (open !== undefined)
    return { name: 'seen', ok: true, says: `connected to us since ${utcMinute(open.since)}, proven by ${open.how}${shown(passport)}` };
  if (lastGood > 0) return { name: 'seen', ok: true, says: `last came in at ${utcMinute(lastGood)}${shown(passport)}`, at: lastGood };
  const says =
    records === undefined
      ? 'nothing: this home has never been started'
      : 'they have never come in, as far as is remembered; ask them for a message to one of our users';
  return { name: 'seen', ok: undefined, says };
}

function shown(passport: Passport | undefined): string {
  const leaf = passport?.chain[0];
  if (passport === undefined || leaf === undefined) return '';
  const names = passport.names.slice(0, 4).join(', ');
  return `, with a certificate for ${names === '' ? 'no name' : names} by ${leaf.issuer.replaceAll('\n', ', ')}, valid until ${utcMinute(leaf.notAfter)}, over ${passport.tlsVersion}`;
}

/**
 * Was it the partner who was refused? Anybody may claim a name, and anybody may knock and leave: scanners and health checks do.
 * @param known they have come in well before, so that their addresses are known
 */
function isThem(one: PeerTry, familiar: ReadonlySet<string>, known: boolean): boolean {
  if (one.domain === undefined) return !known && TELLING.test(one.finer ?? one.code ?? '');
  return !known || one.address === undefined || familiar.has(one.address);
}
const TELLING = /^(OUR_CERT_|TLS_VERSION|TLS_NO_SHARED_CIPHER|NET_STREAM_FAILED)/;

function claimedRung(one: PeerTry): InboundRung {
  const says = `at ${utcMinute(one.at)} somebody from ${one.address ?? 'an unknown address'}, which is none of theirs, claimed to be them and was refused: ${one.text}`;
  return { name: 'refused', ok: undefined, says };
}

function refusedRung(one: PeerTry, domain: string): InboundRung {
  const from = one.address === undefined ? '' : ` from ${one.address}`;
  const who = one.domain === undefined ? `somebody${from}, an address of ${domain}, ` : `their try${from} `;
  const why = reason(one.code ?? 'NET_STREAM_FAILED', one.text, one.finer === undefined ? {} : { finer: one.finer });
  const says = `${who}at ${utcMinute(one.at)} was refused: ${one.text}`;
  return { name: 'refused', ok: false, says, reason: why, at: one.at, ...(one.address !== undefined && { target: one.address }) };
}

function limitsRung(one: PeerTry, probe: Probe): InboundRung {
  // Token buckets fill again within a second; the number of different people goes down only when an operator lists the partner.
  const until =
    one.code === 'LIMIT_TARGETS'
      ? `until ${probe.file === undefined ? 'the partner is listed' : 'its file allows more'}`
      : 'each time until about a second of silence has passed';
  const text = `at ${utcMinute(one.at)} their messages were refused, ${until}: ${one.text}`;
  return { name: 'limits', ok: false, says: text, reason: reason(one.code ?? 'LIMIT_PARTNER_RATE', text), at: one.at };
}

async function roadRung(
  { room, probe, domain, protocol, clock, reached, roadMs }: InboundParts,
  tries: readonly PeerTry[],
): Promise<InboundRung | undefined> {
  if (!reached) return undefined;
  if (room !== undefined && probe.spoken.includes(protocol)) {
    const road = await room.roadBack(probe.ourDomain, domain, Math.round(roadMs));
    if (road.kind === 'answered') return { name: 'road back', ok: true, says: `their server answered our ping after ${road.ms} ms` };
    return { name: 'road back', ok: false, says: road.reason.text, reason: road.reason };
  }
  const silent = tries.find((one) => one.code === 'XMPP_NO_RETURN_PATH');
  const answered = tries.find((one) => one.ok);
  if (silent === undefined || clock.now() - silent.at > DAY_MS || (answered !== undefined && answered.at > silent.at)) return undefined;
  const says = `at ${utcMinute(silent.at)} ${silent.text}`;
  return { name: 'road back', ok: false, says, reason: reason('XMPP_NO_RETURN_PATH', says), at: silent.at };
}
