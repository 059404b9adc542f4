// What is wrong or worth knowing about a home: where it stands, what was found, what would be right.
// A fault keeps the set from taking effect; a warning and a "not yet" do not.

export type FindingCode =
  | 'CONFIG_SYNTAX'
  | 'CONFIG_DUPLICATE_KEY'
  | 'CONFIG_ANCHOR'
  | 'CONFIG_UNKNOWN_KEY'
  | 'CONFIG_MISSING_KEY'
  | 'CONFIG_VALUE'
  | 'CONFIG_SECRET_LITERAL'
  | 'CONFIG_SECRET_MISSING'
  | 'CONFIG_CONFLICT'
  | 'CONFIG_REFERENCE'
  | 'CONFIG_FILE'
  | 'CONFIG_MODE'
  | 'CONFIG_CERTIFICATE'
  | 'CONFIG_EXPOSED'
  | 'CONFIG_TEST'
  | 'CONFIG_NOT_YET';

/** A spot in the home. Lines and columns count from 1. */
export interface Place {
  /** Relative to the home, with forward slashes. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** JSON pointer inside the file; empty for the file as a whole. */
  readonly key: string;
}

export interface Finding extends Place {
  readonly level: 'fault' | 'warning' | 'notYet';
  readonly code: FindingCode;
  /** What stands there. Never the text of a secret. */
  readonly found: string;
  /** What would be right. */
  readonly right: string;
  /** The nearest valid spelling. */
  readonly meant?: string;
}

export type Fault = Finding & { readonly level: 'fault' };
export type Notice = Finding & { readonly level: 'warning' | 'notYet' };

const LEVEL_WORDS = { fault: 'fault', warning: 'warning', notYet: 'not yet' } as const;

/** One line for people and editors: `file:line:column: fault: found; right. Did you mean "x"?` */
export function showFinding(finding: Finding): string {
  const where = `${finding.file}:${finding.line}:${finding.column}`;
  const meant = finding.meant === undefined ? '' : ` Did you mean "${finding.meant}"?`;
  return `${where}: ${LEVEL_WORDS[finding.level]}: ${finding.found}; ${finding.right}.${meant}`;
}

/** The start of a file, for findings about the file itself. */
export function wholeFile(file: string): Place {
  return { file, line: 1, column: 1, key: '' };
}

/** Collects everything that is found, so that all of it is told at once. */
export class Findings {
  readonly #list: Finding[] = [];

  fault(code: FindingCode, place: Place, found: string, right: string, meant?: string): void {
    this.#add('fault', code, place, found, right, meant);
  }

  warning(code: FindingCode, place: Place, found: string, right: string, meant?: string): void {
    this.#add('warning', code, place, found, right, meant);
  }

  notYet(place: Place, found: string, right: string): void {
    this.#add('notYet', 'CONFIG_NOT_YET', place, found, right, undefined);
  }

  /** What was found before, about a file that is as it was. */
  take(found: readonly Finding[]): void {
    this.#list.push(...found);
  }

  faults(): Fault[] {
    return this.#sorted().filter((finding): finding is Fault => finding.level === 'fault');
  }

  notices(): Notice[] {
    return this.#sorted().filter((finding): finding is Notice => finding.level !== 'fault');
  }

  #add(level: Finding['level'], code: FindingCode, place: Place, found: string, right: string, meant: string | undefined): void {
    const { file, line, column, key } = place;
    this.#list.push({ level, code, file, line, column, key, found, right, ...(meant === undefined ? {} : { meant }) });
  }

  #sorted(): Finding[] {
    const byFile = (a: Finding, b: Finding) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0);
    return [...this.#list].sort((a, b) => byFile(a, b) || a.line - b.line || a.column - b.column);
  }
}
