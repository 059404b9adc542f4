// One user as programs read it. Nothing of a password is ever in it.

import { bareKey } from '../../model/address.ts';
import type { Person } from '../../model/core.ts';
import type { Credential } from '../../model/people.ts';

export function viewPerson(person: Person): Readonly<Record<string, unknown>> {
  const { address, createdAt, ...rest } = person;
  return { address: bareKey(address), ...rest, createdAt: new Date(createdAt).toISOString() };
}

/** A password, by the device it is for. */
export interface Device {
  /** Empty: the main password. */
  readonly device: string;
  /** Wall ms at which it was given. */
  readonly since: number;
}

/** The passwords behind a user's credentials, the main one first. */
export function devicesOf(credentials: readonly Credential[]): Device[] {
  const devices = new Map<string, number>();
  for (const { device, madeAt } of credentials) devices.set(device, Math.max(devices.get(device) ?? 0, madeAt));
  return [...devices].map(([device, since]) => ({ device, since })).sort((a, b) => (a.device < b.device ? -1 : 1));
}
