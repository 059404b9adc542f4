// The catalogue of diagnoses: for each code what would be right, the cause in plain words, the next step for us, and what to ask
// of the partner's administrator. `partner test` shows them, docs/diagnoses.md lists them. Codes that are finer than a
// ReasonCode stand in model/diagnosis.ts, the rows in diagnosis-table.ts.

import { ERRORS } from '../errors.ts';
import type { Reason, ReasonCode } from '../model/reason.ts';
import { utcMinute } from '../model/utc.ts';
import { COARSE, type Diagnosis, type DiagnosisCode, type Facts, FINER, row, WORD } from './diagnosis-table.ts';

export { type DiagnosisCode, WORD };

/** The stable code of a reason: the finer one where somebody knew it. */
export function codeOf(why: Reason): DiagnosisCode {
  return why.finer ?? why.code;
}

/** Every code that has a row of its own, finer ones first. */
const DIAGNOSES: Readonly<Partial<Record<DiagnosisCode, Diagnosis>>> = { ...FINER, ...COARSE };

/** The row of a code. */
export function diagnosis(code: DiagnosisCode): Diagnosis {
  const known = DIAGNOSES[code];
  if (known !== undefined) return known;
  const { meaning, advice } = ERRORS[code as ReasonCode]; // every FinerCode has a row above
  return row('', meaning, advice);
}

/**
 * What to send to the partner's administrator, ready to be pasted: when, from whom, to where, what was seen, what is asked.
 * @param at wall ms
 * @returns undefined when there is nothing for the partner to do
 */
export function sentenceFor(why: Reason, facts: Facts, at: number, direction: 'in' | 'out'): string | undefined {
  const ask = diagnosis(codeOf(why)).them;
  if (ask === undefined) return undefined;
  const { theirDomain, ourDomain, ourHost, protocol, target } = facts;
  const road =
    direction === 'out'
      ? `our server ${ourHost} (for ${ourDomain}) tried to reach ${theirDomain} over ${WORD[protocol]}${target === theirDomain ? '' : ` at ${target}`}`
      : `your server (for ${theirDomain}) tried to reach ours, ${ourHost} (for ${ourDomain}), over ${WORD[protocol]}${target === theirDomain ? '' : ` from ${target}`}`;
  return `At ${utcMinute(at)} ${road}. We saw: ${ended(toThem(why.text))} ${ask(facts)}`;
}

/** Our reasons speak of "the peer"; to the peer that is "you". */
function toThem(text: string): string {
  return text
    .replaceAll("The peer's", 'Your')
    .replaceAll("the peer's", 'your')
    .replaceAll('The peer ', 'Your server ')
    .replaceAll('the peer ', 'your server ');
}

function ended(sentence: string): string {
  // A sentence that begins with the name of a host keeps its spelling.
  const host = /^\S*[.:]\S/.test(sentence);
  const whole = host ? sentence : `${sentence.slice(0, 1).toUpperCase()}${sentence.slice(1)}`;
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
