// All 49 cases of RFC 4475, for the codec and for whoever has a socket.

import { INVALID } from './rfc4475-invalid.ts';
import { LAYERS } from './rfc4475-layers.ts';
import { VALID } from './rfc4475-valid.ts';
import type { TortureCase } from './torture-case.ts';

export const RFC4475: readonly TortureCase[] = [...VALID, ...INVALID, ...LAYERS];
