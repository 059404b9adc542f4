// isthmus demo: two small organisations, one on SIP and one on XMPP, and Isthmus between them; the assembly plays it.

import { type Command, type ExitCode, JSON_OPTION, type Terminal } from './command.ts';

export type RunDemo = (options: { readonly once: boolean; readonly json: boolean }, terminal: Terminal) => Promise<ExitCode>;

export function demoCommand(run: RunDemo): Command {
  return {
    words: 'demo',
    summary: 'shows presence and messages crossing between a SIP and an XMPP organisation, here and now',
    positionals: [],
    options: { once: { type: 'boolean', says: 'exit when everything has crossed: 0 if it has, 1 if not' }, json: JSON_OPTION },
    details:
      'Needs no home, no DNS and no certificates: it makes its own in a temporary folder, listens on loopback only, and removes them.',
    example: 'isthmus demo --once',
    run: ({ values }, terminal) => run({ once: values.once === true, json: values.json === true }, terminal),
  };
}
