// The people of the feed that Isthmus' own core serves: everybody who watches is on the list of everybody who is watched.

import type { Settler } from '../crowd/people.ts';

export interface CoreCrowd {
  readonly watchers: number;
  readonly presentities: number;
}

export function coreCast({ watchers, presentities }: CoreCrowd): readonly Settler[] {
  const watching = Array.from({ length: watchers }, (_, index) => `dw${index}`);
  const watched = Array.from({ length: presentities }, (_, index) => `dp${index}`);
  return [...watching.map((local) => ({ local, contacts: watched })), ...watched.map((local) => ({ local, contacts: watching }))];
}
