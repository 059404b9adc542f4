// Headers that are lists of words: Allow, Require, Proxy-Require, Supported, Unsupported, Allow-Events. RFC 3261 §20.

import { isToken, splitLines } from './grammar.ts';

/** The words of all lines, as written. An empty value (`Supported:`) is an empty list; undefined when one is no token. */
export function parseTokens(lines: readonly string[], maxItems = 64): readonly string[] | undefined {
  const items = splitLines(
    lines.filter((line) => line.trim() !== ''),
    maxItems,
  );
  return items?.every(isToken) ? items : undefined;
}

/** Which option tags of Require are not in `known`. RFC 3261 §8.2.2.3: the answer is 420 with these in Unsupported. Tags have no case. */
export function unknownTags(tags: readonly string[], known: readonly string[]): readonly string[] {
  return tags.filter((tag) => !known.some((each) => each.toLowerCase() === tag.toLowerCase()));
}
