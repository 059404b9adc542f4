// Any text at all, for fast-check.

import fc from 'fast-check';

/** Any code point, halves of a pair left out. */
const POINT = fc
  .oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((point) => String.fromCodePoint(point));

/**
 * What `fc.string({ unit: 'binary' })` gives, which first makes a table of the million of them, each time.
 * @param maxLength in code points
 */
export function anyText(maxLength?: number): fc.Arbitrary<string> {
  return fc.array(POINT, maxLength === undefined ? {} : { maxLength }).map((points) => points.join(''));
}
