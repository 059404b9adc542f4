// The dialback side of a stream of ours (XEP-0220): sends the key, or the one question, and takes only the answer that
// matches what was asked - the pair, and for a question the stream id too.

import { askResult, askVerify, dialbackKey, readDialback, type Verdict } from './dialback.ts';
import type { Element } from './element.ts';
import type { KeyQuestion } from './wire.ts';

export interface AskedPair {
  readonly ourDomain: string;
  readonly theirDomain: string;
  readonly question?: KeyQuestion;
}
export type Answer =
  | { readonly about: 'key'; readonly valid: boolean; readonly text: string }
  | { readonly about: 'question'; readonly verdict: Verdict }
  /** Nobody asked for this. */
  | undefined;

/** `<db:result/>` with the key for a stream that they gave this id. */
export function keyFor(pair: AskedPair, streamId: string, secret: string): Element {
  const { ourDomain, theirDomain } = pair;
  return askResult(ourDomain, theirDomain, dialbackKey(secret, { receiving: theirDomain, originating: ourDomain, streamId }));
}

/** `<db:verify/>` for the question of this stream. */
export function questionOf({ ourDomain, theirDomain, streamId, key }: KeyQuestion): Element {
  return askVerify(ourDomain, theirDomain, streamId, key);
}

/** Reads an answer. @param waitsFor what the stream waits for now */
export function readAnswer(received: Element, pair: AskedPair, waitsFor: 'key' | 'question' | 'neither'): Answer {
  const answer = readDialback(received);
  if (answer === undefined || answer.from !== pair.theirDomain || answer.to !== pair.ourDomain) return undefined;
  if (answer.kind === 'resultAnswered' && waitsFor === 'key') {
    return { about: 'key', valid: answer.verdict.is === 'valid', text: answer.text };
  }
  if (answer.kind === 'verifyAnswered' && waitsFor === 'question' && answer.id === pair.question?.streamId) {
    return { about: 'question', verdict: answer.verdict };
  }
  return undefined;
}
