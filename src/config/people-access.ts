// people/access.yaml to rules of the table: what it takes away from somebody becomes a rule about them that leaves out whoever a
// more special entry gives it to. So nobody but the table needs to know of it, and a refusal names the line that decided.

import type { Rule, Where, Who } from '../model/table.ts';
import type { Findings } from './finding.ts';
import { type Named, namedIn, type OurNames } from './named.ts';
import { ACCESS_KEYS, type AccessInput } from './sections/access.ts';
import { pointer, type YamlSource } from './yaml-source.ts';

export const ACCESS_FILE = 'people/access.yaml';

/** The rules, to stand before those of routes/policy.yaml. */
export function accessRules(input: AccessInput, source: YamlSource, around: OurNames, findings: Findings): readonly Rule[] {
  if (input.enabled === false) return [];
  const levels = namedIn(input, source, around, findings);
  return ACCESS_KEYS.flatMap((key) =>
    levels.flatMap(({ entry, path, ...named }, index): Rule[] => {
      if (entry[key] !== false) return [];
      const place = [...path, key];
      const where: Where = { file: ACCESS_FILE, key: pointer(place), ...(source.has(place) && { line: source.place(place).line }) };
      // The levels stand most special first.
      const except = levels.slice(0, index).flatMap((above) => (above.entry[key] === true ? [whoOf(above)] : []));
      const reach: Rule['with'] =
        key === 'partners' ? { kind: 'everyone' } : key === 'discovered' ? { kind: 'discovered' } : { kind: 'protocol', protocol: key };
      return [
        {
          who: whoOf(named),
          with: reach,
          ...(except.length > 0 && { except }),
          messages: 'none',
          theySee: [],
          weSee: false,
          where,
          whole: true,
        },
      ];
    }),
  );
}

function whoOf({ who, name }: Pick<Named<unknown>, 'who' | 'name'>): Who {
  switch (who) {
    case 'user':
      return { kind: who, user: name };
    case 'group':
      return { kind: who, group: name };
    case 'domain':
      return { kind: who, domain: name };
    case 'everyone':
      return { kind: who };
    default:
      return who satisfies never;
  }
}
