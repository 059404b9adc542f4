// Changing one element or attribute of a document (RFC 4825 §7.4, §7.5, §7.7, §7.8, §8.2). Pure: text in, text or the conflict out.
// A PUT must be readable at the URI where it was put, and a DELETE must leave nothing there; what would not is refused.

import { escapeXml } from '../../documents/xml-reader.ts';
import { type Conflict, conflict } from './conflict.ts';
import { attributeAt, type NodeSelector, named, type Step, select } from './selector.ts';
import { appended, readTree, type Splice, spliced, type XmlElement } from './tree.ts';

/** `created`: there was nothing before. */
export type Edited = { readonly text: string; readonly root: XmlElement; readonly created: boolean } | Conflict;

type Target<Kind> = Extract<NodeSelector['end'], { kind: Kind }>;

/** @param fragment the body of the PUT */
export function putElement(source: string, root: XmlElement, steps: readonly Step[], fragment: string): Edited {
  const there = select(root, steps);
  const parent = there === undefined ? select(root, steps.slice(0, -1)) : there.parent;
  if (there === undefined && parent === undefined) return noParent(root, steps);
  const one = onlyElement(fragment, parent);
  if (one !== true) return one;
  const trimmed = fragment.replace(/^\uFEFF/, '').trim();
  const place =
    there === undefined ? insertion(source, parent!, steps.at(-1)!, trimmed) : { start: there.start, end: there.end, text: trimmed };
  if (place === undefined) return conflict('cannot-insert', 'an element put there would not be found at this address');
  const text = spliced(source, [place]);
  const after = readTree(text);
  if ('fault' in after) return conflict('not-xml-frag', after.text);
  const start = place.start + (place.text.length > trimmed.length && there === undefined ? place.text.indexOf(trimmed) : 0);
  // §8.2.3: idempotent, so the same selector finds it.
  if (select(after, steps)?.start !== start) return conflict('cannot-insert', 'the element put would not be found at this address');
  return { text, root: after, created: there === undefined };
}

/** §8.2.3: beside its like, in the position that is asked for, or as the last child. */
function insertion(source: string, parent: XmlElement, step: Step, text: string): Splice | undefined {
  const like = named(parent.children, step);
  const behind = (one: XmlElement | undefined): Splice =>
    one === undefined ? appended(source, parent, text) : { start: one.end, end: one.end, text };
  if (step.position === undefined) return step.name === '*' ? undefined : behind(like.at(-1));
  const here = like[step.position - 1];
  if (here !== undefined) return { start: here.start, end: here.start, text };
  return like.length === step.position - 1 ? behind(like.at(-1)) : undefined;
}

/** Is the body one element, with the meanings of prefixes that it would have in its place? */
function onlyElement(fragment: string, parent: XmlElement | undefined): true | Conflict {
  const bindings = [...(parent?.namespaces ?? [])]
    .filter(([prefix]) => prefix !== 'xml' && prefix !== 'xmlns')
    .map(([prefix, uri]) => `${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${escapeXml(uri)}"`);
  const whole = readTree(`<x ${bindings.join(' ')}>${fragment.replace(/^\uFEFF/, '')}</x>`);
  if ('fault' in whole) return conflict('not-xml-frag', whole.text);
  if (whole.children.length !== 1 || whole.text.trim() !== '') return conflict('not-xml-frag', 'the body is one element and nothing else');
  return true;
}

/** @param value the body of the PUT: the value as it stands between quotes */
export function putAttribute(source: string, root: XmlElement, steps: readonly Step[], end: Target<'attribute'>, value: string): Edited {
  const element = select(root, steps);
  if (element === undefined) return noParent(root, steps);
  if (/[<]/.test(value)) return conflict('not-xml-att-value', 'a value holds no <');
  const quoted = `"${value.replaceAll('"', '&quot;')}"`;
  const there = attributeAt(element, end);
  const name = there?.name ?? nameFor(element, end);
  if (name === undefined) return conflict('cannot-insert', 'the namespace of the attribute has no prefix here');
  const close = source.startsWith('/>', element.openEnd - 2) ? 2 : 1;
  const at = element.openEnd - close;
  const place = there ?? { start: at, end: at };
  const text = spliced(source, [{ start: place.start, end: place.end, text: ` ${name}=${quoted}` }]);
  const after = readTree(text);
  if ('fault' in after) return conflict('not-xml-att-value', after.text);
  if (select(after, steps)?.start !== element.start)
    return conflict('cannot-insert', 'its element would not be found at this address any more');
  return { text, root: after, created: there === undefined };
}

function nameFor({ namespaces }: XmlElement, { ns, local }: { ns: string; local: string }): string | undefined {
  if (ns === '') return local;
  const prefix = [...namespaces].find(([known, uri]) => known !== '' && uri === ns)?.[0];
  return prefix === undefined ? undefined : `${prefix}:${local}`;
}

/** Takes an element or an attribute away; undefined: it is not there. */
export function remove(source: string, root: XmlElement, { steps, end }: NodeSelector): Edited | undefined {
  const element = select(root, steps);
  if (element === undefined) return undefined;
  const gone = end.kind === 'attribute' ? attributeAt(element, end) : element;
  if (gone === undefined) return undefined;
  if (gone === root) return conflict('cannot-delete', 'a document has a root element; delete the document');
  const text = spliced(source, [{ start: gone.start, end: gone.end, text: '' }]);
  const after = readTree(text);
  if ('fault' in after) return conflict('cannot-delete', after.text);
  const still = select(after, steps);
  // §7.5, §7.8: afterwards nothing is found there, and the attribute's element still is.
  const wrong = end.kind === 'attribute' ? still === undefined : still !== undefined;
  if (wrong) return conflict('cannot-delete', 'something else would then be found at this address');
  return { text, root: after, created: false };
}

function noParent(root: XmlElement, steps: readonly Step[]): Conflict {
  let depth = steps.length - 1;
  while (depth > 0 && select(root, steps.slice(0, depth)) === undefined) depth -= 1;
  return conflict('no-parent', `only the first ${depth} of ${steps.length} steps lead to an element that is there`);
}
