// What the schema understands and this version does not do. One table, so that a feature that lands is one line less.

import { type Findings, wholeFile } from './finding.ts';
import type { Path, YamlSource } from './yaml-source.ts';

const ISTHMUS: readonly { readonly path: Path; readonly what: string }[] = [
  { path: ['clients', 'drachtio'], what: 'no drachtio-server is spoken to' },
];

/** Names every key that is accepted and not in force. @param later files of providers and networks */
export function tellNotYet(source: YamlSource | undefined, later: readonly YamlSource[], findings: Findings): void {
  for (const { path, what } of ISTHMUS) {
    if (source?.has(path) === true) findings.notYet(source.place(path), `${path.join('.')} is understood, not in force`, what);
  }
  for (const file of later) {
    if (file.at(['enabled']) === false) continue;
    const { what, instead } = LATER_FILES[file.file.split('/')[1]!]!;
    findings.notYet(wholeFile(file.file), `${what} is understood, not in force`, instead);
  }
}

const LATER_FILES: Readonly<Record<string, { readonly what: string; readonly instead: string }>> = {
  providers: { what: 'a provider', instead: 'give each of its domains a file in routes/partners/ with the same hosts and names' },
  networks: { what: 'a public network', instead: 'nothing connects to it yet' },
};
