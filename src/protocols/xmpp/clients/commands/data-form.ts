// Data forms (XEP-0004), as far as commands need them: fields to be filled in, and what was filled in.

import { child, type Element, element, elements, text } from '../../element.ts';
import { NS } from '../../names.ts';

/** Of one submitted field. */
const MAX_VALUE = 4096;
const MAX_FIELDS = 32;

export interface Field {
  readonly name: string;
  readonly type: 'text-single' | 'text-multi' | 'list-single' | 'boolean' | 'jid-single' | 'fixed';
  readonly label?: string;
  readonly value?: string;
  /** Of a list: what stands for what; no value is empty. */
  readonly options?: readonly { readonly value: string; readonly label: string }[];
  readonly required?: boolean;
}

/** `<x/>` of type form or result. */
export function printForm(type: 'form' | 'result', title: string, instructions: string | undefined, fields: readonly Field[]): Element {
  const said = instructions === undefined ? [] : [element('instructions', NS.forms, {}, [instructions])];
  return element('x', NS.forms, { type }, [element('title', NS.forms, {}, [title]), ...said, ...fields.map(printField)]);
}

function printField({ name, type, label, value, options, required }: Field): Element {
  // XEP-0004 §3.3: a field of type fixed need not have a name.
  const attrs = { var: type === 'fixed' ? undefined : name, type, label };
  return element('field', NS.forms, attrs, [
    ...(required === true ? [element('required', NS.forms)] : []),
    ...valuesOf(type, value),
    ...(options ?? []).map((one) => element('option', NS.forms, { label: one.label }, [element('value', NS.forms, {}, [one.value])])),
  ]);
}

/** XEP-0004 §3.3: one value for each line of text. An empty one is left out: Profanity 0.13 crashes on it. */
function valuesOf(type: Field['type'], value: string | undefined): Element[] {
  if (value === undefined || value === '') return [];
  const lines = type === 'text-multi' ? value.split('\n') : [value];
  return lines.map((line) => element('value', NS.forms, {}, [line]));
}

/** The values of a submitted form by name, lines joined; undefined: there is none. Values longer than may be are cut. */
export function readForm(parent: Element): ReadonlyMap<string, string> | undefined {
  const form = child(parent, 'x', NS.forms);
  if (form === undefined || form.attrs.type !== 'submit') return undefined;
  const fields = elements(form).filter(({ name, ns }) => name === 'field' && ns === NS.forms);
  return new Map(
    fields.slice(0, MAX_FIELDS).flatMap((field) => {
      const name = field.attrs.var;
      if (name === undefined) return [];
      const values = elements(field).filter((part) => part.name === 'value' && part.ns === NS.forms);
      return [[name, values.map(text).join('\n').slice(0, MAX_VALUE)] as const];
    }),
  );
}

/** XEP-0004 §3.3: 1 or true. Undefined: not given. */
export function isTrue(value: string | undefined): boolean | undefined {
  return value === undefined || value === '' ? undefined : value === '1' || value === 'true';
}
