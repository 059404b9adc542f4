// What routes/filters.yaml says about the words of messages that cross the border, every default filled in, and the port of the
// operator's own filter. config/ makes the rules, routing/filter.ts obeys them, assembly/filter-hook.ts asks the hook.

import type { ProofWord } from './event.ts';
import type { Where } from './table.ts';

/** `toThem`: from a user of ours to a partner's; `fromThem`: the other way. */
export type Crossing = 'toThem' | 'fromThem';
export type FilterDirection = Crossing | 'both';

/** `allow`: it passes as a dead link. `warn`: it passes as it is, under a warning. `block`: the message is refused. */
export type UrlAction = 'off' | 'allow' | 'warn' | 'block';
export type FileAction = 'off' | 'warn' | 'block';

interface Directed {
  readonly direction: FilterDirection;
  readonly where: Where;
}

export interface UrlFilter extends Directed {
  readonly action: UrlAction;
  /** What a link begins with, lower case: `https:`, `ftp.`, `www*`. */
  readonly prefixes: readonly string[];
  /** Domains (A-labels) whose links, and those of everything below, pass untouched. */
  readonly trusted: readonly string[];
  /** Links to our own domains and to hosts without a dot pass untouched too. */
  readonly ignoreLocal: boolean;
  readonly warnMessage: string;
  /** Put before a message with dead links; empty: nothing. */
  readonly allowMessage: string;
}

export interface FileFilter extends Directed {
  readonly action: FileAction;
  /** Lower case, without the dot. */
  readonly extensions: ReadonlySet<string>;
  /** Where names are looked for. */
  readonly names: readonly ('links' | 'texts')[];
  readonly warnMessage: string;
}

export interface LengthFilter extends Directed {
  /** Unicode characters. */
  readonly most: number;
}

export interface Disclaimer extends Directed {
  readonly text: string;
}

export interface ExternalMark {
  /** Whose name carries the mark: of everybody who writes or asks (also when absent), of who asks to see somebody, or nobody's. */
  readonly names?: 'all' | 'requests' | 'off';
  /** `unproven`: senders of partners proven by dialback alone. */
  readonly who: 'unproven' | 'everyone';
  /** Before every message. */
  readonly prefix?: string;
  /** Before the first message of somebody whom our user has never written to. */
  readonly notice?: string;
  /** Before the first message of each conversation. */
  readonly warning?: string;
  readonly where: Where;
}

export interface HookRule extends Directed {
  readonly url: string;
  /** Name of a file in secrets/, sent as Authorization: Bearer. */
  readonly token?: string;
  /** For one message, waiting included. */
  readonly timeoutMs: number;
  readonly onFailure: 'refuse' | 'pass';
  /** Questions that are open at the same time. */
  readonly atOnce: number;
}

/** routes/filters.yaml. `urls` and `files` are there even when off: a partner's file may switch them on. */
export interface Filters {
  readonly urls: UrlFilter;
  readonly files: FileFilter;
  readonly length?: LengthFilter;
  readonly disclaimer?: Disclaimer;
  readonly externalMark?: ExternalMark;
  readonly hook?: HookRule;
  /** A conversation is over when a pair has been silent for so long. */
  readonly conversationPauseMs: number;
}

/** `filters:` of a partner's file: what differs for this partner. Where each key stands is in the partner's `sources`. */
export interface PartnerFilters {
  readonly urls?: UrlAction;
  readonly files?: FileAction;
  /** Besides those of routes/filters.yaml. */
  readonly trusted?: readonly string[];
  readonly length?: number;
  readonly disclaimer?: false;
  readonly externalMark?: false;
  readonly hook?: false;
}

/** What the hook is told about a message. */
export interface HookQuestion {
  readonly id: string;
  readonly at: number;
  readonly direction: Crossing;
  /** `local@domain`. */
  readonly from: string;
  readonly to: string;
  /** The partner's file name. */
  readonly partner: string;
  readonly proof: ProofWord;
  readonly body: string;
  readonly subject?: string;
  readonly lang?: string;
}

export type HookAnswer =
  | { readonly action: 'pass' }
  | { readonly action: 'refuse'; readonly reason?: string }
  | { readonly action: 'replace'; readonly body: string };

/** Asks the operator's own filter. Rejects with an Error in words when there is no usable answer in time. */
export type AskHook = (rule: HookRule, question: HookQuestion) => Promise<HookAnswer>;
