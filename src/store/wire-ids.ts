// The identifiers that an event carries on either wire in every try, as the columns of its row and of its ledger line hold them.

import type { WireIds } from '../model/ports.ts';
import { integer, maybeText, type Row, text } from './column.ts';

/** @param threadColumn where the conversation stands: a ledger line holds theirs and ours */
export function wireIdsOf(row: Row, threadColumn: 'thread' | 'out_thread'): WireIds {
  const thread = maybeText(row, threadColumn);
  return {
    callId: text(row, 'call_id'),
    fromTag: text(row, 'from_tag'),
    cseq: cseqOf(integer(row, 'row')),
    stanzaId: text(row, 'stanza_id'),
    ...(thread !== undefined && { thread }),
  };
}

/** RFC 3261 §8.1.1.5: a CSeq number is below 2**31. Rows count up, so a conversation's numbers do too. */
export function cseqOf(row: number): number {
  return row % 2 ** 31;
}
