// A verb is one row for both faces of operation: the command line and the HTTP API. It says what it is called, what it
// takes, who may use it, where it runs, and does it. Help, parsing, routes, the OpenAPI document and the audit line follow
// from the row, so that a command and its API cannot drift apart (DESIGN 11).

import type * as z from 'zod';
import type { Role } from '../model/audit.ts';
import type { OptionSpec } from './command.ts';
import type { Operations } from './operations.ts';

/** What a command prints, what an API answers, and how it ends (DESIGN 11: 0 good, 1 finding, 2 usage or configuration, 3 not running). */
export interface Report {
  readonly text: string;
  readonly json: unknown;
  readonly exit: 0 | 1 | 2 | 3;
  /** For the audit line: a unified diff, or one line of what changed. Absent: nothing changed. */
  readonly changes?: string;
  /** The running process has done it and written the audit line. */
  readonly recorded?: true;
  /** The HTTP status; default 200 for exit 0 and 1, 422 for 2, 503 for 3. 404: there is no such thing. */
  readonly status?: 200 | 202 | 400 | 403 | 404 | 409 | 422 | 503;
}

export interface Verb<Input extends z.ZodObject = z.ZodObject> {
  /** As typed after `isthmus`: `partner block`. */
  readonly words: string;
  readonly summary: string;
  /** Keys of `input` that are typed without a name, in order; `[key]` may be left out, `key...` takes the rest as a list. */
  readonly positionals: readonly string[];
  /** The other keys of `input` as options, by their name on the command line (`unused` or `dry-run`: input key `dryRun`). */
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Further lines of the help. */
  readonly details: string;
  /** One command line that works. */
  readonly example: string;
  /** Every key; strings come from the command line, so numbers and dates are coerced here. `.describe()` feeds the OpenAPI document. */
  readonly input: Input;
  /** In the API, below /v1: `/partners/{domain}/block` is POST /v1/partners/...; names in braces are keys of `input`, the rest is query (GET) or body. */
  readonly http: { readonly method: 'GET' | 'POST' | 'DELETE'; readonly path: string };
  /** The least role that may use it over the API. On the command line, whoever can read and write the home may. */
  readonly role: Role;
  /** True: that role and `admin`, not the roles between them: what people said is not for who runs it. */
  readonly only?: boolean;
  /** True: it changes something, or looks at somebody; each use is a line of the audit log. */
  readonly audited: boolean;
  /**
   * `here`: the command line works on files and database itself. `process`: only the running process can; the command line
   * asks it over the admin socket, and exits 3 when nothing runs. `either`: the process while it runs, else the command line
   * itself. The API always runs it in the process.
   */
  readonly where: 'here' | 'process' | 'either';
  run(operations: Operations, input: z.output<Input>): Promise<Report>;
}

/** Checks the row as TypeScript sees it; nothing happens at run time. */
export function verb<Input extends z.ZodObject>(row: Verb<Input>): Verb<Input> {
  return row;
}
