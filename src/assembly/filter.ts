// The filters of the border with what they ask: who knows whom, and the operator's own filter over HTTP.

import type { Trust } from '../edge/trust-store.ts';
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
  readonly trust: { readonly current: Pick<Trust, 'generation' | 'edgeRoots' | 'insideRoots'> };
  readonly requests: Pick<ContactRequestStore, 'knows'>;
}

export function borderFilter({ home, clock, log, web, trust, requests }: FilterParts): BorderFilter {
  const askHook = filterHook({ web, clock, log, secret: (name) => secretOf(home.dir, name), roots: hookRoots(trust) });
  return new BorderFilter({ clock, log, requests, askHook });
}

/** The hook may be a service of our own network: certs/trust/inside vouches for it as well. Made once for each generation. */
function hookRoots(trust: FilterParts['trust']): () => readonly string[] {
  let made: { readonly generation: number; readonly pems: readonly string[] } | undefined;
  return () => {
    const { generation, edgeRoots, insideRoots } = trust.current;
    if (made?.generation !== generation) made = { generation, pems: [...edgeRoots, ...insideRoots].map((root) => root.toString()) };
    return made.pems;
  };
}
