// What a test has found: one finding a fault, each with its code, the cause, the next step for us and the sentence for the
// partner's administrator. None means that all is well.

import { reason } from '../../errors.ts';
import { hostPort } from '../../model/host-port.ts';
import type { Reason } from '../../model/reason.ts';
import type { Protocol } from '../../model/table.ts';
import { codeOf, type DiagnosisCode, diagnosis, sentenceFor, WORD } from '../diagnoses.ts';
import type { Inbound } from './inbound.ts';
import type { Ladder } from './ladder.ts';
import type { PolicyWord, Probe, TestDelivery } from './ports.ts';

export interface Finding {
  readonly code: DiagnosisCode;
  /** `warning`: it works now. */
  readonly level: 'fault' | 'warning';
  readonly direction: 'out' | 'in' | 'both';
  readonly protocol?: Protocol;
  /** The rung, or `policy`, `delivery`. */
  readonly step: string;
  readonly seen: string;
  readonly expected: string;
  readonly cause: string;
  readonly us: string;
  /** Ready to be sent; absent when there is nothing for the partner to do. */
  readonly them?: string;
}

/** Everything that was looked at. */
export interface Looked {
  readonly domain: string;
  readonly probe: Probe;
  readonly ladders: readonly Ladder[];
  readonly inbound: readonly Inbound[];
  readonly delivery?: TestDelivery;
  /** Wall ms. */
  readonly at: number;
  /** Asked for by name, so that its faults count whether it is spoken or not. */
  readonly only?: Protocol;
}

/** A day: who came in within it comes in. */
const COMES_IN_MS = 86_400_000;

/** The findings, the one to begin with first. */
export function findingsOf(looked: Looked): readonly Finding[] {
  const { ladders, probe, only } = looked;
  const counted = ladders.filter(({ protocol }) => probe.spoken.includes(protocol) || protocol === only);
  const out = counted.flatMap((ladder) => outward(looked, ladder));
  const within = looked.inbound.flatMap((one) => inward(looked, one));
  const delivered = deliveryFinding(looked);
  const all = [...out, ...within, ...policyFindings(looked), ...delivered, ...oneWay(looked, within)];
  const ordered = [...all.filter((one) => one.level === 'fault'), ...all.filter((one) => one.level === 'warning')];
  // The same fault of two targets, or seen twice, is one finding.
  const same = (a: Finding, b: Finding): boolean => a.code === b.code && a.protocol === b.protocol && a.direction === b.direction;
  return ordered.filter((one, index) => ordered.findIndex((other) => same(one, other)) === index);
}

/** Is the partner reached over some protocol that is spoken with it? */
export function reached({ ladders, probe }: Pick<Looked, 'ladders' | 'probe'>): readonly Protocol[] {
  return ladders.filter((ladder) => ladder.top && probe.spoken.includes(ladder.protocol)).map((ladder) => ladder.protocol);
}

function outward(looked: Looked, ladder: Ladder): Finding[] {
  const { protocol, fell } = ladder;
  const findings = ladder.warnings.map((why) => finding(looked, { why, level: 'warning', direction: 'out', protocol, step: 'dns' }));
  if (fell === undefined) return findings;
  const code = codeOf(fell.reason);
  // A domain that offers one protocol only is no fault while that one works.
  const notOffered = code === 'DNS_SRV_NONE' || code === 'DNS_SRV_NOT_OFFERED';
  if (notOffered && reached(looked).length > 0) return findings;
  const target = fell.target === undefined ? looked.domain : hostPort(fell.target);
  return [finding(looked, { why: fell.reason, level: 'fault', direction: 'out', protocol, step: fell.rung, target }), ...findings];
}

function inward(looked: Looked, { protocol, rungs }: Inbound): Finding[] {
  return rungs.flatMap((rung) => {
    if (rung.reason === undefined) return [];
    const level = rung.name === 'records' || rung.name === 'limits' ? 'warning' : 'fault';
    const { at, target } = rung;
    return [
      finding(looked, {
        why: rung.reason,
        level,
        direction: 'in',
        protocol,
        step: rung.name,
        ...(at !== undefined && { at }),
        ...(target !== undefined && { target }),
      }),
    ];
  });
}

function policyFindings(looked: Looked): Finding[] {
  const { policy } = looked.probe;
  const [first] = policy;
  const about = (word: PolicyWord, level: Finding['level']): Finding => {
    const place = placeOf(word);
    const why = reason(word.code ?? 'POLICY_RULE', `${word.because}${place === '' ? '' : ` (${place})`}`);
    const us = place === '' ? {} : { us: `If that is not meant, change ${place}; isthmus plan shows what else would change.` };
    return { ...finding(looked, { why, level, direction: 'both', step: 'policy' }), ...us };
  };
  const nothing = policy.every((word) => !word.allowed) || looked.probe.spoken.length === 0;
  if (first !== undefined && nothing) return [about(first, 'fault')];
  const paused = policy.find((word) => word.code === 'PARTNER_PAUSED');
  return paused === undefined ? [] : [about(paused, 'warning')];
}

/** The place that decided: `routes/policy.yaml:12 /rules/0/messages`. */
export function placeOf({ file, line, key }: PolicyWord): string {
  if (file === undefined) return '';
  return `${file}${line === undefined ? '' : `:${line}`}${key === undefined || key === '' ? '' : ` ${key}`}`;
}

function deliveryFinding(looked: Looked): Finding[] {
  const why = looked.delivery?.reason;
  return why === undefined ? [] : [finding(looked, { why, level: 'fault', direction: 'out', step: 'delivery' })];
}

function oneWay(looked: Looked, within: readonly Finding[]): Finding[] {
  return looked.inbound.flatMap(({ protocol, lastGood }) => {
    const ladder = looked.ladders.find((one) => one.protocol === protocol);
    if (ladder === undefined || !looked.probe.spoken.includes(protocol)) return [];
    const closed = within.some((one) => one.protocol === protocol && (one.step === 'refused' || one.step === 'road back'));
    const word = WORD[protocol];
    if (ladder.top && closed) {
      const why = reason('NET_CLOSED', `over ${word} we reach ${looked.domain}, and they do not get in to us`, {
        finer: 'ONE_WAY_OUT_ONLY',
      });
      return [finding(looked, { why, level: 'fault', direction: 'both', protocol, step: 'both ways' })];
    }
    if (!ladder.top && !closed && lastGood !== undefined && looked.at - lastGood < COMES_IN_MS) {
      const why = reason('NET_CLOSED', `over ${word} ${looked.domain} comes in to us, and we do not reach them`, {
        finer: 'ONE_WAY_IN_ONLY',
      });
      return [finding(looked, { why, level: 'fault', direction: 'both', protocol, step: 'both ways' })];
    }
    return [];
  });
}

interface About extends Pick<Finding, 'level' | 'direction' | 'step'> {
  readonly why: Reason;
  readonly protocol?: Protocol;
  readonly target?: string;
  /** When it was seen; default: now. */
  readonly at?: number;
}

function finding(looked: Looked, { why, level, direction, protocol, step, target, at }: About): Finding {
  const { domain, probe } = looked;
  const code = codeOf(why);
  const { expected, cause, us } = diagnosis(code);
  const facts = {
    theirDomain: domain,
    ourDomain: probe.ourDomain,
    ourHost: probe.ourHost,
    protocol: protocol ?? probe.spoken[0] ?? 'xmpp',
    target: target ?? domain,
  };
  const them =
    step === 'policy' ? undefined : sentenceFor(why, facts, at ?? looked.at, step === 'refused' || step === 'limits' ? 'in' : 'out');
  return {
    code,
    level,
    direction,
    ...(protocol !== undefined && { protocol }),
    step,
    seen: why.text,
    expected,
    cause,
    us,
    ...(them !== undefined && { them }),
  };
}
