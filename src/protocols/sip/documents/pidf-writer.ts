// A presence document to PIDF (RFC 3863) with RPID (RFC 4480), spec 5.4. The order of elements matters: tuples, notes,
// then the person of the data model (RFC 4479). The best endpoint comes first, for readers of the first tuple only.

import type { Address } from '../../../model/address.ts';
import type { Endpoint, PresenceDocument } from '../../../model/presence.ts';
import { toImUri, toSipUri } from '../address.ts';
import { activityFor } from './pidf-words.ts';
import { escapeXml } from './xml-reader.ts';

const MAX_NOTE_CHARS = 1000;

/** Writes the document of one presentity; the caller decides whether there is anything to write at all. */
export function writePidf(presentity: Address, document: PresenceDocument): string {
  const best = document.endpoints[0];
  const tuples = document.endpoints.map((endpoint) => tuple(presentity, endpoint)).join('');
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\r\n<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"` +
    ` xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" entity="${escapeXml(toImUri('pres', presentity))}">${tuples}${person(best)}</presence>`
  );
}

function tuple(presentity: Address, endpoint: Endpoint): string {
  const { id, availability, show, notes, priority, at } = endpoint;
  const status = `<status><basic>${availability}</basic>${show === undefined ? '' : `<show xmlns="jabber:client">${show}</show>`}</status>`;
  const contact = toSipUri(id === '' ? presentity : { ...presentity, resource: id }, { gr: true });
  const q = priority === undefined || priority < 0 ? '' : ` priority="${priorityToQ(priority)}"`;
  const notesOut = notes.map((note) => {
    const lang = note.lang === undefined ? '' : ` xml:lang="${escapeXml(note.lang)}"`;
    return `<note${lang}>${escapeXml(note.text.slice(0, MAX_NOTE_CHARS).toWellFormed())}</note>`;
  });
  return `<tuple id="${toTupleId(id)}">${status}<contact${q}>${escapeXml(contact)}</contact>${notesOut.join('')}<timestamp>${stamp(at)}</timestamp></tuple>`;
}

/** RFC 4479: what is true of the person: the activity and idleness of the best endpoint. */
function person(best: Endpoint | undefined): string {
  if (best === undefined || best.availability === 'closed') return '';
  const activity = activityFor(best.show, best.activity);
  const activities = activity === undefined ? '' : `<r:activities><r:${activity}/></r:activities>`;
  const input = best.idleSince === undefined ? '' : `<r:user-input last-input="${stamp(best.idleSince)}">idle</r:user-input>`;
  return activities === '' && input === '' ? '' : `<dm:person id="P1">${activities}${input}</dm:person>`;
}

/** RFC 8048 §5.2: q = floor(p/127*1000)/1000. One to one for 0..127; negative priorities are omitted by the caller. */
export function priorityToQ(priority: number): string {
  return (Math.floor((priority / 127) * 1000) / 1000).toString();
}

/** xs:ID is an NCName: `ID-` and the resource, other characters as `_xHHHH_`. `fromTupleId` in pidf-reader.ts reads it back. */
export function toTupleId(resource: string): string {
  // `_` itself is escaped where it could be read as the beginning of an escape.
  const escaped = resource.replace(/[^A-Za-z0-9._-]|_(?=x)/gu, (char) => {
    return `_x${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}_`;
  });
  return `ID-${escaped}`;
}

function stamp(at: number): string {
  return new Date(at).toISOString().replace(/\.000Z$/, 'Z');
}
