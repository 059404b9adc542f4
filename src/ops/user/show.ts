// `isthmus user show`: one user: fields, groups, passwords by device and date, last sign-in, what is signed in now.

import * as z from 'zod';
import { bareKey } from '../../model/address.ts';
import type { ClientSight } from '../../model/core.ts';
import type { PushTarget } from '../../model/push.ts';
import type { StoredToken } from '../../model/sign-in-tokens.ts';
import type { Table } from '../../model/table.ts';
import { utcDay } from '../../model/utc.ts';
import { archivedIn } from '../archive/settings.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { minuteOf, oneLine, span } from '../words.ts';
import { addressInput, atPeople, FIELDS, personOf } from './given.ts';
import { stateRows, stateView } from './state.ts';
import { devicesOf, viewPerson } from './view.ts';

export const userShow = verb({
  words: 'user show',
  summary: 'one user: fields, passwords by device and date, last sign-in, sessions',
  positionals: ['address'],
  options: {},
  details: 'Nothing of a password can be shown. What is signed in now is known while Isthmus runs with this home.',
  example: 'isthmus user show nora@people.example',
  input: z.object({ address: addressInput }),
  http: { method: 'GET', path: '/users/{address}' },
  role: 'viewer',
  audited: false,
  where: 'here',
  run: (operations, input) =>
    atPeople(operations, 'user show', async (desk): Promise<Report> => {
      // Only the process knows who is signed in.
      const there = operations.live === undefined ? await operations.ask('user show', { address: input.address }) : undefined;
      if (there !== undefined) return there;
      const person = await personOf(operations, desk, input.address);
      const key = bareKey(person.address);
      const devices = devicesOf(await desk.people.credentials(key));
      const lastSignIn = await desk.people.lastSignIn(key);
      const entry = await desk.directory.get(key);
      const photo = await desk.people.photo(key);
      const { push, deviceTokens } = operations.records();
      const services = await push.of(key);
      const tokens = (await deviceTokens.of(key)).filter(({ expiresAt }) => expiresAt > operations.clock.now());
      const now = operations.clock.now();
      const sessions = operations.live?.clients.list().filter(({ user }) => bareKey(user) === key);
      const sight = await operations.live?.states.of(person.address);
      const fields = FIELDS.flatMap((field) => (person[field] === undefined ? [] : [[field, person[field]] as const]));
      const passwords = devices.map(({ device, since }) => `${device === '' ? 'main' : `"${device}"`} since ${utcDay(since)}`);
      const rows: (readonly [string, string])[] = [
        ['name', person.name],
        ['state', person.disabled ? (entry?.disabled === true ? 'disabled, by the directory' : 'disabled') : 'may sign in'],
        ...fields,
        ...(person.addresses === undefined ? [] : [['also known by', person.addresses.join(', ')] as const]),
        ['groups', person.groups.length === 0 ? '-' : person.groups.join(', ')],
        ['passwords', passwords.length === 0 ? 'none' : passwords.join('; ')],
        ...(tokens.length === 0 ? [] : [['tokens', devicesWord(tokens)] as const]),
        ...(services.length === 0 ? [] : [['told by push', services.map(pushWord).join('; ')] as const]),
        ['last sign-in', lastSignIn === undefined ? 'never' : `${minuteOf(lastSignIn)} (${span(now - lastSignIn)} ago)`],
        ...(sessions === undefined
          ? []
          : [['signed in now', sessions.length === 0 ? 'no' : sessions.map((one) => sessionWord(one, now)).join('; ')] as const]),
        ...(sight === undefined ? [] : stateRows(sight)),
        ['since', utcDay(person.createdAt)],
        ...(entry === undefined ? [] : [['directory', `${entry.dn}, seen ${span(now - entry.seenAt)} ago`] as const]),
        ...(photo === undefined ? [] : [['photo', `${photo.type}, ${photo.data.length} bytes, of ${utcDay(photo.changedAt)}`] as const]),
      ];
      const archived = archivedIn(operations, operations.live?.table() ?? tableIfGood(operations))(key);
      if (archived !== undefined) rows.push(['archived', archived]);
      const width = Math.max(...rows.map(([label]) => label.length));
      return {
        text: [key, ...rows.map(([label, value]) => `  ${label.padEnd(width)}  ${oneLine(value)}`)].join('\n'),
        json: {
          ...viewPerson(person),
          passwords: devices.map(({ device, since }) => ({ device, since: new Date(since).toISOString() })),
          tokens: tokens.map(({ device, mechanism, expiresAt }) => ({ device, mechanism, expiresAt: new Date(expiresAt).toISOString() })),
          push: services.map(({ service, resource, failures, enabledAt }) => ({
            ...{ service, resource, failures },
            enabledAt: new Date(enabledAt).toISOString(),
          })),
          ...(lastSignIn !== undefined && { lastSignIn: new Date(lastSignIn).toISOString() }),
          ...(entry !== undefined && {
            directory: { dn: entry.dn, disabled: entry.disabled, seenAt: new Date(entry.seenAt).toISOString() },
          }),
          ...(archived !== undefined && { archived }),
          ...(sessions !== undefined && {
            sessions: sessions.map(({ user: _, since, ...rest }) => ({ ...rest, since: new Date(since).toISOString() })),
          }),
          ...(sight !== undefined && { presence: stateView(sight) }),
          ...(photo !== undefined && { photo: { type: photo.type, hash: photo.hash, bytes: photo.data.length } }),
        },
        exit: 0,
      };
    }),
});

/** Devices that sign in without a password (XEP-0484). */
function devicesWord(tokens: readonly StoredToken[]): string {
  const { size } = new Set(tokens.map(({ device }) => device));
  return `${size} device${size === 1 ? '' : 's'}`;
}

function pushWord({ service, resource, failures }: PushTarget): string {
  return `${resource} through ${service}${failures === 0 ? '' : `, not reached the last ${failures} times`}`;
}

function tableIfGood(operations: Operations): Table | undefined {
  const loaded = operations.load();
  return loaded.ok ? loaded.table : undefined;
}

function sessionWord({ face, resource, address, since, availability }: ClientSight, now: number): string {
  return `${face} ${resource} from ${address} for ${span(now - since)}${availability === undefined ? '' : `, ${availability}`}`;
}
