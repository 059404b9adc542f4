// From the words of a command line to the command: one table, longest words first; a near miss answers "did you mean".

import { nearest } from '../config/spelling.ts';
import { type Command, type ExitCode, runCommand, type Terminal } from './command.ts';

export interface CommandRow {
  readonly words: string;
  readonly summary: string;
  /** The file is read when the command is used, so that `--help` costs nothing. */
  readonly load: () => Promise<Command>;
}

/** Words of the operators' table (DESIGN 11) that this version does not know yet; named so that nobody searches for them. */
const LATER = 'archive hold room network'.split(' ').map((words) => words.replace('.', ' '));

/** Finds and runs what was typed after `isthmus`. */
export async function dispatch(
  table: readonly CommandRow[],
  args: readonly string[],
  version: string,
  terminal: Terminal,
): Promise<ExitCode> {
  const [first, second] = args;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    const row = first === 'help' && second !== undefined ? find(table, args.slice(1)) : undefined;
    if (row !== undefined) return runCommand(await row.load(), ['--help'], terminal);
    terminal.out(overview(table, version));
    return first === undefined ? 2 : 0;
  }
  if (first === '--version' || first === '-V' || first === 'version') {
    terminal.out(`isthmus ${version}, node ${process.version}`);
    return 0;
  }
  const row = find(table, args);
  if (row !== undefined) return runCommand(await row.load(), args.slice(row.words.split(' ').length), terminal);
  terminal.err(unknown(table, first, second));
  return 2;
}

function find(table: readonly CommandRow[], args: readonly string[]): CommandRow | undefined {
  const two = args.slice(0, 2).join(' ');
  return table.find((row) => row.words === two) ?? table.find((row) => row.words === args[0]);
}

function unknown(table: readonly CommandRow[], first: string, second: string | undefined): string {
  const words = table.map((row) => row.words);
  const typed = second === undefined || second.startsWith('-') ? first : `${first} ${second}`;
  const verbs = words.filter((known) => known.startsWith(`${first} `));
  const later = LATER.find((known) => known === typed || known === first);
  if (later !== undefined) return `isthmus ${later}: not part of this version yet. isthmus --help lists what is`;
  const firsts = new Set(words.map((known) => known.split(' ')[0]!));
  const meant = nearest(typed, words) ?? nearest(first, [...words, ...firsts]) ?? nearest(typed, LATER);
  const did = meant === undefined ? '' : ` Did you mean "isthmus ${meant}"?`;
  if (verbs.length > 0) {
    if (typed === first) return `isthmus ${first}: one word more is needed: ${verbs.join(', ')}`;
    return `isthmus: unknown command "${typed.slice(0, 80)}".${did === '' ? ` There is: ${verbs.join(', ')}` : did}`;
  }
  return `isthmus: unknown command "${first.slice(0, 80)}".${did} isthmus --help lists them`;
}

function overview(table: readonly CommandRow[], version: string): string {
  const width = Math.max(...table.map((row) => row.words.length));
  return [
    `isthmus ${version}: presence and messages between SIP and XMPP, at an organisation's border`,
    '',
    ...table.map((row) => `  isthmus ${row.words.padEnd(width)}  ${row.summary}`),
    '',
    'isthmus COMMAND --help shows its options and an example.',
    'See it work: isthmus demo. Begin with your own: isthmus init ./home --domain corp.example',
  ].join('\n');
}
