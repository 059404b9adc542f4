// A verb as a command of the command line: positionals and options become its input, checked by its schema; what only the
// process can do is asked of it; what changes something is written to the audit log.

import { join } from 'node:path';
import type * as z from 'zod';
import { placesOf } from '../config/places.ts';
import { StoreError } from '../model/outbox-store.ts';
import { auditedInput } from './audit/redact.ts';
import { type Call, type Command, type ExitCode, HOME_OPTION, JSON_OPTION, type OptionSpec, type Terminal } from './command.ts';
import { findHome, noHome } from './home-search.ts';
import type { Operations } from './operations.ts';
import { databaseAdvice, refusedByFiles } from './refused-files.ts';
import type { Report, Verb } from './verb.ts';
import { printable } from './words.ts';

/** Makes what a verb works with, for one call on the command line. `close` lets go of whatever was opened. */
export type OpenOperations = (dir: string, terminal: Terminal) => Operations & { close(): void };

/** The command of a verb. */
export function verbCommand(verb: Verb, open: OpenOperations): Command {
  return {
    words: verb.words,
    summary: verb.summary,
    positionals: verb.positionals.map(shownPositional),
    options: { ...verb.options, ...reasonOption(verb), home: HOME_OPTION, json: JSON_OPTION },
    details: verb.details,
    example: verb.example,
    run: (call, terminal) => runVerb(verb, call, terminal, open),
  };
}

async function runVerb(verb: Verb, call: Call, terminal: Terminal, open: OpenOperations): Promise<ExitCode> {
  const { values } = call;
  const found = findHome(typeof values.home === 'string' ? values.home : undefined, terminal);
  const json = values.json === true;
  const refuse = (error: string, text: string, facts: object): ExitCode => {
    if (json) terminal.out(JSON.stringify({ error, text, ...facts }, null, 2));
    else terminal.err(text);
    return 2;
  };
  if ('looked' in found) return refuse('noHome', noHome(found.looked, verb.words), { looked: found.looked });
  const given = inputOf(verb, call);
  const parsed = verb.input.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => usageIssue(verb, issue));
    const lines = [...faults.map((fault) => `isthmus ${verb.words}: ${fault}`), `  isthmus ${verb.words} --help says more`];
    return refuse('input', lines.join('\n'), { faults });
  }
  const operations = open(found.dir, terminal);
  try {
    const report = await perform(verb, operations, parsed.data, given, typeof values.why === 'string' ? values.why : undefined);
    if (json) terminal.out(JSON.stringify(report.json, null, 2));
    else if (report.text !== '') (report.exit === 2 || report.exit === 3 ? terminal.err : terminal.out)(printable(report.text));
    return report.exit;
  } catch (error) {
    const files = refusedByFiles(error);
    if (files !== undefined) return refuse('files', `isthmus ${verb.words}: ${files}`, {});
    if (!(error instanceof StoreError)) throw error;
    const { code, text } = error.reason;
    const start = `isthmus start --home ${found.dir} makes it`;
    const advice = databaseAdvice(join(placesOf(found.dir).data, 'isthmus.db'), start);
    if (json) terminal.out(JSON.stringify({ error: advice === start ? 'noDatabase' : code, text }, null, 2));
    else terminal.err(`isthmus ${verb.words}: ${text}${advice === undefined ? '' : `\n  ${advice}`}`);
    return advice === start ? 3 : 2;
  } finally {
    operations.close();
  }
}

/** Does a verb where it belongs and writes its audit line. Used by the command line and, inside the process, by the API. */
export async function perform(
  verb: Verb,
  operations: Operations,
  input: z.output<z.ZodObject>,
  given: Readonly<Record<string, unknown>>,
  why?: string,
): Promise<Report> {
  if (verb.where !== 'here' && operations.live === undefined) {
    const report = await operations.ask(verb.words, { ...given, ...(why !== undefined && { why }) });
    if (report !== undefined) return report;
    if (verb.where === 'process') return notRunning(verb, operations.dir);
  }
  const report = worded(await verb.run(why === undefined ? operations : { ...operations, why }, input));
  if (verb.audited && report.recorded !== true) {
    const entry = {
      at: operations.clock.now(),
      actor: operations.actor,
      act: verb.words,
      input: auditedInput(verb, given),
      exit: report.exit,
      ...(report.changes !== undefined && { changes: report.changes }),
      ...(why !== undefined && { why }),
    };
    try {
      await operations.audit().append(entry);
    } catch (error) {
      if (!(error instanceof StoreError) || report.changes === undefined) throw error;
      // It is done: to say only that something failed would have it done twice, and nobody would know.
      const text = `${report.text}\n\nThis is done, and is not in the audit log: ${error.reason.text}. Note elsewhere who did it and why.`;
      return { ...report, text, exit: 1 };
    }
  }
  return report;
}

/** A program that was refused reads a code and a sentence, whatever else the verb says. */
function worded(report: Report): Report {
  const { exit, json, text } = report;
  if ((exit !== 2 && exit !== 3) || typeof json !== 'object' || json === null || Array.isArray(json)) return report;
  return { ...report, json: { error: 'refused', text, ...json } };
}

function notRunning(verb: Verb, dir: string): Report {
  const text = `isthmus ${verb.words}: nothing runs with the home ${dir}\n  isthmus start --home ${dir} starts it`;
  return { text, json: { error: 'notRunning', text, home: dir }, exit: 3 };
}

/** Positionals and options under the names of the schema. */
function inputOf(verb: Verb, { values, positionals }: Call): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  verb.positionals.forEach((name, index) => {
    const key = name.replaceAll(/[[\].]/g, '');
    if (name.includes('...')) input[key] = positionals.slice(index);
    else if (positionals[index] !== undefined) input[key] = positionals[index];
  });
  for (const option of Object.keys(verb.options)) if (values[option] !== undefined) input[camelCase(option)] = values[option];
  return input;
}

/** An option's name on the command line as the key of the input. */
export const camelCase = (option: string): string => option.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

function shownPositional(name: string): string {
  return name.replace(/[A-Za-z]+/, (key) => key.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toUpperCase());
}

function usageIssue(verb: Verb, issue: z.core.$ZodIssue): string {
  const key = String(issue.path[0] ?? '');
  const right = rightWords(issue);
  if (key === '') return right;
  const option = Object.keys(verb.options).find((name) => camelCase(name) === key);
  return `${option === undefined ? shownPositional(key) : `--${option}`}: ${right}`;
}

/** Where the schema says nothing itself, zod's own words are for programmers. */
function rightWords(issue: z.core.$ZodIssue): string {
  if (!issue.message.startsWith('Invalid ')) return issue.message;
  if (issue.code === 'invalid_value') return `right would be ${issue.values.map(String).join(' or ')}`;
  if (issue.code === 'invalid_type')
    return `right would be ${issue.expected === 'number' || issue.expected === 'int' ? 'a number' : `a ${issue.expected}`}`;
  return issue.message;
}

function reasonOption(verb: Verb): Readonly<Record<string, OptionSpec>> {
  return verb.audited ? { why: { type: 'string', value: 'TEXT', says: 'the reason, for the audit log' } } : {};
}
