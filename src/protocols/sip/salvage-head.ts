// What can still be read of a refused head, so that a response can name the request (RFC 3261 §8.2.6). Only whole lines
// without a control character are kept, each ended properly: nothing that was refused can come back through an answer.

/**
 * The start line and the clean header lines of `bytes`, or undefined when not even the start line is clean.
 * @param maxLines header lines kept at most
 */
export function salvageHead(bytes: Buffer, maxLines: number): Buffer | undefined {
  const lines: string[] = [];
  const text = bytes.toString('latin1', 0, bytes.length);
  let start = 0;
  let dropFolds = false;
  while (start < text.length && lines.length <= maxLines) {
    const end = text.indexOf('\n', start);
    if (end === -1) break;
    const line = text.slice(start, text[end - 1] === '\r' ? end - 1 : end);
    start = end + 1;
    if (line === '') {
      if (lines.length === 0) continue;
      break;
    }
    const folded = line[0] === ' ' || line[0] === '\t';
    const clean: boolean = !/[\x00-\x08\x0a-\x1f\x7f]/.test(line) && !(folded && (dropFolds || lines.length < 2));
    if (!clean && lines.length === 0) return undefined;
    if (clean) lines.push(line);
    dropFolds = !clean;
  }
  return lines.length === 0 ? undefined : Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1');
}
