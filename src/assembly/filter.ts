// The filters of the border with what they ask: who knows whom, and the operator's own filter over HTTP.

import type { Web } from '../edge/web.ts';
import type { Log } from '../log.ts';
import type { Clock } from '../model/ports.ts';
import type { ContactRequestStore } from '../model/stores.ts';
import { BorderFilter } from '../routing/filter.ts';
import { filterHook } from './filter-hook.ts';
import { secretOf } from './secrets.ts';

export interface FilterParts {
  readonly home: { readonly dir: string };
  readonly clock: Clock;
  readonly log: Log;
  readonly web: Web;
  readonly requests: Pick<ContactRequestStore, 'knows'>;
}

export function borderFilter({ home, clock, log, web, requests }: FilterParts): BorderFilter {
  const askHook = filterHook({ web, clock, log, secret: (name) => secretOf(home.dir, name) });
  return new BorderFilter({ clock, log, requests, askHook });
}
