// isthmus start: checks the home and hands it to the assembly, or says everything that is wrong with it.

import { showFinding } from '../config/finding.ts';
import type { Home } from '../config/home.ts';
import { type Loaded, loadHome } from '../config/load.ts';
import type { Judge } from '../config/policy-tests.ts';
import type { Table } from '../model/table.ts';
import { type Command, type ExitCode, HOME_OPTION, type Terminal } from './command.ts';
import { findHome, noHome } from './home-search.ts';
import { loadAccepted } from './rules/load-accepted.ts';

/** A good set, ready to run. */
export interface Ready {
  readonly home: Home;
  readonly table: Table;
  /** Reads the same folder again; the caller compares and swaps. @param generation number of the set */
  readonly reload: (generation: number) => Loaded;
  /** The operator has said that whoever ran this home, or a copy of it, before is stopped. */
  readonly takeover?: boolean;
  /** Files that differ from the accepted set that this is. */
  readonly differing?: readonly string[];
}

export interface StartParts {
  readonly judge: Judge;
  /** Opens everything and runs until it is told to stop; then drains. */
  readonly run: (ready: Ready, terminal: Terminal) => Promise<ExitCode>;
  /** Makes or finds the development home, says what it made, and returns its folder. */
  readonly developmentHome: (terminal: Terminal) => Promise<string>;
}

export function startCommand(parts: StartParts): Command {
  return {
    words: 'start',
    summary: 'runs the edge with a home',
    positionals: [],
    options: {
      home: HOME_OPTION,
      dev: { type: 'boolean', says: 'make a development home here and use it' },
      takeover: { type: 'boolean', says: 'run a restored home, or one that another machine ran: the one before is stopped and stays so' },
    },
    details: [
      'The home is checked first; with any fault nothing is started and all of them are shown (exit 2).',
      'With reload: onApply it runs the set that was accepted last (isthmus apply) and says when the files differ from it.',
      'Runs in the foreground and logs JSON lines to stdout. SIGTERM and Ctrl-C drain and stop, a second one stops at once.',
    ].join('\n'),
    example: 'isthmus start --home /etc/isthmus',
    async run({ values }, terminal) {
      const dev = values.dev === true;
      if (dev && typeof values.home === 'string') {
        terminal.err('isthmus start: --dev makes its own home; leave out --home, or leave out --dev');
        return 2;
      }
      const found = findHome(
        dev ? await parts.developmentHome(terminal) : typeof values.home === 'string' ? values.home : undefined,
        terminal,
      );
      if ('looked' in found) {
        terminal.err(noHome(found.looked, 'start'));
        return 2;
      }
      const { dir } = found;
      const { loaded, said, differing } = loadAccepted(dir, parts.judge);
      for (const finding of [...loaded.faults, ...loaded.notices]) terminal.err(showFinding(finding));
      if (said !== undefined) terminal.err(`isthmus start: ${said}`);
      if (!loaded.ok) {
        terminal.err(
          `isthmus start: ${loaded.faults.length === 1 ? 'one fault' : `${loaded.faults.length} faults`} in ${dir}; nothing was started`,
        );
        return 2;
      }
      const reload = (generation: number) => loadHome(dir, { judge: parts.judge, generation });
      return parts.run(
        { home: loaded.home, table: loaded.table, reload, differing, ...(values.takeover === true && { takeover: true }) },
        terminal,
      );
    },
  };
}
