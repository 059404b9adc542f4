// "Did you mean": the nearest valid spelling, by optimal string alignment (Damerau-Levenshtein with adjacent swaps).
// Used for keys, values, file names and commands.

const LONGEST_COMPARED = 64;

/**
 * The candidate nearest to `word`, if it is near enough to be what was meant (a third of the letters, at least one).
 * Ties go to the earlier candidate.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word === '' || word.length > LONGEST_COMPARED) return undefined;
  const lower = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (candidate.length > LONGEST_COMPARED || candidate === word) continue;
    const allowed = Math.max(1, Math.floor(Math.min(word.length, candidate.length) / 3));
    const found = distance(lower, candidate.toLowerCase());
    if (found <= allowed && found < bestDistance) {
      best = candidate;
      bestDistance = found;
    }
  }
  return best;
}

/** Edits from `a` to `b`: insert, delete, replace, or swap two neighbours. */
export function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1));
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, beforeLast[column - 2]! + 1);
      }
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}
