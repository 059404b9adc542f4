// Why a document cannot be changed like that: 409 with a body that names the condition (RFC 4825 §11).

import { escapeXml } from '../../documents/xml-reader.ts';

export type ConflictName =
  | 'not-well-formed'
  | 'not-utf-8'
  | 'not-xml-frag'
  | 'not-xml-att-value'
  | 'schema-validation-error'
  | 'constraint-failure'
  | 'uniqueness-failure'
  | 'cannot-insert'
  | 'cannot-delete'
  | 'no-parent';

export interface Conflict {
  readonly conflict: ConflictName;
  /** For the client's user. */
  readonly phrase: string;
  /** `uniqueness-failure`: the selectors of what is there already. */
  readonly fields?: readonly string[];
  /** `no-parent`: the nearest ancestor that is there. */
  readonly ancestor?: string;
}

export const ERROR_TYPE = 'application/xcap-error+xml';

export function conflict(name: ConflictName, phrase: string, more: Pick<Conflict, 'fields' | 'ancestor'> = {}): Conflict {
  return { conflict: name, phrase, ...more };
}

/** The document of ERROR_TYPE (RFC 4825 §11.1). */
export function printConflict({ conflict: name, phrase, fields, ancestor }: Conflict): string {
  const inside = [
    ...(fields ?? []).map((field) => `<exists field="${escapeXml(field)}"/>`),
    ...(ancestor === undefined ? [] : [`<ancestor>${escapeXml(ancestor)}</ancestor>`]),
  ].join('');
  const words = ` phrase="${escapeXml(phrase)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<xcap-error xmlns="urn:ietf:params:xml:ns:xcap-error"><${name}${words}>${inside}</${name}></xcap-error>\n`;
}
