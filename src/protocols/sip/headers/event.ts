// Event: which package a SUBSCRIBE, NOTIFY or PUBLISH is about. RFC 6665 §8.2.1.

import { isToken, type Params, parseParams, printParams } from './grammar.ts';

export interface EventPackage {
  /** Package with its templates, lower-case: `presence`, `presence.winfo`. */
  readonly name: string;
  /** RFC 6665 §4.5.2: tells subscriptions of one dialog apart; compared byte by byte. */
  readonly id?: string;
  readonly params: Params;
}

/** Reads a value. Event = event-type *( SEMI event-param ) */
export function parseEvent(value: string): EventPackage | undefined {
  const semicolon = value.indexOf(';');
  const name = (semicolon === -1 ? value : value.slice(0, semicolon)).trim();
  if (!isToken(name)) return undefined;
  const params = parseParams(value, semicolon === -1 ? value.length : semicolon);
  if (params === undefined) return undefined;
  const id = params.get('id');
  return { name: name.toLowerCase(), params, ...(id !== undefined && { id }) };
}

/** Writes a value. @param id RFC 6665 §4.5.2 */
export function printEvent(name: string, id?: string): string {
  return id === undefined ? name : name + printParams([['id', id]]);
}
