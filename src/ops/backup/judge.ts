// Could this backup be used? Its databases are opened and walked, its files are loaded as a start would load them.

import { join } from 'node:path';
import { showFinding } from '../../config/finding.ts';
import { loadHome } from '../../config/load.ts';
import type { Judge } from '../../config/policy-tests.ts';
import type { Inspection, Snapshots } from '../../model/snapshot.ts';
import { ageText } from './generation.ts';
import { DATA_FOLDER, HOME_FOLDER, type Manifest } from './manifest.ts';

export interface Verdict {
  /** Why it cannot be used; empty is good. */
  readonly faults: readonly string[];
  /** What whoever restores it must know. */
  readonly remarks: readonly string[];
  readonly inspection: Inspection;
}

/** @param folder where it was unpacked @param now wall ms */
export async function judgeBackup(folder: string, manifest: Manifest, snapshots: Snapshots, judge: Judge, now: number): Promise<Verdict> {
  const faults: string[] = [];
  const remarks: string[] = [];
  const inspection = await snapshots.inspect(join(folder, DATA_FOLDER));
  const { shape, newestShape, damage, waiting, readable, audit } = inspection;
  if (damage.length > 0) faults.push(`isthmus.db is damaged: ${damage.join('; ')}`);
  else if (shape !== manifest.databaseShape) faults.push(`isthmus.db has shape ${shape}, the manifest says ${manifest.databaseShape}`);
  if (shape > newestShape)
    faults.push(`isthmus.db has shape ${shape}, this version knows up to ${newestShape}: use Isthmus ${manifest.version} or newer`);
  else if (shape > 0 && shape < newestShape)
    remarks.push(`isthmus.db has shape ${shape}; the first start brings it to ${newestShape}, and an older Isthmus cannot read it then`);
  if (audit.broken !== undefined) faults.push(`the audit log is broken: ${audit.broken}`);
  if (readable < waiting) {
    const why =
      manifest.keys === 'none' ? 'store.key was left out of this backup: put it back before the start' : 'the key does not open them';
    remarks.push(`${waiting - readable} of ${waiting} messages that wait cannot be read: ${why}`);
  }
  const loaded = loadHome(join(folder, HOME_FOLDER), { judge, nowMs: now, credentials: false });
  const keysOut = manifest.keys !== 'all';
  for (const fault of loaded.faults) {
    const text = showFinding(fault);
    // A key that stayed out on purpose is the operator's to bring; everything else would stop the start.
    if (keysOut && /key\.pem/.test(text)) remarks.push(`${text} (private keys are not in this backup: put them back)`);
    else faults.push(`the files would not start: ${text}`);
  }
  if (keysOut) remarks.push(...loaded.notices.filter(({ code }) => code === 'CONFIG_SECRET_MISSING').map((notice) => showFinding(notice)));
  const age = now - Date.parse(manifest.takenAt);
  remarks.push(`what came after ${manifest.takenAt} is not in it: ${ageText(Math.max(0, age))} of messages, decisions and changes`);
  return { faults, remarks, inspection };
}
