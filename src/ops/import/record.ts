// One object of a Lync or Skype for Business export, whichever of the three forms it was written in.

/** Where something stood in what was imported: a line, or the number of an entry where lines mean nothing. */
export interface Origin {
  readonly file: string;
  readonly row: number;
  readonly unit: 'line' | 'entry';
}

export function showOrigin({ file, row, unit }: Origin): string {
  return unit === 'line' ? `${file}:${row}` : `${file} entry ${row}`;
}

/**
 * The value of a property. `lost`: the export holds only the name of a type in its place. `number`: an enumeration whose
 * word was not written.
 */
export type Cell =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'lost'; readonly text: string };

export interface ExportedObject {
  readonly origin: Origin;
  /** .NET type, where the form keeps it. */
  readonly type?: string;
  /** By the property's name in lower case; empty properties are left out. */
  readonly cells: ReadonlyMap<string, Cell>;
  /** The properties' names as written, also of empty ones. */
  readonly names: readonly string[];
}

/** A reader's answer: the objects, or why there are none. */
export type Read = { readonly objects: readonly ExportedObject[] } | string;

export const MAX_OBJECTS = 100_000;

/** What PowerShell writes for a list or object that a flat cell cannot hold. */
const TYPE_NAME = /^(?:System|Microsoft|Deserialized)\.[A-Za-z0-9_.`+#]+(?:\[.*\])?$/;

/** @returns undefined for an empty text */
export function textCell(text: string): Cell | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  return TYPE_NAME.test(trimmed) ? { kind: 'lost', text: trimmed } : { kind: 'text', text: trimmed };
}

export function listCell(items: readonly string[]): Cell | undefined {
  const full = items.map((item) => item.trim()).filter((item) => item !== '');
  return full.length === 0 ? undefined : { kind: 'list', items: full };
}
