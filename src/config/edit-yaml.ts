// Edits one YAML file as an operator would: the lines that change, and no others. Comments, order, quotes and spacing stay.
// A step is carried out on the text itself, at the places where the parser found its nodes; what comes out is parsed again
// and must be the old value with exactly this change. Where the text is written too oddly for that, the yaml library rewrites
// the file, comments included.

import { isDeepStrictEqual } from 'node:util';
import { isMap, isScalar, isSeq, type Node, type parseDocument } from 'yaml';
import { EditError, parse, plainOf } from './yaml-plain.ts';
import { splice } from './yaml-splice.ts';
import { asList, changed, type KeyPath, type Step } from './yaml-step.ts';

/** Carries out `steps` on the text of a file, in order. @throws EditError when it is not plain YAML, or a step cannot be done in it */
export function editYaml(text: string, steps: readonly Step[]): string {
  return steps.reduce(editOnce, text);
}

function editOnce(text: string, step: Step): string {
  const before = plainOf(text);
  const wanted = changed(before, step);
  if (isDeepStrictEqual(before, wanted)) return text;
  for (const attempt of [splice, rewrite]) {
    const after = attempt(text, step);
    if (after !== undefined && holds(after, wanted)) return likeBefore(text, after);
  }
  throw new EditError(`/${step.path.join('/')} cannot be changed as the file is written; change it by hand`);
}

/** A file with Windows' line ends keeps them. */
function likeBefore(before: string, after: string): string {
  return /\r\n/.test(before) && !/[^\r]\n/.test(before) ? after.replaceAll(/\r?\n/g, '\r\n') : after;
}

function holds(text: string, wanted: unknown): boolean {
  try {
    return isDeepStrictEqual(plainOf(text), wanted);
  } catch {
    return false;
  }
}

/** Through the library. */
function rewrite(text: string, step: Step): string {
  const document = parse(text);
  if (step.kind === 'set') document.setIn(step.path, document.createNode(step.value));
  else if (step.kind === 'delete') {
    document.deleteIn(step.path);
    emptied(document, step.path.slice(0, -1));
  } else {
    const old = document.getIn(step.path, true);
    if (isSeq(old)) old.add(document.createNode(step.value));
    else
      document.setIn(
        step.path,
        document.createNode(
          old === undefined ? [step.value] : [...asList(isScalar(old) ? old.value : (old as Node).toJS(document)), step.value],
        ),
      );
  }
  return document.toString({ lineWidth: 0 });
}

/** A mapping that has lost its last key is written as one that is empty, not as nothing. */
function emptied(document: ReturnType<typeof parseDocument>, path: KeyPath): void {
  const left = path.length === 0 ? undefined : document.getIn(path, true);
  if ((isMap(left) || isSeq(left)) && left.items.length === 0) left.flow = true;
}
