// What a stream of either kind is told when something comes that its state does not know (RFC 6120 §4.9.3).

import type { Element } from '../element.ts';
import { isStanza } from '../parse.ts';
import type { StreamError } from '../stream-error.ts';

/** @param input of a receiving side's machine; what its own shell feeds it at a wrong time is a defect of ours */
export function unexpectedError(input: { readonly kind: 'element'; readonly element: Element } | { readonly kind: string }): StreamError {
  if ('element' in input) {
    const { element } = input;
    // RFC 6120 §4.9.3.12: stanzas before sign-in.
    if (isStanza(element)) return { condition: 'not-authorized', text: 'stanzas come after authentication' };
    return { condition: 'policy-violation', text: `<${element.name}/> is not what this stream waits for` };
  }
  if (input.kind === 'header') return { condition: 'bad-format', text: 'a second stream header' };
  return { condition: 'internal-server-error' };
}
