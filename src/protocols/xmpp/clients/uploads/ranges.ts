// Which part of a file a client wants (RFC 9110 §14): a video is looked at from the middle, a download goes on where it ended.

export interface Part {
  /** Both included. */
  readonly first: number;
  readonly last: number;
}

/**
 * @param written the header Range; undefined: there is none
 * @param size of the file, at least 1
 * @returns the part; `whole`: all of it, as for every range that is not understood (§14.2) or names several; `beyond`: nothing of it is there
 */
export function partOf(written: string | undefined, size: number): Part | 'whole' | 'beyond' {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(written?.replaceAll(' ', '') ?? '') ?? [];
  if (from === '' && to === '') return 'whole';
  if (from === '') {
    const count = Math.min(Number(to), size);
    return count === 0 ? 'beyond' : { first: size - count, last: size - 1 };
  }
  const first = Number(from);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== '' && Number(to) < first) return 'whole'; // §14.1.1: it is invalid
  return first >= size ? 'beyond' : { first, last };
}
