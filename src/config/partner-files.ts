// The files of routes/partners: each read by itself, then made a partner with what policy.yaml says of listed ones.

import type { Partner } from '../model/table.ts';
import { type HomeFiles, isYamlIn } from './files.ts';
import { Findings } from './finding.ts';
import { checkSection } from './issues.ts';
import type { FileMemory, FilePartner, FileReading } from './memory.ts';
import { type ListedPolicy, partnerOf } from './partners.ts';
import { POLICY_FILE } from './policy.ts';
import { type PartnerInput, partnerSection } from './sections/partner.ts';
import { openYaml, type YamlSource } from './yaml-source.ts';

/** A partner with the file it stands in. */
export interface PartnerInFile {
  readonly partner: Partner;
  readonly source: YamlSource;
  readonly reviewBefore: PartnerInput['reviewBefore'];
}

/** The paths of all partners' files, with those that cannot be used. */
export function partnerPaths(files: HomeFiles): string[] {
  return [...files.keys()].filter((path) => isYamlIn(path, 'routes/partners'));
}

/** Every partner whose file can be used; what is wrong with the others goes to `findings`. @param memory of the last readings */
export function readPartnerFiles(
  files: HomeFiles,
  listed: ListedPolicy,
  memory: FileMemory | undefined,
  findings: Findings,
): PartnerInFile[] {
  const partners = partnerPaths(files).flatMap((path) => {
    const reading = partnerFile(path, files, memory, findings);
    const { source, value: written } = reading;
    if (source === undefined || written === undefined) return [];
    const make = (): FilePartner => {
      const own = new Findings();
      const partner = partnerOf(written, source, listed, own);
      return { partner, findings: [...own.faults(), ...own.notices()] };
    };
    const made = memory?.partner(reading, files.get(POLICY_FILE)?.text, make) ?? make();
    findings.take(made.findings);
    const { partner } = made;
    return partner === undefined ? [] : [{ partner, source, reviewBefore: written.reviewBefore }];
  });
  memory?.turn();
  return partners;
}

/** A partner's file by itself: what stands in it, and its faults, which go to `findings`. */
function partnerFile(path: string, files: HomeFiles, memory: FileMemory | undefined, findings: Findings): FileReading<PartnerInput> {
  const read = (): FileReading<PartnerInput> => {
    const own = new Findings();
    const source = openYaml(path, files, own);
    const value = source === undefined ? undefined : checkSection(source, partnerSection, own);
    return { text: files.get(path)?.text ?? '', source, value, findings: [...own.faults(), ...own.notices()] };
  };
  const file = files.get(path);
  const reading =
    memory === undefined || file === undefined || file.unreadable !== undefined ? read() : memory.reading(path, file.text, read);
  findings.take(reading.findings);
  return reading;
}
