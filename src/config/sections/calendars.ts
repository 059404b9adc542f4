// people/calendars.yaml: where calendars of users stand (iCalendar, RFC 5545), from which their presence follows.

import * as z from 'zod';
import { entry, secret, text } from '../shape.ts';
import { parseDuration, Wrong } from '../values.ts';

const EXAMPLE = 'https://calendar.corp.example/{local}.ics';

function parseCalendarUrl(value: string): string | Wrong {
  const right = `an https address such as ${EXAMPLE}`;
  // Braces stand for the user and are none of the address.
  const url = URL.parse(value.replaceAll(/\{(?:local|domain|address)\}/g, 'x'));
  if (url?.protocol === 'http:') return new Wrong(`${right}; a calendar without TLS is not read`, value.replace(/^http:/, 'https:'));
  if (url?.protocol !== 'https:') return new Wrong(right);
  if (url.username !== '' || url.password !== '') return new Wrong(`${right}, without a password in it: user: and password: take it`);
  return /[{}]/.test(value.replaceAll(/\{(?:local|domain|address)\}/g, ''))
    ? new Wrong(`${right}; only {local}, {domain} and {address} are known`)
    : value;
}

const place = {
  url: text(parseCalendarUrl, EXAMPLE).optional().describe('https:// only. {local}, {domain} and {address} stand for the user.'),
  file: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .describe('A file in place of a url, as /srv/calendars/{local}.ics; without a leading / it is below this home.'),
  user: z.string().min(1).max(200).optional().describe('With password: for basic authentication. {local}, {domain}, {address} as above.'),
  password: secret().optional(),
  token: secret().optional(),
  privateAddress: z
    .boolean()
    .optional()
    .describe('true: the url may lead to a private or local address, such as a calendar server of your own. Default: false.'),
};

export const calendarsSection = entry({
  domains: z.record(z.string(), entry(place)).default({}).describe('By domain that is served: core.'),
  users: z.record(z.string(), entry(place)).default({}).describe("By user; beats the domain's. enabled: false is none for this user."),
  refresh: text(parseDuration, '5m').default(300_000).describe('How often a calendar is looked at. Default: 5m.'),
  keep: text(parseDuration, '12h')
    .default(43_200_000)
    .describe('How long what is known counts when a calendar cannot be read any more. Default: 12h.'),
  subjects: z.boolean().default(true).describe('false: nobody is shown subjects and places of meetings. Default: true.'),
  freeBusy: z.boolean().default(true).describe('false: nobody is shown when somebody is busy later. Default: true.'),
}).describe('people/calendars.yaml: where calendars of users stand. Who is in a meeting is shown so.');

export type CalendarsInput = z.output<typeof calendarsSection>;
export type CalendarPlaceInput = CalendarsInput['users'][string];
