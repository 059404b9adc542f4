// The words of a message, in every report that holds messages: for programs, and for people.

import type { ImSent } from '../model/event.ts';

/** For programs: what was not said is absent. */
export function saidView({ body, subject, lang, thread }: ImSent): Readonly<Record<string, string>> {
  return {
    body,
    ...(subject !== undefined && { subject }),
    ...(lang !== undefined && { lang }),
    ...(thread !== undefined && { thread }),
  };
}

/** For people: the body, with the subject before it. */
export function saidText({ subject, body }: Pick<ImSent, 'subject' | 'body'>): string {
  return subject === undefined || subject === '' ? body : `[${subject}] ${body}`;
}
