// application/im-iscomposing+xml (RFC 3994): typing, both directions, for pager mode.

import { childOf, escapeXml, readXml } from './xml-reader.ts';

const NS = 'urn:ietf:params:xml:ns:im-iscomposing';
export const ISCOMPOSING_TYPE = 'application/im-iscomposing+xml';

export interface IsComposing {
  readonly state: 'active' | 'idle';
  /** After so many seconds without a refresh, `active` counts as idle (RFC 3994 §3.3: at least 60, default 120). */
  readonly refreshSeconds: number;
}

/** Reads a document; undefined for what is malformed or too large. */
export function parseIsComposing(source: string): IsComposing | undefined {
  const root = readXml(source, 8192);
  if (root === undefined || root.name !== 'isComposing' || root.ns !== NS) return undefined;
  const state = childOf(root, 'state')?.text.trim();
  // RFC 3994 §3.2: states other than `active` are to be read as `idle`.
  if (state === undefined || state === '') return undefined;
  const refresh = Number(childOf(root, 'refresh')?.text.trim() ?? '120');
  return {
    state: state === 'active' ? 'active' : 'idle',
    refreshSeconds: Number.isInteger(refresh) && refresh >= 60 ? Math.min(refresh, 3600) : 120,
  };
}

/** Writes a document. @param refreshSeconds so long `active` holds */
export function printIsComposing(state: 'active' | 'idle', refreshSeconds = 60): string {
  const refresh = state === 'active' ? `<refresh>${refreshSeconds}</refresh>` : '';
  return `<?xml version="1.0" encoding="UTF-8"?>\r\n<isComposing xmlns="${NS}"><state>${state}</state><contenttype>${escapeXml('text/plain')}</contenttype>${refresh}</isComposing>`;
}
