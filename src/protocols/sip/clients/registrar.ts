// The registrar (RFC 3261 §10.3): which clients a user has, and the flow each is reached on. A binding lives in memory and no
// longer than its connection: it says that a client is there, and after a restart of ours none is until it comes back.
// Outbound (RFC 5626): several flows of one device are one session. GRUU (RFC 5627): `gr` is the core's name of the client.

import { type Address, bareKey, sameBare, show } from '../../../model/address.ts';
import type { Core } from '../../../model/core.ts';
import type { Clock } from '../../../model/ports.ts';
import type { Reason } from '../../../model/reason.ts';
import { toSipUri } from '../address.ts';
import type { InboundRequest, OutgoingReply } from '../exchange.ts';
import { quote } from '../headers/grammar.ts';
import { parseTokens } from '../headers/tokens.ts';
import { parseSipUri } from '../uri.ts';
import { type Binding, Endpoint, type EndpointRooms } from './endpoint.ts';
import type { Flow } from './flow.ts';
import { ownAddress, type Serves, warning } from './gate.ts';
import { type AskedBinding, readRegister } from './register-request.ts';

export interface RegistrarParts {
  readonly core: Core;
  readonly clock: Clock;
  readonly rooms: EndpointRooms;
  readonly serves: Serves;
}

const MAX_ENDPOINTS_PER_USER = 16;
/** Expired bindings are looked for this often, ms. */
const SWEEP_MS = 10_000;
/** RFC 5626 §5.4: how often a client that keeps its flow alive should say so, seconds. */
const FLOW_TIMER_S = 120;

export class Registrar {
  readonly #parts: RegistrarParts;
  readonly #users = new Map<string, Map<string, Endpoint>>();
  #sweeping = false;

  constructor(parts: RegistrarParts) {
    this.#parts = parts;
  }

  /** Clients of all users. */
  get endpoints(): readonly Endpoint[] {
    return [...this.#users.values()].flatMap((each) => [...each.values()]);
  }

  /** Handler of REGISTER; the user has signed in. */
  register(flow: Flow, user: Address, request: InboundRequest): OutgoingReply {
    const { message } = request;
    // RFC 3261 §10.3 step 5: nobody registers for somebody else.
    const to = parseSipUri(request.to.uri);
    const aor = to === undefined ? undefined : ownAddress(to, this.#parts.serves);
    if (aor === undefined || !sameBare(aor, user)) return { status: 403, headers: [warning(`only ${show(user)} can be registered here`)] };
    const reading = readRegister(message);
    switch (reading.kind) {
      case 'refused':
        return reading.reply;
      case 'fetch':
        break;
      case 'removeAll':
        for (const endpoint of this.#of(user)) endpoint.close();
        break;
      case 'update': {
        const refused = this.#update(flow, user, request, reading.bindings, reading.outbound);
        if (refused !== undefined) return refused;
        break;
      }
      default:
        return reading satisfies never;
    }
    return this.#granted(user, request, reading.kind === 'update' && reading.outbound);
  }

  /** What a user who has signed in on a flow acts as: the client registered there, or one that only speaks. */
  endpointOn(flow: Flow, user: Address): Endpoint | OutgoingReply {
    const known = flow.endpoints.get(bareKey(user));
    if (known !== undefined) return known;
    const opened = this.#open(flow, user, `flow ${flow.connection.id}`, undefined, []);
    if ('code' in opened) return tooMany(opened);
    // It has nowhere to take messages.
    opened.session.present({ availability: 'closed', notes: [] });
    return opened;
  }

  /** The connection is gone, and with it every binding on it. */
  flowGone(flow: Flow): void {
    const endpoints = new Set([
      ...flow.endpoints.values(),
      ...this.endpoints.filter((one) => one.bindings.some((each) => each.flow === flow)),
    ]);
    for (const endpoint of endpoints) {
      endpoint.bindings = endpoint.bindings.filter((each) => each.flow !== flow);
      if (endpoint.bindings.length === 0) endpoint.close();
    }
    flow.endpoints.clear();
  }

  /** An endpoint is over. */
  forget(endpoint: Endpoint): void {
    const key = bareKey(endpoint.user);
    const mine = this.#users.get(key);
    if (mine?.get(endpoint.key) !== endpoint) return;
    mine.delete(endpoint.key);
    if (mine.size === 0) this.#users.delete(key);
  }

  #of(user: Address): readonly Endpoint[] {
    return [...(this.#users.get(bareKey(user))?.values() ?? [])];
  }

  #update(
    flow: Flow,
    user: Address,
    request: InboundRequest,
    asked: readonly AskedBinding[],
    outbound: boolean,
  ): OutgoingReply | undefined {
    const mine = this.#users.get(bareKey(user));
    const keys = asked.filter((one) => one.expiresS > 0).map(endpointKey);
    if ((mine?.size ?? 0) + keys.filter((key) => mine?.has(key) !== true).length > MAX_ENDPOINTS_PER_USER)
      return { status: 403, headers: [warning(`at most ${MAX_ENDPOINTS_PER_USER} clients of one user at a time`)] };
    // RFC 3261 §10.3 step 7: all or nothing, so what is out of order is found first.
    for (const one of asked) {
      const old = mine?.get(endpointKey(one))?.bindings.find((each) => sameBinding(each, one));
      if (old !== undefined && old.callId === request.callId && request.cseq <= old.cseq) return { status: 500 };
    }
    for (const one of asked) {
      if (one.expiresS === 0) {
        this.#remove(user, one);
        continue;
      }
      const refused = this.#bind(flow, user, request, outbound ? one : withoutRegId(one));
      if (refused !== undefined) return refused;
    }
    return undefined;
  }

  #bind(flow: Flow, user: Address, request: InboundRequest, asked: AskedBinding): OutgoingReply | undefined {
    const key = endpointKey(asked);
    const { uri, instance, regId, expiresS } = asked;
    const expiresAt = this.#parts.clock.monotonic() + expiresS * 1000;
    const { callId, cseq } = request;
    const binding: Binding = {
      ...{ uri, flow, callId, cseq, expiresAt },
      ...(instance !== undefined && { instance }),
      ...(regId !== undefined && { regId }),
    };
    // Who spoke here before it registered was the same client.
    const visitor = flow.endpoints.get(bareKey(user));
    if (visitor?.bindings.length === 0) visitor.close();
    const known = this.#users.get(bareKey(user))?.get(key);
    const opened = known ?? this.#open(flow, user, key, instance, [binding]);
    if ('code' in opened) return tooMany(opened);
    if (known !== undefined) opened.bindings = [binding, ...opened.bindings.filter((each) => !sameBinding(each, asked))];
    flow.endpoints.set(bareKey(user), opened);
    if (/message\/cpim/i.test(request.message.headers.get('accept') ?? '')) opened.cpim = true;
    // Registered is available, until a PUBLISH says more.
    if (known === undefined) opened.session.present({ availability: 'open', notes: [] });
    this.#sweepLater();
    return undefined;
  }

  #open(flow: Flow, user: Address, key: string, instance: string | undefined, bindings: readonly Binding[]): Endpoint | Reason {
    const { core, clock, rooms } = this.#parts;
    const answered = new Promise<void>((resolve) => void clock.after(0, resolve));
    const endpoint = new Endpoint({ user, key, flow, answered }, rooms);
    // Before the core knows of it: what waits for the user may come at once.
    endpoint.bindings = bindings;
    const session = core.open(user, instance, endpoint);
    if ('code' in session) return session;
    endpoint.session = session;
    const mine = this.#users.get(bareKey(user)) ?? new Map<string, Endpoint>();
    mine.set(key, endpoint);
    this.#users.set(bareKey(user), mine);
    flow.endpoints.set(bareKey(user), endpoint);
    return endpoint;
  }

  #remove(user: Address, asked: AskedBinding): void {
    for (const endpoint of this.#of(user)) {
      if (asked.instance !== undefined && endpoint.key !== endpointKey(asked)) continue;
      const left = endpoint.bindings.filter((each) => !sameBinding(each, asked) && each.uri !== asked.uri);
      if (left.length === endpoint.bindings.length) continue;
      endpoint.bindings = left;
      if (left.length === 0) endpoint.close();
    }
  }

  /** RFC 3261 §10.3 step 8: every binding there is, with the time it has left. */
  #granted(user: Address, request: InboundRequest, outbound: boolean): OutgoingReply {
    const now = this.#parts.clock.monotonic();
    const supported = parseTokens(request.message.headers.all('supported')) ?? [];
    const gruu = supported.includes('gruu');
    const contacts = this.#of(user).flatMap((endpoint) =>
      endpoint.bindings.map((binding): [string, string] => {
        const params = [`;expires=${Math.max(0, Math.ceil((binding.expiresAt - now) / 1000))}`];
        if (binding.instance !== undefined) params.push(`;+sip.instance=${quote(`<${binding.instance}>`)}`);
        if (binding.regId !== undefined) params.push(`;reg-id=${binding.regId}`);
        // RFC 5627 §5.2: only for devices, and only to clients that know what it is.
        if (gruu && binding.instance !== undefined) {
          const own: Address = { ...user, resource: endpoint.session.resource };
          params.push(`;pub-gruu=${quote(toSipUri(own, { gr: true }))}`);
        }
        return ['Contact', `<${binding.uri}>${params.join('')}`];
      }),
    );
    const flows: [string, string][] = outbound
      ? [
          ['Require', 'outbound'],
          ['Flow-Timer', String(FLOW_TIMER_S)],
        ]
      : [];
    return { status: 200, headers: [...contacts, ['Supported', 'gruu, outbound'], ...flows] };
  }

  #sweepLater(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.#parts.clock.after(SWEEP_MS, () => {
      this.#sweeping = false;
      const now = this.#parts.clock.monotonic();
      for (const endpoint of this.endpoints) {
        if (endpoint.bindings.every((each) => each.expiresAt > now)) continue;
        endpoint.bindings = endpoint.bindings.filter((each) => each.expiresAt > now);
        if (endpoint.bindings.length === 0) endpoint.close();
      }
      if (this.#users.size > 0) this.#sweepLater();
    });
  }
}

/** RFC 5626 §6: a device is one client, whatever its Contact; without an instance the Contact is all there is. */
function endpointKey(asked: AskedBinding): string {
  return asked.instance === undefined ? `contact ${asked.uri}` : `device ${asked.instance}`;
}

function withoutRegId(asked: AskedBinding): AskedBinding {
  const { regId: _, ...rest } = asked;
  return rest;
}

/** RFC 5626 §6: instance and reg-id name a binding where there are both, else the URI. */
function sameBinding(binding: Binding, asked: AskedBinding): boolean {
  return binding.instance !== undefined && binding.instance === asked.instance ? binding.regId === asked.regId : binding.uri === asked.uri;
}

function tooMany(why: Reason): OutgoingReply {
  return { status: 403, headers: [warning(why.text)] };
}
