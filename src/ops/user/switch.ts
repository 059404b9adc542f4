// `isthmus user disable|enable`: whether a user may sign in. What they have stays. The running process disables, so that sessions end
// with it; while nothing runs, there are none.

import * as z from 'zod';
import { bareKey } from '../../model/address.ts';
import { type Report, verb } from '../verb.ts';
import { addressInput, atPeople, personOf } from './given.ts';
import { viewPerson } from './view.ts';

const input = z.object({ address: addressInput });

export const userDisable = verb({
  words: 'user disable',
  summary: 'keeps a user out: no sign-in, open sessions end',
  positionals: ['address'],
  options: {},
  details: [
    'Their sessions end at once, on every client, and do not come back when they are enabled. Contact list, history and passwords stay; isthmus user enable lets them in again.',
    'A user of a directory (people/directory.yaml) that is disabled here stays disabled, whatever the directory says.',
  ].join('\n'),
  example: 'isthmus user disable nora@people.example --why "left on 30 June"',
  input,
  http: { method: 'POST', path: '/users/{address}/disable' },
  role: 'operator',
  audited: true,
  where: 'either',
  run: (operations, { address }) =>
    atPeople(operations, 'user disable', async (desk): Promise<Report> => {
      const person = await personOf(operations, desk, address);
      const key = bareKey(person.address);
      const entry = await desk.directory.get(key);
      // From now on it is the operator's word, which the directory may not take back.
      if (entry?.disabled === true) await desk.directory.put({ ...entry, disabled: false });
      const json = viewPerson({ ...person, disabled: true });
      if (person.disabled) return { text: `${key} is disabled already.`, json, exit: 0 };
      await desk.people.put({ ...person, disabled: true });
      // At once: who is enabled again a moment later has to sign in all the same.
      await operations.live?.peopleChanged();
      return { text: `${key} is disabled. What they had open has ended.`, json, exit: 0, changes: `disabled ${key}` };
    }),
});

export const userEnable = verb({
  words: 'user enable',
  summary: 'lets a disabled user in again',
  positionals: ['address'],
  options: {},
  details:
    'With the passwords they had. A user that is disabled in the directory (people/directory.yaml) is disabled again with its next round.',
  example: 'isthmus user enable nora@people.example',
  input,
  http: { method: 'POST', path: '/users/{address}/enable' },
  role: 'operator',
  audited: true,
  where: 'here',
  run: (operations, { address }) =>
    atPeople(operations, 'user enable', async (desk): Promise<Report> => {
      const person = await personOf(operations, desk, address);
      const key = bareKey(person.address);
      const json = viewPerson({ ...person, disabled: false });
      if (!person.disabled) return { text: `${key} may sign in already.`, json, exit: 0 };
      await desk.people.put({ ...person, disabled: false });
      const entry = await desk.directory.get(key);
      const fromDirectory = entry?.disabled === true;
      // As if it had not been noticed yet: the next round looks anew.
      if (fromDirectory) await desk.directory.put({ ...entry, disabled: false });
      const note = fromDirectory ? ['The directory has them disabled; its next round disables them again.'] : [];
      return { text: [`${key} may sign in again.`, ...note].join('\n'), json, exit: 0, changes: `enabled ${key}` };
    }),
});
