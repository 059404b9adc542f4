// A home with certificates in a temporary folder, and cert verbs run in it as the command line runs them.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type * as z from 'zod';
import { commandLineOperations } from '../../../src/assembly/operations.ts';
import { systemClock } from '../../../src/edge/system-clock.ts';
import type { Actor } from '../../../src/model/audit.ts';
import type { Passport } from '../../../src/model/passport.ts';
import type { Report, Verb } from '../../../src/ops/verb.ts';
import { judgeTest } from '../../../src/routing/policy-test.ts';
import { openStore } from '../../../src/store/store.ts';
import { keep } from '../terminal.ts';

export class CertHome implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'isthmus-cert-'));
  readonly dir = join(this.folder, 'home');

  /** @param files by path in the home, besides a domain corp.example and a partner p.example */
  constructor(files: Readonly<Record<string, string>> = {}) {
    const all = {
      'isthmus.yaml': '',
      'routes/domains.yaml':
        'domains:\n  corp.example: { served: sip, nextHop: ["tls://127.0.0.1:5061"], acceptFrom: [pool.corp.example] }\n',
      'routes/partners/p.example.yaml': '# asked for by Nora\nowner: nora # until June\n',
      'certs/own/.gitkeep': '',
      ...files,
    };
    for (const [path, text] of Object.entries(all)) this.write(`home/${path}`, text);
  }

  /** A file in the temporary folder. @returns its path */
  write(path: string, text: string | Uint8Array): string {
    const full = join(this.folder, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text, { mode: 0o600 });
    return full;
  }
  read(path: string): string {
    return readFileSync(join(this.dir, path), 'utf8');
  }

  /** As if partners had been seen. */
  async saw(...passports: readonly Passport[]): Promise<void> {
    const store = openStore({ folder: join(this.dir, 'var'), clock: systemClock, mode: 'own' });
    for (const passport of passports) await store.passports.put(passport, []);
    store.close();
  }

  async run<Input extends z.ZodObject>(verb: Verb<Input>, input: z.input<Input>, actor?: Actor): Promise<Report> {
    const operations = commandLineOperations(this.dir, keep(this.folder), (table, one) => judgeTest(table, one, 0));
    try {
      return await verb.run(actor === undefined ? operations : { ...operations, actor }, verb.input.parse(input));
    } finally {
      operations.close();
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
