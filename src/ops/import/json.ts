// ConvertTo-Json: one object, or a list of them. Enumerations arrive as bare numbers unless they were turned to text, and
// what lies deeper than -Depth arrives as the name of its type.

import { type Cell, type ExportedObject, listCell, MAX_OBJECTS, type Read, textCell } from './record.ts';

/** @param file its name, for origins */
export function readJson(file: string, text: string): Read {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `it is not JSON: ${error instanceof Error ? error.message.slice(0, 160) : String(error)}`;
  }
  // ConvertTo-Json of a collection object, in place of its members, wraps them.
  const wrapped = isObject(value) && Array.isArray(value.value) && 'Count' in value ? value.value : value;
  const list: readonly unknown[] = Array.isArray(wrapped) ? wrapped : [wrapped];
  if (list.length > MAX_OBJECTS) return `it has more than ${MAX_OBJECTS} entries`;
  const objects: ExportedObject[] = [];
  for (const [index, entry] of list.entries()) {
    if (!isObject(entry)) return `entry ${index + 1} is ${entry === null ? 'null' : `a ${typeof entry}`}, not an object with properties`;
    const cells = new Map<string, Cell>();
    for (const [name, property] of Object.entries(entry)) {
      const cell = cellOf(property);
      if (cell !== undefined) cells.set(name.toLowerCase(), cell);
    }
    objects.push({ origin: { file, row: index + 1, unit: 'entry' }, cells, names: Object.keys(entry) });
  }
  return { objects };
}

function cellOf(value: unknown): Cell | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return textCell(value);
  if (typeof value === 'number') return { kind: 'number', text: String(value) };
  if (typeof value === 'boolean') return { kind: 'text', text: value ? 'True' : 'False' };
  if (Array.isArray(value)) return listCell(value.map(textOf));
  if (!isObject(value)) return undefined;
  // ConvertTo-Json -EnumsAsStrings is of PowerShell 7; before, `Value` stands beside the word.
  if (typeof value.Value === 'string') return textCell(value.Value);
  if (Array.isArray(value.value)) return listCell(value.value.map(textOf));
  return { kind: 'lost', text: 'an object' };
}

function textOf(value: unknown): string {
  if (isObject(value)) {
    const named = value.Domain ?? value.Value ?? value.Name;
    return typeof named === 'string' ? named : '';
  }
  return value === null || value === undefined ? '' : String(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
