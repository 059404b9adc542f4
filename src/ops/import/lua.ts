// The part of Lua that Prosody's configuration is written in as a rule: settings of texts, numbers, truths and tables, and
// the sections VirtualHost, Component and Include. Read as data, never run; what is code is told with its line and skipped.

export type LuaValue = string | number | boolean | LuaTable;
/** A table: its positional items, and its keys. */
export interface LuaTable {
  readonly items: readonly LuaValue[];
  readonly keys: ReadonlyMap<string, LuaValue>;
}

export type LuaStatement =
  | { readonly kind: 'set'; readonly name: string; readonly value: LuaValue; readonly line: number }
  | { readonly kind: 'section'; readonly word: 'VirtualHost' | 'Component'; readonly name: string; readonly line: number }
  | { readonly kind: 'include'; readonly path: string; readonly line: number }
  /** What was skipped. */
  | { readonly kind: 'code'; readonly text: string; readonly line: number };

interface Token {
  readonly kind: 'name' | 'text' | 'number' | 'sign';
  readonly value: string;
  readonly line: number;
  /** The first of its line: a statement may begin here. */
  readonly first: boolean;
}

const MAX_DEPTH = 16;
const MAX_STATEMENTS = 50_000;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' };

/** Reads a configuration. @returns its statements in order, or why it cannot be one */
export function readLua(text: string): readonly LuaStatement[] | string {
  const tokens = tokensOf(text);
  if (typeof tokens === 'string') return tokens;
  const statements: LuaStatement[] = [];
  let at = 0;
  while (at < tokens.length && statements.length < MAX_STATEMENTS) {
    const found = statementAt(tokens, at);
    if (found !== undefined) {
      statements.push(found.statement);
      at = found.next;
      if (tokens[at]?.value === ';') at++;
      continue;
    }
    // Code: what begins a line with a name may be a statement again.
    const start = at++;
    while (at < tokens.length && !(tokens[at]!.first && tokens[at]!.kind === 'name')) at++;
    const words = tokens.slice(start, Math.min(at, start + 8)).map(({ value }) => value);
    statements.push({ kind: 'code', text: words.join(' ').slice(0, 80), line: tokens[start]!.line });
  }
  return statements;
}

function statementAt(tokens: readonly Token[], at: number): { readonly statement: LuaStatement; readonly next: number } | undefined {
  const [token, second] = [tokens[at]!, tokens[at + 1]];
  if (token.kind !== 'name' || second === undefined) return undefined;
  const { line } = token;
  if (second.value === '=' && second.kind === 'sign') {
    const value = valueAt(tokens, at + 2, 0);
    if (value === undefined) return undefined;
    const after = tokens[value.next];
    // `a = "x" .. name`, `a = f()`: more than a value.
    if (after !== undefined && !after.first && after.value !== ';' && after.kind === 'sign') return undefined;
    return { statement: { kind: 'set', name: token.value, value: value.value, line }, next: value.next };
  }
  const open = second.value === '(' && second.kind === 'sign';
  const argument = tokens[open ? at + 2 : at + 1];
  if (argument?.kind !== 'text') return undefined;
  let next = at + (open ? 3 : 2);
  if (open) {
    if (tokens[next]?.value !== ')') return undefined;
    next++;
  }
  if (token.value === 'Include') return { statement: { kind: 'include', path: argument.value, line }, next };
  if (token.value === 'VirtualHost' || token.value === 'Host' || token.value === 'Component') {
    // Component "rooms.example" "muc"
    if (token.value === 'Component' && tokens[next]?.kind === 'text' && tokens[next]?.first === false) next++;
    const word = token.value === 'Component' ? 'Component' : 'VirtualHost';
    return { statement: { kind: 'section', word, name: argument.value, line }, next };
  }
  return undefined;
}

function valueAt(tokens: readonly Token[], at: number, depth: number): { readonly value: LuaValue; readonly next: number } | undefined {
  const token = tokens[at];
  if (token === undefined || depth > MAX_DEPTH) return undefined;
  if (token.kind === 'text') return { value: token.value, next: at + 1 };
  if (token.kind === 'number') return { value: Number(token.value), next: at + 1 };
  if (token.kind === 'name' && (token.value === 'true' || token.value === 'false')) return { value: token.value === 'true', next: at + 1 };
  if (token.kind === 'name' && token.value === 'nil') return { value: '', next: at + 1 };
  if (token.value === '-' && tokens[at + 1]?.kind === 'number') return { value: -Number(tokens[at + 1]!.value), next: at + 2 };
  return token.kind === 'sign' && token.value === '{' ? tableAt(tokens, at + 1, depth + 1) : undefined;
}

function tableAt(tokens: readonly Token[], from: number, depth: number): { readonly value: LuaTable; readonly next: number } | undefined {
  const items: LuaValue[] = [];
  const keys = new Map<string, LuaValue>();
  let at = from;
  while (at < tokens.length) {
    const token = tokens[at]!;
    if (token.kind === 'sign' && token.value === '}') return { value: { items, keys }, next: at + 1 };
    if (token.kind === 'sign' && (token.value === ',' || token.value === ';')) {
      at++;
      continue;
    }
    const key = keyAt(tokens, at);
    const value = valueAt(tokens, key?.next ?? at, depth);
    if (value === undefined) return undefined;
    if (key === undefined) items.push(value.value);
    else keys.set(key.key, value.value);
    at = value.next;
  }
  return undefined;
}

/** `name =` or `["text"] =`. */
function keyAt(tokens: readonly Token[], at: number): { readonly key: string; readonly next: number } | undefined {
  const token = tokens[at]!;
  if (token.kind === 'name' && tokens[at + 1]?.value === '=' && tokens[at + 1]?.kind === 'sign') return { key: token.value, next: at + 2 };
  const inner = tokens[at + 1];
  const bracketed = token.kind === 'sign' && token.value === '[' && (inner?.kind === 'text' || inner?.kind === 'number');
  return bracketed && tokens[at + 2]?.value === ']' && tokens[at + 3]?.value === '=' ? { key: inner.value, next: at + 4 } : undefined;
}

function tokensOf(text: string): readonly Token[] | string {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  let lastLine = 0;
  const push = (kind: Token['kind'], value: string): void => {
    tokens.push({ kind, value, line, first: line !== lastLine });
    lastLine = line;
  };
  /** Moves on over `piece`. @returns the same */
  const take = (piece: string): string => {
    at += piece.length;
    for (const letter of piece) if (letter === '\n') line++;
    return piece;
  };
  const sticky = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  while (at < text.length) {
    const long = sticky(/(--)?\[(=*)\[/y);
    if (long !== null) {
      const end = text.indexOf(`]${long[2]}]`, at + long[0].length);
      if (end < 0) return `line ${line}: [[ is never closed`;
      const body = text.slice(at + long[0].length, end);
      if (long[1] === undefined) push('text', body.replace(/^\r?\n/, ''));
      take(text.slice(at, end + long[2]!.length + 2));
      lastLine = long[1] === undefined ? line : lastLine;
      continue;
    }
    const skipped = sticky(/(?:\s+|--[^\n]*|#![^\n]*)/y);
    if (skipped !== null) {
      take(skipped[0]);
      continue;
    }
    const quoted = sticky(/"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'/y);
    if (quoted !== null) {
      push('text', unescaped(quoted[0].slice(1, -1)));
      take(quoted[0]);
      continue;
    }
    if (text[at] === '"' || text[at] === "'") return `line ${line}: a quote is never closed`;
    const word = sticky(/[A-Za-z_][A-Za-z0-9_]*/y);
    const number = word === null ? sticky(/0[xX][0-9A-Fa-f]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y) : null;
    if (word !== null) push('name', word[0]);
    else if (number !== null) push('number', number[0]);
    else push('sign', text[at]!);
    take(word?.[0] ?? number?.[0] ?? text[at]!);
  }
  return tokens;
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(\d{1,3}|x[0-9A-Fa-f]{2}|[\s\S])/g, (_, mark: string) => {
    if (/^\d/.test(mark)) return String.fromCharCode(Number(mark));
    if (mark.startsWith('x') && mark.length === 3) return String.fromCharCode(Number.parseInt(mark.slice(1), 16));
    return ESCAPES[mark] ?? mark;
  });
}
