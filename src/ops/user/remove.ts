// `isthmus user remove`: a user is gone, with their passwords.

import * as z from 'zod';
import { bareKey } from '../../model/address.ts';
import { type Report, verb } from '../verb.ts';
import { addressInput, atPeople, personOf, Refused } from './given.ts';

export const userRemove = verb({
  words: 'user remove',
  summary: 'takes a user away, with their passwords',
  positionals: ['address'],
  options: { yes: { type: 'boolean', says: 'yes, remove them: there is no way back' } },
  details: [
    'Sessions end at once. isthmus user disable keeps somebody out and can be taken back; most who leave are better disabled first.',
    'A user that the directory (people/directory.yaml) still has comes back with its next round.',
    'What they said and were told stays until retention.history and records/archive.yaml remove it, and a hold keeps it longer; whoever gets the address later does not see it.',
    'Files that they shared are not found any more from now on, and off the disk within ten minutes.',
  ].join('\n'),
  example: 'isthmus user remove nora@people.example --yes --why "left in June"',
  input: z.object({ address: addressInput, yes: z.union([z.boolean(), z.stringbool()]).default(false).describe('There is no way back.') }),
  http: { method: 'DELETE', path: '/users/{address}' },
  role: 'admin',
  audited: true,
  where: 'either',
  run: (operations, { address, yes }) =>
    atPeople(operations, 'user remove', async (desk): Promise<Report> => {
      const person = await personOf(operations, desk, address);
      const key = bareKey(person.address);
      if (!yes) throw new Refused(`${key} (${person.name}) would be gone for good; add --yes, or use isthmus user disable ${key}`);
      await desk.people.remove(key);
      // At once: whoever is given the address a moment later begins with nothing of theirs.
      await operations.live?.peopleChanged();
      const held = (await operations.records().holds.of(key)).map(({ matter }) => matter);
      const stays = held.length === 0 ? '' : ` What they said stays until it is released: ${held.join(', ')} (isthmus hold list).`;
      return {
        text: `${key} is removed.${stays}`,
        json: { address: key, removed: true, held },
        exit: 0,
        changes: `removed ${key} (${person.name})${held.length === 0 ? '' : `; held: ${held.join(', ')}`}`,
      };
    }),
});
