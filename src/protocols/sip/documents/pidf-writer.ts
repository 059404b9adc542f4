// A presence document to PIDF (RFC 3863) with RPID (RFC 4480), spec 5.4. The order of elements matters: tuples, notes,
// then the person of the data model (RFC 4479). The best endpoint comes first, for readers of the first tuple only.

import type { Address } from '../../../model/address.ts';
import { outOfOfficeWords } from '../../../model/out-of-office.ts';
import type { ActivityWord, Endpoint, Note, PersonFacts, PresenceDocument } from '../../../model/presence.ts';
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
    ` xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" entity="${escapeXml(toImUri('pres', presentity))}">${tuples}${person(best, document.person)}</presence>`
  );
}

function tuple(presentity: Address, endpoint: Endpoint): string {
  const { id, availability, show, notes, priority, at } = endpoint;
  const status = `<status><basic>${availability}</basic>${show === undefined ? '' : `<show xmlns="jabber:client">${show}</show>`}</status>`;
  const contact = toSipUri(id === '' ? presentity : { ...presentity, resource: id }, { gr: true });
  const q = priority === undefined || priority < 0 ? '' : ` priority="${priorityToQ(priority)}"`;
  const notesOut = notes.map((note) => noted('note', note));
  return `<tuple id="${toTupleId(id)}">${status}<contact${q}>${escapeXml(contact)}</contact>${notesOut.join('')}<timestamp>${stamp(at)}</timestamp></tuple>`;
}

/**
 * RFC 4479: what is true of the person: activity and idleness of the best endpoint, and the person's own facts where the document
 * has them. Elements of RPID first, then notes (RFC 4479 §4.1); a meeting's subject and place are a note of the activities
 * (RFC 4480 §3.2).
 */
function person(best: Endpoint | undefined, facts: PersonFacts | undefined): string {
  const open = best !== undefined && best.availability === 'open';
  const inside = [
    activities(open ? best : undefined, facts),
    facts?.location === undefined ? '' : `<r:place-type>${noted('r:other', { text: facts.location })}</r:place-type>`,
    timeOffset(facts?.timeZone),
    open && best.idleSince !== undefined ? `<r:user-input last-input="${stamp(best.idleSince)}">idle</r:user-input>` : '',
    // RFC 4482 §3.4.
    facts?.picture === undefined ? '' : `<c:icon xmlns:c="urn:ietf:params:xml:ns:pidf:cipid">${escapeXml(facts.picture)}</c:icon>`,
    ...personNotes(facts).map((note) => noted('dm:note', note)),
  ].join('');
  return inside === '' ? '' : `<dm:person id="P1">${inside}</dm:person>`;
}

function activities(best: Endpoint | undefined, facts: PersonFacts | undefined): string {
  const own = best && activityFor(best.show, best.activity);
  const words: readonly ActivityWord[] =
    facts !== undefined && facts.activities.length > 0 ? facts.activities : own === undefined ? [] : [{ rpid: own }];
  if (words.length === 0) return '';
  const { subject, place, until } = facts?.meeting ?? {};
  const about = [subject, place === undefined ? undefined : `(${place})`].filter((part) => part !== undefined).join(' ');
  const rest = words.map((word) => ('rpid' in word ? `<r:${word.rpid}/>` : noted('r:other', word.other))).join('');
  return `<r:activities${until === undefined ? '' : ` until="${stamp(until)}"`}>${about === '' ? '' : noted('r:note', { text: about })}${rest}</r:activities>`;
}

/** RFC 4480 §3.13: minutes from UTC. */
function timeOffset(zone: PersonFacts['timeZone']): string {
  return zone === undefined ? '' : `<r:time-offset description="${escapeXml(zone.name)}">${zone.offsetMinutes}</r:time-offset>`;
}

function personNotes(facts: PersonFacts | undefined): readonly Note[] {
  const { outOfOffice, timeZone, notes = [] } = facts ?? {};
  return [...(outOfOffice === undefined ? [] : [{ text: outOfOfficeWords(outOfOffice, timeZone?.name) }]), ...notes];
}

function noted(name: string, { text, lang }: Note): string {
  const tag = lang === undefined ? '' : ` xml:lang="${escapeXml(lang)}"`;
  return `<${name}${tag}>${escapeXml(text.slice(0, MAX_NOTE_CHARS).toWellFormed())}</${name}>`;
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
