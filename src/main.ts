// The parts list of the command line: each command, and which room does it. Files are read when a command is used.

import packageJson from '../package.json' with { type: 'json' };
import type { Judge } from './config/policy-tests.ts';
import type { Terminal } from './ops/command.ts';
import { type CommandRow, dispatch } from './ops/dispatch.ts';
import { VERBS, type VerbRow } from './ops/verb-table.ts';

const COMMANDS: readonly CommandRow[] = [
  { words: 'init', summary: 'writes a new home, with comments in every file', load: async () => (await import('./ops/init.ts')).init },
  {
    words: 'check',
    summary: 'reads the home and reports every fault at once',
    load: async () => (await import('./ops/check.ts')).checkCommand(await judge()),
  },
  {
    words: 'start',
    summary: 'runs the edge with a home',
    load: async () => {
      const { startCommand } = await import('./ops/start.ts');
      return startCommand({
        judge: await judge(),
        run: async (ready, terminal) => (await import('./assembly/run.ts')).run(ready, terminal),
        developmentHome: async (terminal) => (await import('./assembly/demo/development-home.ts')).developmentHome(terminal),
      });
    },
  },
  {
    words: 'demo',
    summary: 'shows presence and messages crossing, here and now',
    load: async () => (await import('./ops/demo.ts')).demoCommand((await import('./assembly/demo/demo.ts')).demo),
  },
  {
    words: 'restore',
    summary: 'looks into a backup, or makes a home of it',
    load: async () => {
      const [{ restoreCommand }, { restoreParts }] = await Promise.all([
        import('./ops/backup/restore.ts'),
        import('./assembly/restore.ts'),
      ]);
      return restoreCommand(restoreParts(await judge()));
    },
  },
  ...VERBS.map((row): CommandRow => ({ words: row.words, summary: row.summary, load: () => commandOf(row) })),
];

/** A verb of the table as a command. */
async function commandOf(row: VerbRow) {
  const [verb, { verbCommand }, { commandLineOperations }, judgement] = await Promise.all([
    row.load(),
    import('./ops/verb-command.ts'),
    import('./assembly/operations.ts'),
    judge(),
  ]);
  return verbCommand(verb, (dir, terminal) => commandLineOperations(dir, terminal, judgement));
}

/** What policy decides about the `tests:` of a home: the same decide() that judges real traffic. */
async function judge(): Promise<Judge> {
  const { judgeTest } = await import('./routing/policy-test.ts');
  return (table, test) => judgeTest(table, test, Date.now());
}

const terminal: Terminal = {
  out: (text) => process.stdout.write(`${text}\n`),
  err: (text) => process.stderr.write(`${text}\n`),
  env: process.env,
  cwd: process.cwd(),
};

// A reader that stops early (isthmus check | head) is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
process.exitCode = await dispatch(COMMANDS, process.argv.slice(2), packageJson.version, terminal);
