// The `tests:` inside routes/policy.yaml: no file of a set takes effect unless all of them hold. What policy says is
// asked of whoever decides (routing/), handed in, because config knows the model only.

import type { PolicyTest, Table } from '../model/table.ts';
import type { Findings } from './finding.ts';
import type { YamlSource } from './yaml-source.ts';

export interface Verdict {
  readonly allowed: boolean;
  /** Why, with the file and key that decided. */
  readonly because: string;
  /** When refused. */
  readonly code?: string;
  readonly file?: string;
  readonly key?: string;
}

/** What the table decides about a test's exchange. A first contact that would wait for a decision is not allowed. */
export type Judge = (table: Table, test: PolicyTest) => { readonly message: Verdict; readonly presence: Verdict };

/** Adds one fault for every expectation that does not hold. */
export function runPolicyTests(table: Table, judge: Judge, source: YamlSource, findings: Findings): void {
  for (const test of table.policy.tests) {
    const verdicts = judge(table, test);
    for (const what of ['message', 'presence'] as const) {
      const expected = test[what];
      const { allowed, because } = verdicts[what];
      if (expected === undefined || (expected === 'allow') === allowed) continue;
      const index = Number(test.where.key.split('/').at(-1));
      const found = `${what} from ${test.from} to ${test.to} is ${allowed ? 'allowed' : 'refused'} (${because})`;
      findings.fault(
        'CONFIG_TEST',
        source.place(['tests', index, what]),
        found,
        `this test wants ${expected}: change the rules or the test`,
      );
    }
  }
}
