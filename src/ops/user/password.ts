// `isthmus user password`: the main password of a user, or one for a single device, which can be taken away alone.

import * as z from 'zod';
import { bareKey } from '../../model/address.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { addressInput, atPeople, PASSWORD_INPUT, PASSWORD_OPTIONS, personOf, Refused } from './given.ts';
import { chosenPassword, keepPassword } from './set-password.ts';
import { devicesOf } from './view.ts';

/** Each is tried at a sign-in, and each try costs a scrypt. */
const MAX_DEVICES = 20;

const deviceInput = z
  .string()
  .transform((value) => value.normalize('NFC').trim())
  .refine((value) => value !== '' && value.length <= 64 && !/\p{Cc}/u.test(value), 'a name such as phone, at most 64 characters');

export const userPassword = verb({
  words: 'user password',
  summary: 'gives a user a password, or one for a single device',
  positionals: ['address'],
  options: {
    device: { type: 'string', value: 'NAME', says: 'for this device alone, beside the main password' },
    'remove-device': { type: 'string', value: 'NAME', says: 'takes the password of a device away' },
    ...PASSWORD_OPTIONS,
  },
  details: [
    'The old password of the same device, or the old main one, ends. Who is signed in stays signed in; isthmus user disable ends sessions.',
    `At least 8 characters. A user may have ${MAX_DEVICES} devices. Where people sign in with the directory's password (people/directory.yaml, signIn: ldap), clients`,
    'that do not send it over TLS as it is (SIP digest, SCRAM) need one of a device.',
  ].join('\n'),
  example: 'isthmus user password nora@people.example --device phone --generate',
  input: z.object({
    address: addressInput,
    device: deviceInput.optional().describe('For this device alone. Default: the main password.'),
    removeDevice: deviceInput.optional().describe('Take the password of this device away.'),
    ...PASSWORD_INPUT,
  }),
  http: { method: 'POST', path: '/users/{address}/password' },
  role: 'operator',
  audited: true,
  where: 'here',
  run: (operations, input) =>
    atPeople(operations, 'user password', async (desk): Promise<Report> => {
      const person = await personOf(operations, desk, input.address);
      const key = bareKey(person.address);
      const devices = devicesOf(await desk.people.credentials(key));
      const { removeDevice, device = '' } = input;
      if (removeDevice !== undefined) {
        if (input.device !== undefined || input.generate || input.passwordFile !== undefined || input.password !== undefined)
          throw new Refused('--remove-device goes alone');
        if (!devices.some((one) => one.device === removeDevice)) {
          const there = devices.flatMap((one) => (one.device === '' ? [] : [one.device]));
          const which = there.length === 0 ? 'there is none' : `there is ${there.join(', ')}`;
          throw new Refused(`${key} has no password for a device "${removeDevice}"; ${which}`, 404);
        }
        await desk.people.putCredentials(key, removeDevice, []);
        const text = `The password of ${key} for "${removeDevice}" is gone.`;
        return {
          text,
          json: { address: key, removed: removeDevice },
          exit: 0,
          changes: `${key}: password of device ${removeDevice} removed`,
        };
      }
      if (device !== '' && devices.length >= MAX_DEVICES && !devices.some((one) => one.device === device))
        throw new Refused(`${key} has passwords for ${devices.length} devices; --remove-device takes one away`);
      const entry = device === '' ? await desk.directory.get(key) : undefined;
      if (entry !== undefined && signsInThere(operations))
        throw new Refused(
          `the main password of ${key} is the one of the directory (${entry.dn}; people/directory.yaml, signIn: ldap); --device NAME gives a device one`,
          409,
        );
      const chosen = await chosenPassword(operations, input, person);
      if (chosen === undefined)
        throw new Refused('which password? --password-file FILE, --password-file - for standard input, or --generate');
      const shown = await keepPassword(desk, person, device, chosen);
      const what = device === '' ? 'the main password' : `the password for "${device}"`;
      return {
        text: [`${key}: ${what} is set.`, ...shown].join('\n'),
        json: { address: key, device, ...(chosen.made && { password: chosen.password }) },
        exit: 0,
        changes: `${key}: ${device === '' ? 'main password' : `password of device ${device}`} set`,
      };
    }),
});

/** Do users of the directory sign in with its passwords? */
export function signsInThere(operations: Operations): boolean {
  const loaded = operations.load();
  return loaded.ok && loaded.home.people.directory?.signIn === 'ldap';
}
