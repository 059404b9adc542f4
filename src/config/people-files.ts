// The files of people/ together: states.yaml, presence.yaml, calendars.yaml and directory.yaml to settings, access.yaml to rules.

import { PRESENCE_POLICY } from '../model/presence-settings.ts';
import type { Rule } from '../model/table.ts';
import type { Findings } from './finding.ts';
import type { PeopleSettings } from './home.ts';
import { checkSection } from './issues.ts';
import type { OurNames } from './named.ts';
import { DIRECTORY_FILE, type DirectorySurroundings, directoryOf, STATES_FILE, statesOf } from './people.ts';
import { ACCESS_FILE, accessRules } from './people-access.ts';
import { CALENDARS_FILE, calendarsOf, PRESENCE_FILE, presenceOf } from './people-presence.ts';
import { accessSection } from './sections/access.ts';
import { calendarsSection } from './sections/calendars.ts';
import { directorySection } from './sections/directory.ts';
import { presenceSection } from './sections/presence.ts';
import { statesSection } from './sections/states.ts';
import type { YamlSource } from './yaml-source.ts';

/** @param open reads a file of the home; undefined: it is not there */
export function peopleOf(
  open: (file: string) => YamlSource | undefined,
  around: DirectorySurroundings & OurNames,
  findings: Findings,
): { readonly settings: PeopleSettings; readonly rules: readonly Rule[] } {
  const statesFile = open(STATES_FILE);
  const states = statesFile && checkSection(statesFile, statesSection, findings);
  const directoryFile = open(DIRECTORY_FILE);
  const written = directoryFile && checkSection(directoryFile, directorySection, findings);
  const accessFile = open(ACCESS_FILE);
  const access = accessFile && checkSection(accessFile, accessSection, findings);
  const presenceFile = open(PRESENCE_FILE);
  const presence = presenceFile && checkSection(presenceFile, presenceSection, findings);
  const calendarsFile = open(CALENDARS_FILE);
  const listed = calendarsFile && checkSection(calendarsFile, calendarsSection, findings);
  const calendars = calendarsFile && listed && calendarsOf(listed, calendarsFile, around, findings);
  const directory = directoryFile && written && directoryOf(written, directoryFile, around, findings);
  return {
    settings: {
      states: statesFile === undefined || states === undefined ? [] : statesOf(states, statesFile, findings),
      presence: presenceFile && presence ? presenceOf(presence, presenceFile, findings) : PRESENCE_POLICY,
      ...(calendars !== undefined && { calendars }),
      ...(directory !== undefined && { directory }),
    },
    rules: accessFile === undefined || access === undefined ? [] : accessRules(access, accessFile, around, findings),
  };
}
