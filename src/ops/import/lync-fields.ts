// The properties of one exported object, by name; what is unusable is remarked where it is asked for.

import type { Drafts } from './drafts.ts';
import { type LyncKind, unreadProperties } from './lync-kinds.ts';
import type { Cell, ExportedObject } from './record.ts';

const NO_WORD =
  'ConvertTo-Json wrote a number in place of the word; the stricter meaning was taken. Export-Csv or Export-Clixml keep the word';
const LOST_CELL =
  'the export holds the name of a type in its place, the value is lost; Export-Clixml keeps it, or join it to text before Export-Csv';

export class Fields {
  readonly object: ExportedObject;
  readonly drafts: Drafts;
  subject: string;
  constructor(object: ExportedObject, drafts: Drafts) {
    this.object = object;
    this.drafts = drafts;
    this.subject = this.#raw('Identity')?.text ?? 'an entry without a name';
  }

  get from() {
    return this.object.origin;
  }

  remark(kind: 'lost' | 'invalid' | 'note', what: string, why: string): void {
    this.drafts.remark(kind, this.from, this.subject, what, why);
  }

  text(name: string): string | undefined {
    const cell = this.#cell(name);
    if (cell === undefined || cell.kind === 'lost') {
      if (cell !== undefined) this.remark('lost', `${name} (${cell.text.slice(0, 60)})`, LOST_CELL);
      return undefined;
    }
    return cell.kind === 'list' ? cell.items.join(' ') : cell.text;
  }

  list(name: string): readonly string[] {
    const cell = this.#cell(name);
    if (cell?.kind === 'list') return cell.items;
    const text = this.text(name);
    return text === undefined ? [] : text.split(/[\s,;]+/).filter((item) => item !== '');
  }

  /** True, False, 1, 0; `otherwise` when it is not there. */
  truth(name: string, otherwise: boolean): boolean {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return otherwise;
    return text === 'true' || text === '1';
  }

  /** A word of an enumeration in lower case; a bare number is remarked. */
  word(name: string): string | undefined {
    const cell = this.#cell(name);
    if (cell?.kind === 'number' || (cell?.kind === 'text' && /^\d+$/.test(cell.text))) {
      this.remark('lost', `${name} ${cell.text}`, NO_WORD);
      return 'number';
    }
    return this.text(name)?.toLowerCase();
  }

  /** `Domain`, else `Identity`, which is the same there. */
  domain(): string | undefined {
    const written = this.text('Domain') ?? this.text('Identity');
    if (written === undefined) {
      this.remark('invalid', 'neither Domain nor Identity', 'there is nothing to know the partner by');
      return undefined;
    }
    const domain = this.drafts.domain(written, this.from, 'Domain');
    if (domain !== undefined) this.subject = domain;
    return domain;
  }

  tellUnread(kind: LyncKind): void {
    for (const name of unreadProperties(this.object, kind)) {
      const text = this.#cell(name)?.kind === 'text' ? ` ${this.text(name)?.slice(0, 60)}` : '';
      this.remark('lost', `${name}${text}`, 'this property is not known to the import');
    }
  }

  #cell(name: string): Cell | undefined {
    return this.object.cells.get(name.toLowerCase());
  }
  #raw(name: string): { readonly text: string } | undefined {
    const cell = this.#cell(name);
    return cell === undefined || cell.kind === 'list' ? undefined : cell;
  }
}

/** Free text on one line, bounded. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, 500);
}
