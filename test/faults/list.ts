// Every fault of the list, by its number in docs/faults.md.

import { F9, F10 } from './cases/certificates.ts';
import { F11 } from './cases/clock.ts';
import { F3, F4, F15, F16 } from './cases/crash.ts';
import { F7, F20, slowSync } from './cases/disk.ts';
import { bound, F12, F13, F14 } from './cases/limits.ts';
import { F8 } from './cases/names.ts';
import { F2, F5, F5sip, F6 } from './cases/network.ts';
import { F18 } from './cases/standby.ts';
import { F1 } from './cases/steady.ts';
import { enumeration } from './enumeration.ts';
import type { Fault } from './row.ts';
import { SLOW_PEERS } from './slow-peers.ts';

export const FAULTS: Readonly<Record<string, Fault>> = {
  F1,
  F2,
  F3,
  F4,
  F5,
  F5sip,
  F6,
  F7,
  F8,
  F9,
  F10,
  F11,
  F12,
  bound,
  F13,
  F14,
  F15,
  F16,
  F18,
  F20,
  slowSync,
  ...SLOW_PEERS,
  enumeration,
};
