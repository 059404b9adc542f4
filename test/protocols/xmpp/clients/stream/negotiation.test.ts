// The steps of a client's stream, in any order: nobody gets past the sign-in who has not signed in, an ended stream says nothing,
// and a stream that has ended never begins again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Person } from '../../../../../src/model/core.ts';
import {
  type ClientAction,
  type ClientInput,
  type ClientRules,
  type ClientState,
  clientStart,
  clientStep,
} from '../../../../../src/protocols/xmpp/clients/stream/negotiation.ts';
import { type Element, element } from '../../../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../../../src/protocols/xmpp/names.ts';

const RULES: ClientRules = {
  serves: (domain) => (domain === 'people.example' ? domain : undefined),
  mechanisms: ['SCRAM-SHA-256', 'PLAIN'],
  bindings: [],
  tokens: ['HT-SHA-256-NONE'],
  invited: true,
};
const PERSON: Person = { address: { local: 'nora', domain: 'people.example' }, name: 'Nora', disabled: false, groups: [], createdAt: 0 };
const authenticate = (...children: readonly Element[]): Element => element('authenticate', NS.sasl2, { mechanism: 'PLAIN' }, children);
const iq = (payload: Element): Element => element('iq', NS.server, { type: 'set', id: 'x' }, [payload]);
const header = (to: string | undefined): ClientInput => ({ kind: 'header', header: { dialback: false, ...(to !== undefined && { to }) } });
const received = (one: Element): ClientInput => ({ kind: 'element', element: one });
const HEADER = header('people.example');
const SUCCESS: ClientInput = { kind: 'verdict', reply: { is: 'success', person: PERSON } };

const INPUTS: readonly ClientInput[] = [
  header('people.example'),
  header('elsewhere.example'),
  header(undefined),
  received(element('starttls', NS.tls)),
  received(element('auth', NS.sasl, { mechanism: 'PLAIN' }, ['AAAA'])),
  received(element('auth', NS.sasl, { mechanism: 'X' })),
  received(element('response', NS.sasl, {}, ['AAAA'])),
  received(authenticate()),
  received(authenticate(element('bind', NS.bind2), element('resume', NS.sm, { previd: 'x', h: '0' }))),
  received(element('authenticate', NS.sasl2, { mechanism: 'HT-SHA-256-NONE' }, [element('fast', NS.fast)])),
  received(element('response', NS.sasl2, {}, ['AAAA'])),
  received(element('abort', NS.sasl2)),
  received(iq(element('preauth', NS.preAuth, { token: 'x' }))),
  received(iq(element('bind', NS.bind))),
  received(element('resume', NS.sm, { previd: 'x', h: '0' })),
  received(element('enable', NS.sm)),
  received(element('message', NS.server, { to: 'omar@people.example' })),
  { kind: 'secured' },
  SUCCESS,
  { kind: 'verdict', reply: { is: 'challenge', data: 'x' } },
  { kind: 'verdict', reply: { is: 'failure', condition: 'not-authorized' } },
  { kind: 'answered' },
  { kind: 'welcomed', open: true },
  { kind: 'welcomed', open: false },
  { kind: 'resumed', ok: true },
  { kind: 'resumed', ok: false },
];
/** Only for who is signed in. */
const INSIDE: ReadonlySet<ClientAction['do']> = new Set(['welcome', 'bind', 'resume', 'take']);

test('whatever comes in whatever order, nothing is done for who has not signed in, and the end is the end', () => {
  const reached = new Set<string>();
  const inputs = fc.array(fc.nat({ max: INPUTS.length - 1 }), { maxLength: 40 });
  fc.assert(
    fc.property(fc.boolean(), inputs, (secure, chosen) => {
      let state: ClientState = clientStart(secure);
      let asked = false;
      let signedIn = false;
      for (const index of chosen) {
        const before: ClientState = state;
        const input = chooses(before, index);
        reached.add(before.is);
        const [after, actions] = clientStep(before, input, RULES);
        if (before.is === 'awaitingVerdict' && input === SUCCESS) signedIn = asked;
        if (actions.some((action) => action.do === 'beginAuth')) asked = true;
        if (!signedIn) assert(!actions.some((action) => INSIDE.has(action.do)), `${before.is} with ${JSON.stringify(input)}`);
        if (before.is === 'ended') assert.deepEqual([after.is, actions], ['ended', []]);
        if (after.is === 'ended' && before.is !== 'ended') assert.equal(actions.at(-1)?.do, 'end');
        state = after;
      }
    }),
    // With 500 rows a run now and then missed the rarest state.
    { numRuns: 3000 },
  );
  assert.equal(reached.size, 14, `reached ${[...reached].join(', ')}`);
});

/** Mostly an input that the state knows, or no row of them would get far. */
function chooses(state: ClientState, index: number): ClientInput {
  const from = [...INPUTS.slice(index), ...INPUTS.slice(0, index)];
  const known = index % 8 === 0 ? undefined : from.find((input) => clientStep(state, input, RULES)[0].is !== 'ended');
  return known ?? from[0] ?? HEADER;
}

/** The states that a row of inputs leads to. */
function states(...inputs: readonly ClientInput[]): string[] {
  let state = clientStart(true);
  return inputs.map((input) => {
    [state] = clientStep(state, input, RULES);
    return state.is;
  });
}

for (const [what, inputs, wanted] of [
  [
    'by RFC 6120 the stream begins anew, and a resource is bound',
    [HEADER, received(element('auth', NS.sasl, { mechanism: 'PLAIN' }, ['AAAA'])), SUCCESS, HEADER, received(iq(element('bind', NS.bind)))],
    ['awaitingAuth', 'awaitingVerdict', 'awaitingRestart', 'awaitingBind', 'open'],
  ],
  [
    'by XEP-0388 with a bind it is open at once',
    [HEADER, received(authenticate(element('bind', NS.bind2))), SUCCESS, { kind: 'welcomed', open: true }],
    ['awaitingAuth', 'awaitingVerdict', 'awaitingWelcome', 'open'],
  ],
  [
    'by XEP-0388 without one it goes on as it is',
    [HEADER, received(authenticate()), SUCCESS, { kind: 'welcomed', open: false }, received(iq(element('bind', NS.bind)))],
    ['awaitingAuth', 'awaitingVerdict', 'awaitingWelcome', 'awaitingBind', 'open'],
  ],
  [
    'a name of a client that no address can have is refused, and another may follow',
    [
      HEADER,
      received(authenticate()),
      SUCCESS,
      { kind: 'welcomed', open: false },
      received(iq(element('bind', NS.bind, {}, [element('resource', NS.bind, {}, ['no\u0378body'])]))),
      received(iq(element('bind', NS.bind, {}, [element('resource', NS.bind, {}, ['Nora’s phone'])]))),
    ],
    ['awaitingAuth', 'awaitingVerdict', 'awaitingWelcome', 'awaitingBind', 'awaitingBind', 'open'],
  ],
  [
    'somebody who is invited comes back to the sign-in',
    [HEADER, received(iq(element('preauth', NS.preAuth))), { kind: 'answered' }, received(authenticate()), SUCCESS],
    ['awaitingAuth', 'awaitingAnswer', 'awaitingAuth', 'awaitingVerdict', 'awaitingWelcome'],
  ],
  [
    'a stream of another domain after the sign-in is refused',
    [HEADER, received(element('auth', NS.sasl, { mechanism: 'PLAIN' }, ['AAAA'])), SUCCESS, header('elsewhere.example')],
    ['awaitingAuth', 'awaitingVerdict', 'awaitingRestart', 'ended'],
  ],
] as const satisfies readonly (readonly [string, readonly ClientInput[], readonly string[]])[])
  test(what, () => assert.deepEqual(states(...inputs), wanted));
