// Every fuzz target, with its share of a run in `npm test`: what is cheap is asked more often.

import type { Target } from './engine.ts';
import { FILTERED } from './filter-targets.ts';
import { BODIES, CPIM_TARGET, JIDS, PIDF, SIP, SMALL_XML, URIS } from './sip-targets.ts';
import { XML } from './xmpp-targets.ts';

export const TARGETS: readonly { readonly target: Target; readonly short: number }[] = [
  { target: SIP, short: 28_000 },
  { target: XML, short: 6_000 },
  { target: BODIES, short: 10_000 },
  { target: PIDF, short: 6_000 },
  { target: SMALL_XML, short: 6_000 },
  { target: CPIM_TARGET, short: 40_000 },
  { target: URIS, short: 50_000 },
  { target: JIDS, short: 46_000 },
  { target: FILTERED, short: 8_000 },
];
