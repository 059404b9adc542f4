// What `isthmus restore` works with: the databases of a backup, and the audit log of the home that it makes.

import type { Judge } from '../config/policy-tests.ts';
import type { RestoreParts } from '../ops/backup/restore.ts';
import { openAudit } from '../store/audit.ts';
import { snapshots } from '../store/backup.ts';
import { actorOf } from './operations.ts';

export function restoreParts(judge: Judge): RestoreParts {
  return { snapshots, judge, openAudit, actor: actorOf, now: () => Date.now() };
}
