// Gives a user the password that a command was given, or one that is made.

import type { Person } from '../../model/core.ts';
import type { PeopleDesk } from '../../model/people.ts';
import type { Operations } from '../operations.ts';
import { type PasswordGiven, passwordFrom, Refused } from './given.ts';
import { makePassword, passwordFault } from './password-rules.ts';

export interface Chosen {
  readonly password: string;
  /** It is printed, because nobody knows it otherwise. */
  readonly made: boolean;
}

/** The password of a call; undefined: none was given. @throws Refused when it will not do */
export async function chosenPassword(
  operations: Operations,
  given: PasswordGiven,
  person: Pick<Person, 'address' | 'name' | 'mail'>,
): Promise<Chosen | undefined> {
  const ways = [given.passwordFile, given.password, given.generate || undefined].filter((way) => way !== undefined);
  if (ways.length > 1) throw new Refused('one password: from a file, or made by --generate');
  if (given.generate) return { password: makePassword(), made: true };
  const password = given.passwordFile === undefined ? given.password : await passwordFrom(operations, given.passwordFile);
  if (password === undefined) return undefined;
  const fault = passwordFault(password, person);
  if (fault !== undefined) throw new Refused(fault);
  return { password, made: false };
}

/** Keeps it; comes back with the lines to print. @param device empty: the main password */
export async function keepPassword(desk: PeopleDesk, person: Person, device: string, { password, made }: Chosen): Promise<string[]> {
  await desk.setPassword(person, device, password);
  return made ? [`password: ${password}`, 'It is shown this once; nobody can read it again.'] : [];
}
