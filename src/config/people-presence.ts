// people/presence.yaml and people/calendars.yaml to what the core obeys.

import type { CalendarPlace, CalendarSettings } from '../model/calendar.ts';
import type { PresencePolicy } from '../model/presence-settings.ts';
import type { Findings } from './finding.ts';
import type { DirectorySurroundings } from './people.ts';
import type { CalendarPlaceInput, CalendarsInput } from './sections/calendars.ts';
import type { PresenceInput } from './sections/presence.ts';
import { parseDomain, parseUser, Wrong } from './values.ts';
import type { YamlSource } from './yaml-source.ts';

export const PRESENCE_FILE = 'people/presence.yaml';
export const CALENDARS_FILE = 'people/calendars.yaml';

const SHORTEST_IDLE_MS = 60_000;
const DAY_MS = 86_400_000;
const SHORTEST_REFRESH_MS = 60_000;
const LONGEST_KEEP_MS = 7 * DAY_MS;

/** What the organisation decides. Switched off it is the default. */
export function presenceOf(input: PresenceInput, source: YamlSource, findings: Findings): PresencePolicy {
  const { contactsOnly, inactiveAfter, awayAfter, appearOffline, notes } = input;
  for (const key of ['inactiveAfter', 'awayAfter'] as const)
    if (input[key] < SHORTEST_IDLE_MS || input[key] > DAY_MS)
      findings.fault('CONFIG_VALUE', source.place([key], 'value'), `${input[key] / 1000} s`, 'at least 1m and at most 1d');
  if (awayAfter <= inactiveAfter)
    findings.fault('CONFIG_VALUE', source.place(['awayAfter'], 'value'), 'away before inactive', 'longer than inactiveAfter');
  const off = input.enabled === false;
  return {
    contactsOnly: contactsOnly && !off,
    inactiveAfterMs: off ? 300_000 : inactiveAfter,
    awayAfterMs: off ? 900_000 : awayAfter,
    appearOffline: appearOffline || off,
    notes: off ? 3 : notes,
  };
}

/** Where calendars stand. @returns undefined when the file is switched off */
export function calendarsOf(
  input: CalendarsInput,
  source: YamlSource,
  around: DirectorySurroundings,
  findings: Findings,
): CalendarSettings | undefined {
  if (input.enabled === false) return undefined;
  const { refresh, keep, subjects, freeBusy } = input;
  if (refresh < SHORTEST_REFRESH_MS || refresh > DAY_MS)
    findings.fault('CONFIG_VALUE', source.place(['refresh'], 'value'), `${refresh / 1000} s`, 'at least 1m and at most 1d');
  if (keep < refresh || keep > LONGEST_KEEP_MS)
    findings.fault('CONFIG_VALUE', source.place(['keep'], 'value'), `${keep / 1000} s`, 'at least as long as refresh and at most 7d');
  const isCore = (domain: string): boolean => around.domains.get(domain)?.served === 'core';
  const domains = new Map<string, CalendarPlace>();
  for (const [name, place] of Object.entries(input.domains)) {
    if (place.enabled === false) continue;
    const path = ['domains', name];
    const domain = parseDomain(name);
    if (domain instanceof Wrong) findings.fault('CONFIG_VALUE', source.place(path), `"${name.slice(0, 60)}"`, domain.right);
    else if (!isCore(domain))
      findings.fault('CONFIG_REFERENCE', source.place(path), `${domain} is not served: core`, 'a domain of routes/domains.yaml that is');
    else {
      const read = placeOf(place, path, source, around, findings);
      if (read !== undefined && !/\{(?:local|address)\}/.test(read.url ?? read.file ?? ''))
        findings.fault(
          'CONFIG_VALUE',
          source.place(path),
          'one calendar for everybody',
          '{local} or {address} in it, or users: with one for each',
        );
      else if (read !== undefined) domains.set(domain, read);
    }
  }
  const users = new Map<string, CalendarPlace | undefined>();
  for (const [name, place] of Object.entries(input.users)) {
    const path = ['users', name];
    const user = parseUser(name);
    if (user instanceof Wrong) findings.fault('CONFIG_VALUE', source.place(path), `"${name.slice(0, 60)}"`, user.right);
    else if (!isCore(user.slice(user.lastIndexOf('@') + 1)))
      findings.fault('CONFIG_REFERENCE', source.place(path), `${user} is of no domain that is served: core`, 'a user of one');
    else users.set(user, place.enabled === false ? undefined : placeOf(place, path, source, around, findings));
  }
  return { domains, users, refreshMs: refresh, keepMs: keep, subjects, freeBusy };
}

function placeOf(
  { url, file, user, password, token, privateAddress = false }: CalendarPlaceInput,
  path: readonly string[],
  source: YamlSource,
  { files, credentials }: DirectorySurroundings,
  findings: Findings,
): CalendarPlace | undefined {
  const wrong = (found: string, right: string): undefined => {
    findings.fault('CONFIG_VALUE', source.place(path), found, right);
  };
  if ((url === undefined) === (file === undefined))
    return wrong(url === undefined ? 'neither url nor file' : 'url and file', 'one of them');
  if (file !== undefined && (user ?? password ?? token) !== undefined) return wrong('a file with a password', 'a file alone');
  if (token !== undefined && (user ?? password) !== undefined) return wrong('token beside user or password', 'one of the two ways');
  if ((user === undefined) !== (password === undefined)) return wrong('one of user and password alone', 'both, or none');
  for (const [key, secret] of Object.entries({ password, token })) {
    const name = secret && `secrets/${secret.secret}`;
    if (name === undefined || files.has(name) || credentials) continue;
    findings.warning(
      'CONFIG_SECRET_MISSING',
      source.place([...path, key]),
      `${name} is not there`,
      `write the ${key} into ${name} (mode 0600)`,
    );
  }
  return {
    ...(url !== undefined && { url }),
    ...(file !== undefined && { file }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password: password.secret }),
    ...(token !== undefined && { token: token.secret }),
    privateAddress,
  };
}
