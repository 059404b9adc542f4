// Processes that die, stand still or are exchanged; short versions. A child process each, so not part of the unit tests.

import { survives } from './short.ts';

survives('F1', 'messages both ways arrive once and in order');
survives('F3', 'kill -9 of the edge in a burst loses and doubles nothing');
survives('F4', 'kill -9 of a partner that has taken messages and not said so: each is shown once');
survives('F15', 'SIGTERM under load and a new process: nothing is lost, doubled or refused');
survives('F16', 'an edge that stands still for two seconds goes on as if nothing was');
survives('F18', 'a backup under load, a host that dies, and a standby that takes over: what was acknowledged before the backup arrives');
