// From the words of a command line to the command: one table, longest words first; a near miss answers "did you mean".

import { nearest } from '../config/spelling.ts';
import { type Command, type ExitCode, runCommand, type Terminal } from './command.ts';
import { wrapped } from './words.ts';

export interface CommandRow {
  readonly words: string;
  readonly summary: string;
  /** The file is read when the command is used, so that `--help` costs nothing. */
  readonly load: () => Promise<Command>;
}

/** Words of the operators' table (DESIGN 11) that this version does not know yet; named so that nobody searches for them. */
const LATER = 'room network'.split(' ').map((words) => words.replace('.', ' '));

/** The order of the overview: the home, then things by noun and verb (DESIGN 11). A word that is not here comes last. */
const ORDER = 'init demo check plan apply undo start status top drain backup restore explain'.split(' ');
const NOUNS = 'partner domain cert request session queue audit user archive hold room network'.split(' ');
const VERBS = 'list show dns request add import renew change remove approve deny test trace block unblock pause resume'.split(' ');

/** Finds and runs what was typed after `isthmus`. */
export async function dispatch(
  table: readonly CommandRow[],
  args: readonly string[],
  version: string,
  terminal: Terminal,
): Promise<ExitCode> {
  const [first, second] = args;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    if (first === 'help' && second !== undefined && !second.startsWith('-'))
      return dispatch(table, [...args.slice(1), '--help'], version, terminal);
    terminal.out(overview(table, version));
    return first === undefined ? 2 : 0;
  }
  if (first === '--version' || first === '-V' || first === 'version') {
    terminal.out(`isthmus ${version}, node ${process.version}`);
    return 0;
  }
  const row = find(table, args);
  if (row !== undefined) return runCommand(await row.load(), args.slice(row.words.split(' ').length), terminal);
  const family = table.filter(({ words }) => words.startsWith(`${first} `));
  if (family.length > 0 && (second === '--help' || second === '-h')) {
    terminal.out([...rowsOf(family), '', `isthmus ${first} ... --help shows options and an example.`].join('\n'));
    return 0;
  }
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
  const later = LATER.find((known) => known === typed || known === first);
  if (later !== undefined) return `isthmus ${later}: not part of this version yet. isthmus --help lists what is`;
  const firsts = new Set(words.map((known) => known.split(' ')[0]!));
  const meant = nearest(typed, words) ?? nearest(first, [...words, ...firsts]) ?? nearest(typed, LATER);
  if (meant !== undefined && LATER.includes(meant))
    return `isthmus: unknown command "${typed.slice(0, 80)}". "isthmus ${meant}" is not part of this version yet`;
  const did = meant === undefined ? '' : ` Did you mean "isthmus ${meant}"?`;
  const family = table.filter((row) => row.words.startsWith(`${first} `));
  if (family.length > 0) {
    if (typed === first) return [`isthmus ${first}: one word more is needed:`, ...rowsOf(family)].join('\n');
    if (did === '') return [`isthmus: unknown command "${typed.slice(0, 80)}". There is:`, ...rowsOf(family)].join('\n');
    return `isthmus: unknown command "${typed.slice(0, 80)}".${did}`;
  }
  return `isthmus: unknown command "${typed.slice(0, 80)}".${did === '' ? ' isthmus --help lists all' : did}`;
}

function overview(table: readonly CommandRow[], version: string): string {
  const nouns = [...new Set(table.map(({ words }) => nounOf(words)))].sort((a, b) => place(NOUNS, a) - place(NOUNS, b));
  return [
    `isthmus ${version}: presence and messages between SIP and XMPP, at an organisation's border`,
    ...nouns.flatMap((noun) => [
      '',
      ...rowsOf(
        table.filter(({ words }) => nounOf(words) === noun),
        table,
      ),
    ]),
    '',
    'isthmus COMMAND --help shows its options and an example.',
    'See it work: isthmus demo. Begin with your own: isthmus init ./home --domain corp.example',
  ].join('\n');
}

/** `partner` of `partner block`; the commands of the home have none and come first. */
function nounOf(words: string): string {
  const [first = '', second] = words.split(' ');
  return second === undefined ? '' : first;
}

function place(order: readonly string[], word: string): number {
  if (word === '') return -1;
  const at = order.indexOf(word);
  return at < 0 ? order.length : at;
}

/** One line for each command. @param all the rows that the columns are made for */
function rowsOf(rows: readonly CommandRow[], all = rows): string[] {
  const width = Math.max(...all.map(({ words }) => words.length));
  const last = (words: string): string => words.split(' ').at(-1)!;
  return [...rows]
    .sort(
      (a, b) => place(nounOf(a.words) === '' ? ORDER : VERBS, last(a.words)) - place(nounOf(b.words) === '' ? ORDER : VERBS, last(b.words)),
    )
    .flatMap(({ words, summary }) => wrapped([`isthmus ${words.padEnd(width)} `, ...summary.split(' ')], 2, width + 12));
}
