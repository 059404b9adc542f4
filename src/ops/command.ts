// What a command of the command line is: its words, its options with one line each, an example, and what it does.
// Parsing is util.parseArgs; a near miss is answered with the nearest valid spelling. Works without a terminal: no
// colours, no questions, results on stdout, complaints on stderr.

import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from '../config/spelling.ts';
import { WIDTH, wrapped } from './words.ts';

/** 0 good, 1 a finding, 2 usage or configuration, 3 not running (DESIGN 11). */
export type ExitCode = 0 | 1 | 2 | 3;

/** Where a command speaks and what surrounds it; tests hand in their own. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  /** What stands for the value in the help: DIR, DOMAIN. */
  readonly value?: string;
  /** May be given more than once; the values are a list. */
  readonly multiple?: true;
  readonly says: string;
}

export interface Call {
  readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly positionals: readonly string[];
}

export interface Command {
  /** As typed after `isthmus`: `check`, `partner test`. */
  readonly words: string;
  readonly summary: string;
  /** Names of what is typed after the words; `[X]` may be left out. */
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Further lines of the help. */
  readonly details: string;
  /** One command line that works. */
  readonly example: string;
  run(call: Call, terminal: Terminal): Promise<ExitCode>;
}

const HELP: OptionSpec = { type: 'boolean', says: 'this text' };
export const HOME_OPTION: OptionSpec = {
  type: 'string',
  value: 'DIR',
  says: 'the home folder; default: $ISTHMUS_HOME, ., ./isthmus, /etc/isthmus',
};
export const JSON_OPTION: OptionSpec = { type: 'boolean', says: 'JSON on stdout, for programs' };

/** Parses `args` for one command and runs it; usage faults answer 2. */
export async function runCommand(command: Command, args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const specs: Readonly<Record<string, OptionSpec>> = { ...command.options, help: HELP };
  const parsed = parse(args, specs);
  const json = specs.json !== undefined && args.includes('--json');
  if (typeof parsed === 'string') return usageFault(command, parsed, json, terminal);
  if (parsed.values.help === true) {
    terminal.out(helpOf(command));
    return 0;
  }
  const needed = command.positionals.filter((name) => !name.startsWith('[')).length;
  if (parsed.positionals.length < needed)
    return usageFault(command, `${command.positionals[parsed.positionals.length]} is missing`, json, terminal);
  const takesRest = command.positionals.at(-1)?.includes('...') === true;
  if (!takesRest && parsed.positionals.length > command.positionals.length) {
    return usageFault(command, `"${parsed.positionals[command.positionals.length]}" is one word too many`, json, terminal);
  }
  return command.run(parsed, terminal);
}

/** @returns a sentence when the arguments do not fit */
function parse(args: readonly string[], specs: Readonly<Record<string, OptionSpec>>): Call | string {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, spec] of Object.entries(specs)) {
    options[name] = { type: spec.type, ...(spec.multiple && { multiple: true }), ...(name === 'help' && { short: 'h' }) };
  }
  for (const arg of args) {
    if (arg === '--') break;
    const name = /^--([^=]+)/.exec(arg)?.[1];
    if (name === undefined || Object.hasOwn(specs, name)) continue;
    const meant = nearest(name, Object.keys(specs));
    return `unknown option "--${name.slice(0, 60)}".${meant === undefined ? '' : ` Did you mean "--${meant}"?`}`;
  }
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    const given: Record<string, string | boolean | readonly string[] | undefined> = {};
    for (const [name, value] of Object.entries(values)) given[name] = Array.isArray(value) ? value.map(String) : value;
    return { values: given, positionals };
  } catch (error) {
    return misused(error, specs);
  }
}

/** What parseArgs objects to, in the words of the rest. */
function misused(error: unknown, specs: Readonly<Record<string, OptionSpec>>): string {
  if (!(error instanceof Error)) return String(error);
  const said = error.message.split('\n')[0]!.split('. ')[0]!;
  const name = /'(?:-\w, )?--([\w-]+)/.exec(said)?.[1];
  const spec = name === undefined ? undefined : specs[name];
  if (spec === undefined) return said.replace(/^Unknown option '([^']*)'/, 'unknown option "$1"');
  if (spec.type === 'boolean') return `--${name} takes no value`;
  return said.includes('ambiguous')
    ? `--${name} needs a value: ${spec.value}; one that begins with a hyphen is written --${name}=-...`
    : `--${name} needs a value: ${spec.value}`;
}

function usageFault(command: Command, sentence: string, json: boolean, terminal: Terminal): ExitCode {
  if (json) terminal.out(JSON.stringify({ error: 'usage', text: `isthmus ${command.words}: ${sentence}` }, null, 2));
  else {
    const whole = usageOf(command).join(' ');
    const usage = whole.length + 9 <= WIDTH ? whole : ['isthmus', command.words, ...command.positionals, '[OPTIONS]'].join(' ');
    terminal.err(`isthmus ${command.words}: ${sentence}\n  usage: ${usage}\n  isthmus ${command.words} --help says more`);
  }
  return 2;
}

/** The words of the usage line, an option with its value as one. */
function usageOf(command: Command): string[] {
  const options = Object.entries(command.options).map(([name, spec]) => `[--${name}${spec.value === undefined ? '' : ` ${spec.value}`}]`);
  return ['isthmus', command.words, ...command.positionals, ...options];
}

function helpOf(command: Command): string {
  const rows = Object.entries({ ...command.options, help: HELP }).map(([name, spec]): [string, string] => [
    `--${name}${spec.value === undefined ? '' : ` ${spec.value}`}`,
    spec.says,
  ]);
  const width = Math.max(...rows.map(([left]) => left.length));
  const details = command.details
    .split('\n')
    .reduce((text, line) => `${text}${/[.:]$/.test(text) || line.startsWith(' ') ? '\n' : ' '}${line}`);
  return [
    ...wrapped(`isthmus ${command.words}: ${command.summary}`.split(' '), 0, 2),
    '',
    ...wrapped(usageOf(command), 2, 6),
    '',
    ...rows.flatMap(([left, right]) => wrapped([left.padEnd(width + 1), ...right.split(' ')], 2, width + 4)),
    '',
    ...details.split('\n').flatMap((line) => (line.startsWith(' ') ? [line] : wrapped(line.split(' '), 0, 0))),
    '',
    'example',
    `  ${command.example}`,
    '',
    'exit status: 0 good, 1 a finding, 2 usage or configuration, 3 not running',
  ].join('\n');
}
