// What a client asks of its archive (XEP-0313 §4): the form with its conditions, and the part of the answer it wants (XEP-0059).
// Pure: an element in, a query or the refusal out.

import { bareKey } from '../../../model/address.ts';
import type { HistoryCut, HistoryFilter } from '../../../model/history.ts';
import { child, type Element, element, elements, text } from '../element.ts';
import { toAddress } from '../jid.ts';
import { NS } from '../names.ts';
import { refuse } from './iq-table.ts';

/** Lines in one answer: what a client gets that names no number, and the most. */
const USUAL_PAGE = 50;
const LARGEST_PAGE = 100;
/** Ids that may be asked for by name. */
const MAX_IDS = 100;
const MAX_ID = 256;

export interface ArchiveQuery {
  readonly filter: HistoryFilter;
  readonly cut: HistoryCut;
  /** Exactly these lines. */
  readonly ids?: readonly string[];
  /** The lines of the page newest first. */
  readonly flip: boolean;
}
type Refusal = ReturnType<typeof refuse>;

const bad = (words: string): Refusal => refuse('bad-request', 'modify', words);

/** @param query `<query/>` of type set */
export function readArchiveQuery(query: Element): ArchiveQuery | Refusal {
  const form = child(query, 'x', NS.forms);
  const fields = form === undefined ? { filter: {} } : readForm(form);
  if ('error' in fields) return fields;
  const set = child(query, 'set', NS.rsm);
  const cut = set === undefined ? bareCut(child(query, 'after', NS.mam)) : readCut(set);
  if ('error' in cut) return cut;
  return { ...fields, cut, flip: child(query, 'flip-page', NS.mam) !== undefined };
}

function readForm(form: Element): Pick<ArchiveQuery, 'filter' | 'ids'> | Refusal {
  if (form.attrs.type !== 'submit') return bad('the form is of type submit');
  let filter: HistoryFilter = {};
  let ids: readonly string[] | undefined;
  for (const field of elements(form)) {
    if (field.name !== 'field' || field.ns !== NS.forms) continue;
    const { var: name = '' } = field.attrs;
    const values = elements(field).flatMap((part) => (part.name === 'value' ? [text(part)] : []));
    const [value = '', ...others] = values;
    if (name === 'ids') {
      if (values.length > MAX_IDS) return bad(`at most ${MAX_IDS} ids at once`);
      ids = values;
      continue;
    }
    // An empty field is one that was not filled in.
    if (value === '') continue;
    if (others.length > 0) return bad(`${name} has one value`);
    const read = readField(name, value);
    if (read === undefined) return refuse('feature-not-implemented', 'cancel', `no archive of ours can be asked by ${name.slice(0, 100)}`);
    if ('error' in read) return read;
    filter = { ...filter, ...read };
  }
  return { filter, ...(ids !== undefined && { ids }) };
}

/** One condition; undefined: it is not known. */
function readField(name: string, value: string): HistoryFilter | Refusal | undefined {
  switch (name) {
    case 'FORM_TYPE':
      return value === NS.mam ? {} : bad(`FORM_TYPE is ${NS.mam}`);
    case 'with': {
      const address = toAddress(value);
      return 'code' in address ? refuse('jid-malformed', 'modify', address.text) : { peer: bareKey(address) };
    }
    case 'start':
    case 'end': {
      const at = readTime(value);
      if (at === undefined) return bad(`${name} is a time such as 2026-11-23T14:00:00Z`);
      return name === 'start' ? { since: at } : { until: at };
    }
    case 'after-id':
      return { afterId: value.slice(0, MAX_ID) };
    case 'before-id':
      return { beforeId: value.slice(0, MAX_ID) };
    default:
      return undefined;
  }
}

/** XEP-0082 §3.2. */
function readTime(value: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/.test(value)) return undefined;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : at;
}

/** Profanity 0.13 writes `after` without the `set` around it, and shows everything twice where it is not heard. */
function bareCut(after: Element | undefined): HistoryCut {
  return { limit: USUAL_PAGE, ...(after !== undefined && { after: text(after).slice(0, MAX_ID) }) };
}

function readCut(set: Element): HistoryCut | Refusal {
  const part = (name: string): string | undefined => {
    const found = child(set, name, NS.rsm);
    return found && text(found).slice(0, MAX_ID);
  };
  const max = part('max');
  if (max !== undefined && !/^\d{1,9}$/.test(max)) return bad('max is a number');
  // XEP-0059 §2.5: jumping to a number is not for lists that grow.
  if (part('index') !== undefined) return refuse('feature-not-implemented', 'cancel', 'pages are asked for by ids');
  const [after, before] = [part('after'), part('before')];
  return {
    limit: Math.min(max === undefined ? USUAL_PAGE : Number(max), LARGEST_PAGE),
    ...(after !== undefined && after !== '' && { after }),
    ...(before !== undefined && before !== '' && { before }),
    // XEP-0059 §2.3 and §2.4: the page before an id, or the last one.
    fromEnd: before !== undefined,
  };
}

/** XEP-0313 §4.1.6: what may be asked. */
export function archiveForm(): Element {
  const field = (name: string, type: string, value?: string): Element =>
    element('field', NS.forms, { var: name, type }, value === undefined ? [] : [element('value', NS.forms, {}, [value])]);
  const types = { with: 'jid-single', start: 'text-single', end: 'text-single', 'before-id': 'text-single', 'after-id': 'text-single' };
  return element('x', NS.forms, { type: 'form' }, [
    field('FORM_TYPE', 'hidden', NS.mam),
    ...Object.entries(types).map(([name, type]) => field(name, type)),
    field('ids', 'list-multi'),
  ]);
}
