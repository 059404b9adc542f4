// A trace as lines: a ladder for people, JSON for programs, pcapng (as base64) for Wireshark.

import type { TracedMessage } from '../../model/trace.ts';
import { oneLine } from '../words.ts';
import { PcapngWriter } from './pcapng.ts';

export const FORMATS = ['ladder', 'json', 'pcapng'] as const;
export type TraceFormat = (typeof FORMATS)[number];

/** Makes the lines of one message; `head` are those before the first. */
export interface LineMaker {
  readonly head: readonly string[];
  lines(message: TracedMessage): readonly string[];
}

/** Octets of a body that a ladder shows with --bodies. */
const SHOWN = 4000;

export function lineMaker(format: TraceFormat, bodies: boolean): LineMaker {
  if (format === 'json') return { head: [], lines: (message) => [JSON.stringify(messageJson(message))] };
  if (format === 'pcapng') {
    const writer = new PcapngWriter();
    return { head: [writer.head().toString('base64')], lines: (message) => [writer.message(message).toString('base64')] };
  }
  return ladder(bodies);
}

function messageJson({ at, bytes, ...message }: TracedMessage): object {
  return { at: new Date(at).toISOString(), ...message, text: Buffer.from(bytes).toString('utf8') };
}

/** Time, what passed since the line before, who to whom, on which connection, what. */
function ladder(bodies: boolean): LineMaker {
  let last: number | undefined;
  const known = new Set<string>();
  return {
    head: [],
    lines({ at, connection, protocol, direction, address, port, openedBy, summary, bytes }) {
      const lines: string[] = [];
      if (!known.has(connection)) {
        known.add(connection);
        const where = `${address.includes(':') ? `[${address}]` : address}:${port}`;
        lines.push(
          `${' '.repeat(22)}-- ${connection}: ${protocol.toUpperCase()}, ${openedBy === 'in' ? `opened by them, from ${where}` : `opened by us, to ${where}`}`,
        );
      }
      const delta = last === undefined ? '' : `+${((at - last) / 1000).toFixed(3)}`;
      last = at;
      const arrow = direction === 'in' ? 'us <-- them' : 'us --> them';
      lines.push(
        `${new Date(at).toISOString().slice(11, 23)} ${delta.padStart(9)}  ${arrow}  ${connection.slice(0, 8)}  ${oneLine(summary)}`,
      );
      if (bodies) {
        const text = Buffer.from(bytes.subarray(0, SHOWN)).toString('utf8').trimEnd();
        for (const line of text.split(/\r?\n/)) lines.push(`${' '.repeat(26)}| ${oneLine(line)}`);
        if (bytes.length > SHOWN) lines.push(`${' '.repeat(26)}| ... ${bytes.length - SHOWN} octets more`);
      }
      return lines;
    },
  };
}
