// `isthmus request list|approve|deny`: who wants to reach somebody of ours for the first time, and the answer to it.
// It works on the database of the home; a running process finds the decision within 2 s (outbox/first-contact.ts).

import type { ContactRequest, ContactRequestStore } from '../model/stores.ts';

/** What a command prints and how it exits (DESIGN 11: 0 good, 1 finding, 2 usage). */
export interface Report {
  readonly text: string;
  readonly json: unknown;
  readonly exit: 0 | 1 | 2;
}

const REQUEST_HELP = `isthmus request list                 strangers who wait for an answer
isthmus request approve ID           let them in: what waits is delivered, and they may write from now on
isthmus request deny ID              turn them away: a subscription is answered no, a message is forgotten

  isthmus request approve 5f0c21aa`;

/** @param args what follows `request` on the command line, without options */
export async function request(args: readonly string[], store: ContactRequestStore, now: number): Promise<Report> {
  const [verb, id, ...rest] = args;
  if (verb === 'list' && id === undefined) return list(await store.list(), now);
  if ((verb === 'approve' || verb === 'deny') && id !== undefined && rest.length === 0) return decide(store, verb, id);
  return { text: REQUEST_HELP, json: { error: 'usage' }, exit: 2 };
}

function list(waiting: readonly ContactRequest[], now: number): Report {
  const json = waiting.map(({ id, from, to, kind, createdAt }) => ({ id, from, to, kind, createdAt: new Date(createdAt).toISOString() }));
  if (waiting.length === 0) return { text: 'No stranger waits.', json, exit: 0 };
  const lines = waiting.map(({ id, from, to, kind, createdAt }) => {
    const wish = kind === 'message' ? 'wants to write to' : 'wants to see the presence of';
    return `${id}  ${from} ${wish} ${to}, since ${age(now - createdAt)}`;
  });
  return { text: lines.join('\n'), json, exit: 0 };
}

async function decide(store: ContactRequestStore, verb: 'approve' | 'deny', id: string): Promise<Report> {
  const decided = await store.decide(id, verb === 'approve' ? 'approved' : 'denied');
  if (decided !== undefined) {
    const { from, to } = decided;
    const text =
      verb === 'approve'
        ? `${from} may reach ${to} from now on; what waited is on its way.`
        : `${from} was turned away; ${to} sees nothing of it.`;
    return { text, json: { id, decided: decided.decided, from, to }, exit: 0 };
  }
  const known = (await store.list()).map((one) => one.id);
  const near = known.find((one) => one.startsWith(id.slice(0, 3)));
  const hint = near === undefined ? 'isthmus request list shows what waits.' : `Did you mean ${near}?`;
  return { text: `No request ${id} waits for an answer. ${hint}`, json: { error: 'unknown', id }, exit: 1 };
}

function age(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}
