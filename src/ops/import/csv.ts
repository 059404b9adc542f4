// Export-Csv: a `#TYPE` line (Windows PowerShell), a line of property names, quoted cells. The separator is that of the
// machine's locale when -UseCulture was given: a semicolon in half of Europe.

import { parse } from 'csv-parse/sync';
import { type Cell, type ExportedObject, MAX_OBJECTS, type Read, textCell } from './record.ts';

const SEPARATORS = [',', ';', '\t', '|'] as const;

/** Reads a table. @param file its name, for origins */
export function readCsv(file: string, text: string): Read {
  const typeLine = /^#TYPE\s+(\S+)[^\n]*\n/i.exec(text);
  const skipped = typeLine === null ? 0 : 1;
  // One kind of line end, or the lines inside a cell would count twice.
  const body = text.slice(typeLine?.[0].length ?? 0).replaceAll('\r\n', '\n');
  const heading = /^[^\n]*/.exec(body)?.[0] ?? '';
  // A name never holds a separator, so the one that parts the heading most often is it.
  const delimiter = [...SEPARATORS].sort((a, b) => heading.split(b).length - heading.split(a).length)[0]!;
  let rows: { readonly record: readonly string[]; readonly info: { readonly lines: number } }[];
  try {
    // The cast holds: with `info`, and without `columns`, a row is its cells and where they stood; the declared type forgets `info`.
    rows = parse(body, {
      delimiter,
      info: true,
      skip_empty_lines: true,
      relax_column_count: true,
      to: MAX_OBJECTS + 2,
    }) as unknown as typeof rows;
  } catch (error) {
    const said = error instanceof Error ? error.message.split('\n')[0]!.slice(0, 160) : String(error);
    return `it is not a table as Export-Csv writes it: ${said}`;
  }
  const [first, ...others] = rows;
  if (first === undefined) return 'the table is empty';
  if (others.length > MAX_OBJECTS) return `it has more than ${MAX_OBJECTS} rows`;
  const names = first.record.map((name) => name.trim());
  const doubled = names.find((name, index) => name !== '' && names.indexOf(name) !== index);
  if (doubled !== undefined) return `the heading names "${doubled.slice(0, 60)}" twice`;
  const objects = others.map(({ record, info }): ExportedObject => {
    const cells = new Map<string, Cell>();
    names.forEach((name, index) => {
      const cell = textCell(record[index] ?? '');
      if (cell !== undefined && name !== '') cells.set(name.toLowerCase(), cell);
    });
    // `lines` counts to the end of a record; a cell with line breaks moves the beginning up.
    const above = record.reduce((sum, cell) => sum + (cell.match(/\n/g)?.length ?? 0), 0);
    const origin = { file, row: info.lines + skipped - above, unit: 'line' } as const;
    return { origin, ...(typeLine !== null && { type: typeLine[1]! }), cells, names };
  });
  return { objects };
}
