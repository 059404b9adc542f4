// Requests that came in, until we answered. RFC 3261 §17.2.2 (figure 8) and, for INVITE, §17.2.1 (figure 7), on a reliable
// transport: Timers J and I are zero. A copy that arrives while we work is absorbed; the durable dedup behind us knows older
// ones. `stepServer` and `stepInviteServer` are pure; ServerTransactions is the shell of one connection, whose sweep owns the
// timers. RFC 4320 §4: no 408, and an answer that is later than Timer F would be is not sent.

/** After 64 * T1 the sender has given up (its Timer F; for INVITE our Timer H). */
export const SERVER_DEADLINE_MS = 32_000;

export type ServerState = 'trying' | 'proceeding' | 'completed' | 'terminated';
export type ServerInput =
  /** The same request again. */
  | { readonly kind: 'request' }
  | { readonly kind: 'ack' }
  | { readonly kind: 'respond'; readonly status: number }
  | { readonly kind: 'deadline' }
  | { readonly kind: 'transportFailed' };
export type ServerAction =
  | 'send'
  | 'sendAgain'
  /** A copy while we work: the answer is on its way. */
  | 'absorb'
  /** Nobody waits for it any more. */
  | 'dropLate'
  | 'none';

/** Figure 8, one input a line. */
export function stepServer(state: ServerState, input: ServerInput): readonly [ServerState, ServerAction] {
  const over = state === 'completed' || state === 'terminated';
  switch (input.kind) {
    case 'request':
      return [state, over ? 'sendAgain' : state === 'proceeding' ? 'sendAgain' : 'absorb'];
    case 'ack':
      return [state, 'none'];
    case 'respond':
      if (over) return [state, 'dropLate'];
      // Completed lasts Timer J, which is zero here.
      return input.status < 200 ? ['proceeding', 'send'] : ['terminated', 'send'];
    case 'deadline':
    case 'transportFailed':
      return ['terminated', 'none'];
    default:
      return input satisfies never;
  }
}

/** Figure 7 for an element that refuses every INVITE: the final answer is kept until its ACK (§17.2.1). */
export function stepInviteServer(state: ServerState, input: ServerInput): readonly [ServerState, ServerAction] {
  if (state === 'terminated') return [state, input.kind === 'respond' ? 'dropLate' : 'none'];
  switch (input.kind) {
    case 'request':
      return [state, state === 'trying' ? 'absorb' : 'sendAgain'];
    case 'ack':
      // Confirmed lasts Timer I, which is zero here.
      return [state === 'completed' ? 'terminated' : state, 'none'];
    case 'respond':
      if (state === 'completed') return [state, 'dropLate'];
      return input.status < 200 ? ['proceeding', 'send'] : ['completed', 'send'];
    case 'deadline':
    case 'transportFailed':
      return ['terminated', 'none'];
    default:
      return input satisfies never;
  }
}

/** What tells one transaction from another. */
export interface TransactionFacts {
  readonly method: string;
  /** Top Via: branch parameter ('' when absent) and sent-by in lower case. */
  readonly branch: string;
  readonly sentBy: string;
  readonly topVia: string;
  readonly uri: string;
  readonly callId: string;
  readonly cseq: number;
  readonly fromTag: string;
}

const COOKIE = 'z9hg4bk';

/** The key of RFC 3261 §17.2.3. An ACK has the key of its INVITE. */
export function serverKey(facts: TransactionFacts): string {
  const method = facts.method === 'ACK' ? 'INVITE' : facts.method;
  // A branch that is the cookie and nothing else tells nothing (RFC 4475 §3.2.1): RFC 2543 rules.
  if (facts.branch.length > COOKIE.length && facts.branch.slice(0, COOKIE.length).toLowerCase() === COOKIE) {
    return `${facts.branch} ${facts.sentBy} ${method}`;
  }
  // The To tag is left out: an ACK of our own refusal carries ours.
  return `2543 ${facts.uri} ${facts.callId} ${facts.cseq} ${facts.fromTag} ${method} ${facts.topVia}`;
}

interface ServerTransaction {
  state: ServerState;
  readonly invite: boolean;
  readonly deadlineMs: number;
  last?: Buffer;
}

/** What becomes of a request that came in. */
export type Received = 'new' | 'absorbed' | 'answeredAgain';

/** The open server transactions of one connection. */
export class ServerTransactions {
  readonly #open = new Map<string, ServerTransaction>();
  readonly #send: (bytes: Buffer) => void;
  #completed = 0;

  constructor(send: (bytes: Buffer) => void) {
    this.#send = send;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Those that still owe an answer: without INVITEs that only wait for their ACK. */
  get working(): number {
    return this.#open.size - this.#completed;
  }

  receive(key: string, method: string, nowMs: number): Received {
    const known = this.#open.get(key);
    if (known !== undefined) return this.#feed(key, known, { kind: 'request' }) === 'sendAgain' ? 'answeredAgain' : 'absorbed';
    this.#open.set(key, { state: 'trying', invite: method === 'INVITE', deadlineMs: nowMs + SERVER_DEADLINE_MS });
    return 'new';
  }

  /** ACK is never answered, whether it belongs to something or not (RFC 3261 §17). */
  ack(key: string): void {
    const known = this.#open.get(key);
    if (known !== undefined) this.#feed(key, known, { kind: 'ack' });
  }

  /** Sends the answer. False: too late, or the transaction is not open. */
  respond(key: string, status: number, bytes: Buffer): boolean {
    const known = this.#open.get(key);
    if (known === undefined) return false;
    return this.#feed(key, known, { kind: 'respond', status }, bytes) === 'send';
  }

  transportFailed(): void {
    for (const [key, transaction] of this.#open) this.#feed(key, transaction, { kind: 'transportFailed' });
  }

  sweep(nowMs: number): void {
    for (const [key, transaction] of this.#open) {
      if (nowMs >= transaction.deadlineMs) this.#feed(key, transaction, { kind: 'deadline' });
    }
  }

  #feed(key: string, transaction: ServerTransaction, input: ServerInput, bytes?: Buffer): ServerAction {
    const [state, action] = (transaction.invite ? stepInviteServer : stepServer)(transaction.state, input);
    if (state !== transaction.state) this.#completed += Number(state === 'completed') - Number(transaction.state === 'completed');
    transaction.state = state;
    if (action === 'send' && bytes !== undefined) {
      transaction.last = bytes;
      this.#send(bytes);
    } else if (action === 'sendAgain' && transaction.last !== undefined) this.#send(transaction.last);
    if (state === 'terminated') this.#open.delete(key);
    return action;
  }
}
