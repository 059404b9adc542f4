// Ad-hoc commands (XEP-0050) on a user's own account: a list of commands, each one form to fill in and one answer. Nothing is
// kept between the two: what the form says is all there is, so a command may be completed by any stream of the user.

import { type Element, element } from '../../element.ts';
import { NS } from '../../names.ts';
import { type Asker, type IqAnswer, type IqHandler, type IqRequest, refuse } from '../iq-table.ts';
import { type Field, printForm, readForm } from './data-form.ts';

/** What a command shows before, and says after. */
export interface CommandForm {
  readonly instructions?: string;
  readonly fields: readonly Field[];
}
export type CommandResult =
  | { readonly kind: 'done'; readonly words: string; readonly fields?: readonly Field[] }
  /** Not done; the form is shown again with the reason. */
  | { readonly kind: 'refused'; readonly words: string };

export interface Command {
  readonly node: string;
  readonly name: string;
  form(asker: Asker): Promise<CommandForm>;
  submit(asker: Asker, values: ReadonlyMap<string, string>): Promise<CommandResult>;
}

/** @param token makes the name of a session */
export function adHoc(commands: readonly Command[], token: () => string): IqHandler {
  const byNode = new Map(commands.map((command) => [command.node, command]));
  return {
    ns: NS.commands,
    // Profanity and others look on the server for what XEP-0050 §2.2 has on any entity: the same commands of the same user.
    targets: ['account', 'server'],
    node: (request, what) => discover(request, what, byNode),
    async set({ asker, payload }) {
      const command = byNode.get(payload.attrs.node ?? '');
      if (command === undefined) return refuse('item-not-found', 'cancel', 'there is no such command');
      const { action = 'execute', sessionid } = payload.attrs;
      const session = sessionid === undefined || sessionid === '' ? token() : sessionid.slice(0, 128);
      if (action === 'cancel') return [answer(command, session, 'canceled', [])];
      // XEP-0050 §3.4: of one stage, execute, next and complete are one.
      if (!['execute', 'next', 'complete'].includes(action)) return refuse('bad-request', 'modify', 'there is no stage before this one');
      const values = readForm(payload);
      if (values === undefined) return [answer(command, session, 'executing', await shown(command, asker))];
      const result = await command.submit(asker, values);
      if (result.kind === 'refused')
        return [answer(command, session, 'executing', [...(await shown(command, asker)), note('error', result.words)])];
      const form = result.fields === undefined ? [] : [printForm('result', command.name, undefined, result.fields)];
      return [answer(command, session, 'completed', [...form, note('info', result.words)])];
    },
  };
}

async function shown(command: Command, asker: Asker): Promise<Element[]> {
  const { instructions, fields } = await command.form(asker);
  return [
    element('actions', NS.commands, { execute: 'complete' }, [element('complete', NS.commands)]),
    printForm('form', command.name, instructions, fields),
  ];
}

function answer({ node }: Command, sessionid: string, status: string, children: readonly Element[]): Element {
  return element('command', NS.commands, { node, sessionid, status }, children);
}

function note(type: 'info' | 'error', words: string): Element {
  return element('note', NS.commands, { type }, [words]);
}

/** XEP-0050 §2.2, §2.3. */
function discover({ payload, stanza }: IqRequest, what: 'info' | 'items', byNode: ReadonlyMap<string, Command>): IqAnswer | undefined {
  const { node } = payload.attrs;
  const command = byNode.get(node ?? '');
  if (node !== NS.commands && command === undefined) return undefined;
  if (what === 'items') {
    const jid = stanza.attrs.to ?? stanza.attrs.from?.replace(/\/.*$/s, '');
    const all = command === undefined ? [...byNode.values()] : [];
    const items = all.map((one) => element('item', NS.discoItems, { jid, node: one.node, name: one.name }));
    return [element('query', NS.discoItems, { node }, items)];
  }
  const type = command === undefined ? 'command-list' : 'command-node';
  return [
    element('query', NS.discoInfo, { node }, [
      element('identity', NS.discoInfo, { category: 'automation', type, name: command?.name }),
      ...[NS.commands, NS.forms].map((name) => element('feature', NS.discoInfo, { var: name })),
    ]),
  ];
}
