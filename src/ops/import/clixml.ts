// Export-Clixml: PowerShell's own XML ([MS-PSRP] 2.2.5). Objects with type names (TN, or TNRef to an earlier one),
// properties (Props, and MS for added ones), lists (LST, IE, STK, QUE) and references (Ref) to what was written before.
// Read with bounds: no DTD, so no entities; bytes, depth and count are limited.

import { SaxesParser } from 'saxes';
import { type Cell, type ExportedObject, listCell, MAX_OBJECTS, type Read, textCell } from './record.ts';

const MAX_DEPTH = 48;
const MAX_NODES = 2_000_000;

interface Node {
  readonly tag: string;
  /** The property's name (`N`). */
  readonly name: string | undefined;
  readonly refId: string | undefined;
  readonly line: number;
  text: string;
  readonly children: Node[];
}

class TooMuch extends Error {}

/** @param file its name, for origins */
export function readCliXml(file: string, text: string): Read {
  let root: Node;
  try {
    root = parse(text);
  } catch (error) {
    return `it is not XML as Export-Clixml writes it: ${error instanceof Error ? error.message.split('\n')[0]!.slice(0, 160) : String(error)}`;
  }
  if (root.tag !== 'Objs') return `its first element is ${root.tag.slice(0, 40)}; Export-Clixml writes Objs`;
  const known = new Map<string, Node>();
  const types = new Map<string, readonly string[]>();
  index(root, known, types);
  // Export-Clixml -InputObject (a list) wraps the objects into one list object.
  const objects: ExportedObject[] = [];
  for (const node of root.children.flatMap((child) => unwrapped(child, known))) {
    if (objects.length >= MAX_OBJECTS) return `it has more than ${MAX_OBJECTS} objects`;
    const object = objectOf(file, node, known, types);
    if (object !== undefined) objects.push(object);
  }
  return { objects };
}

function parse(text: string): Node {
  const root: Node = { tag: '', name: undefined, refId: undefined, line: 1, text: '', children: [] };
  const open: Node[] = [root];
  let nodes = 0;
  const parser = new SaxesParser({ xmlns: false, position: true });
  parser.on('doctype', () => {
    throw new TooMuch('it has a DTD, which such a file never has');
  });
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (open.length > MAX_DEPTH) throw new TooMuch(`it is nested deeper than ${MAX_DEPTH} levels`);
    if (++nodes > MAX_NODES) throw new TooMuch(`it has more than ${MAX_NODES} elements`);
    const named = attributes.N;
    const node: Node = {
      tag: name,
      name: named === undefined ? undefined : plain(named),
      refId: attributes.RefId,
      line: parser.line,
      text: '',
      children: [],
    };
    open.at(-1)!.children.push(node);
    open.push(node);
  });
  parser.on('text', (piece) => {
    const node = open.at(-1)!;
    if (node.children.length === 0) node.text += piece;
  });
  parser.on('cdata', (piece) => {
    open.at(-1)!.text += piece;
  });
  parser.on('closetag', () => {
    open.pop();
  });
  // A stream of a remote shell begins with this line.
  parser.write(text.replace(/^#< CLIXML\r?\n/, '')).close();
  return root.children[0] ?? root;
}

/** Remembers objects by RefId (they may be referred to later), and lists of type names by theirs. */
function index(node: Node, known: Map<string, Node>, types: Map<string, readonly string[]>): void {
  for (const child of node.children) {
    if (child.refId !== undefined) {
      if (child.tag === 'Obj') known.set(child.refId, child);
      if (child.tag === 'TN')
        types.set(
          child.refId,
          child.children.map((one) => one.text.trim()),
        );
    }
    index(child, known, types);
  }
}

function resolved(node: Node, known: ReadonlyMap<string, Node>): Node | undefined {
  return node.tag === 'Ref' ? known.get(node.refId ?? '') : node;
}

function listOf(node: Node): Node | undefined {
  return node.children.find(({ tag }) => tag === 'LST' || tag === 'IE' || tag === 'STK' || tag === 'QUE');
}

function unwrapped(node: Node, known: ReadonlyMap<string, Node>): readonly Node[] {
  const object = resolved(node, known);
  if (object === undefined) return [];
  const list = listOf(object);
  const bare = list !== undefined && !object.children.some(({ tag }) => tag === 'Props');
  return bare ? list.children.flatMap((child) => resolved(child, known) ?? []) : [object];
}

function objectOf(
  file: string,
  node: Node,
  known: ReadonlyMap<string, Node>,
  types: ReadonlyMap<string, readonly string[]>,
): ExportedObject | undefined {
  if (node.tag !== 'Obj') return undefined;
  const cells = new Map<string, Cell>();
  const names: string[] = [];
  for (const group of node.children) {
    if (group.tag !== 'Props' && group.tag !== 'MS') continue;
    for (const property of group.children) {
      if (property.name === undefined) continue;
      names.push(property.name);
      const cell = cellOf(property, known);
      if (cell !== undefined) cells.set(property.name.toLowerCase(), cell);
    }
  }
  const type = typesOf(node, types)[0];
  return { origin: { file, row: node.line, unit: 'line' }, ...(type !== undefined && { type }), cells, names };
}

function typesOf(node: Node, types: ReadonlyMap<string, readonly string[]>): readonly string[] {
  for (const child of node.children) {
    if (child.tag === 'TN') return child.children.map((one) => one.text.trim());
    if (child.tag === 'TNRef') return types.get(child.refId ?? '') ?? [];
  }
  return [];
}

function cellOf(property: Node, known: ReadonlyMap<string, Node>): Cell | undefined {
  switch (property.tag) {
    case 'Nil':
      return undefined;
    case 'S':
    case 'URI':
    case 'Version':
    case 'G':
      return textCell(plain(property.text));
    case 'B':
      return { kind: 'text', text: property.text.trim() === 'true' ? 'True' : 'False' };
    case 'SS':
      return { kind: 'lost', text: 'an encrypted text' };
    case 'Obj':
    case 'Ref': {
      const object = resolved(property, known);
      if (object === undefined) return { kind: 'lost', text: 'a reference to nothing' };
      const list = listOf(object);
      if (list !== undefined) return listCell(list.children.map((item) => itemText(item, known)));
      // An enumeration has its word as ToString.
      const word = object.children.find(({ tag }) => tag === 'ToString')?.text;
      return word === undefined ? { kind: 'lost', text: 'an object' } : textCell(plain(word));
    }
    default:
      return textCell(plain(property.text)); // numbers and times
  }
}

function itemText(item: Node, known: ReadonlyMap<string, Node>): string {
  const object = resolved(item, known);
  if (object === undefined) return '';
  if (object.tag !== 'Obj') return plain(object.text);
  const domain = object.children.flatMap((group) => group.children).find(({ name }) => name === 'Domain' || name === 'Value');
  return plain(domain?.text ?? object.children.find(({ tag }) => tag === 'ToString')?.text ?? '');
}

/** [MS-PSRP] 2.2.5.3.2: characters that XML cannot hold are written _xHHHH_. */
function plain(text: string): string {
  return text.replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
