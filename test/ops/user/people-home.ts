// A home with a domain that the core serves, and the command line beside it.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { commandLineOperations } from '../../../src/assembly/operations.ts';
import type { Operations } from '../../../src/ops/operations.ts';
import type { Report } from '../../../src/ops/verb.ts';
import { perform } from '../../../src/ops/verb-command.ts';
import { VERBS } from '../../../src/ops/verb-table.ts';
import { judgeTest } from '../../../src/routing/policy-test.ts';
import { keep } from '../terminal.ts';

export class PeopleHome implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'isthmus-people-'));
  readonly operations: Operations & { close(): void };

  constructor(files: Readonly<Record<string, string>> = {}) {
    this.write('isthmus.yaml', '');
    this.write(
      'routes/domains.yaml',
      'domains:\n  people.example: { served: core, aliases: old.example }\n  corp.example: { served: sip, nextHop: tls://fe1.corp.example:5061 }\n',
    );
    for (const [path, text] of Object.entries(files)) this.write(path, text);
    this.operations = commandLineOperations(this.dir, keep(), (table, test) => judgeTest(table, test, 0));
  }

  write(path: string, text: string | Uint8Array): string {
    const file = join(this.dir, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** The reason that is given with every command. */
  why?: string;

  /** A command, by its words. */
  async run(words: string, given: Readonly<Record<string, unknown>> = {}, more: Partial<Operations> = {}): Promise<Report> {
    const verb = await VERBS.find((row) => row.words === words)?.load();
    if (verb === undefined) throw new Error(`no verb is called "${words}"`);
    return perform(verb, { ...this.operations, ...(this.why !== undefined && { why: this.why }), ...more }, verb.input.parse(given), given);
  }

  [Symbol.dispose](): void {
    this.operations.close();
    rmSync(this.dir, { recursive: true });
  }
}
