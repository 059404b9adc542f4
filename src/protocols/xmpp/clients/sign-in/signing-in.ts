// The sign-in of one stream, from the first try to a session: the exchange that is under way, the newcomer with an invitation,
// and what a client is told once it is in.

import { randomBytes } from 'node:crypto';
import type { Person, SignInFrom } from '../../../../model/core.ts';
import type { Reason } from '../../../../model/reason.ts';
import { type Element, element } from '../../element.ts';
import { iqError } from '../../iq.ts';
import { NS } from '../../names.ts';
import { printElement } from '../../print.ts';
import { errorOf } from '../../replies.ts';
import type { XmppClient } from '../client.ts';
import { type Road, smFailed } from '../road/road.ts';
import type { ClientAction, ClientRules } from '../stream/negotiation.ts';
import { type Welcoming, welcome } from './bind2.ts';
import type { BindingName } from './channel-binding.ts';
import { tokenMechanisms } from './fast.ts';
import type { InvitedDoor, InvitedGuest } from './register.ts';
import { mechanismsFor, SaslExchange, type SaslParts, type SaslReply } from './sasl.ts';

/** What a sign-in asks of the rest. */
export interface SignInOwner extends Pick<Welcoming, 'greeting' | 'told'> {
  readonly signIn: SaslParts['signIn'];
  readonly tokens: SaslParts['tokens'];
  /** Are users' main passwords a directory's, which only PLAIN can be checked by? */
  readonly directoryPasswords?: (() => boolean) | undefined;
  /** For who comes with an invitation; undefined: nobody may. */
  readonly invited: InvitedDoor | undefined;
  serves(domain: string): string | undefined;
  /** Makes a client of it; a Reason: no more of this user's may be opened. */
  bind(road: Road, person: Person, resource: string | undefined): XmppClient | Reason;
  /** The session that waits under that word for a client of this user. */
  resumable(person: Person, previous: string): XmppClient | undefined;
}

type Action<D extends ClientAction['do']> = Extract<ClientAction, { do: D }>;

export class SigningIn {
  readonly #owner: SignInOwner;
  readonly #road: Road;
  readonly #bindings: () => ReadonlyMap<BindingName, Buffer>;
  #exchange: SaslExchange | undefined;
  #guest: InvitedGuest | undefined;

  /** @param bindings of the connection as it is now */
  constructor(owner: SignInOwner, road: Road, bindings: () => ReadonlyMap<BindingName, Buffer>) {
    this.#owner = owner;
    this.#road = road;
    this.#bindings = bindings;
  }

  /** What the connection offers now. */
  rules(secure: boolean): ClientRules {
    const { tokens, invited, told, directoryPasswords } = this.#owner;
    const bindings = this.#bindings();
    return {
      serves: (domain) => this.#owner.serves(domain),
      mechanisms: mechanismsFor(bindings, secure),
      // A client takes the best that it is offered, and gives up when that fails with the password of a directory.
      ...(secure && directoryPasswords?.() === true && { offered: ['PLAIN'] }),
      bindings: [...bindings.keys()],
      tokens: tokens === undefined ? [] : tokenMechanisms(bindings),
      invited: invited !== undefined,
      ...(told !== undefined && { told }),
    };
  }

  begin({ domain, mechanism, initial, wish }: Action<'beginAuth'>): Promise<SaslReply> {
    const { signIn, tokens } = this.#owner;
    const nonce = (): string => randomBytes(18).toString('base64');
    this.#exchange = new SaslExchange({ signIn, tokens, domain, from: this.#from(), bindings: this.#bindings(), nonce, wish });
    return this.#exchange.begin(mechanism, initial);
  }

  respond({ response }: Action<'respondAuth'>): Promise<SaslReply> | undefined {
    return this.#exchange?.respond(response);
  }

  /** XEP-0445: somebody with an invitation, who has no account to sign in with yet. */
  async register({ domain, request }: Action<'register'>): Promise<void> {
    this.#guest ??= this.#owner.invited?.(domain, this.#from());
    const answer = await this.#guest?.answer(request);
    if (answer !== undefined) this.#write(answer);
  }

  /** What was asked for along with the sign-in (XEP-0388). */
  welcome({ person, wish, data }: Action<'welcome'>): Promise<XmppClient | Reason | undefined> {
    const { tokens, greeting, told, resumable, bind } = this.#owner;
    return welcome({ road: this.#road, person, wish, data, tokens, greeting, told, resumable, bind });
  }

  /** RFC 6120 §7. */
  bind({ person, request, resource }: Action<'bind'>): XmppClient | Reason {
    const client = this.#owner.bind(this.#road, person, resource);
    if ('code' in client) {
      // RFC 6120 §7.6.2.1.
      this.#write(iqError(request, errorOf(client, false)));
      return client;
    }
    const jid = element('bind', NS.bind, {}, [element('jid', NS.bind, {}, [client.jid])]);
    this.#write(element('iq', NS.server, { type: 'result', id: request.attrs.id }, [jid]));
    return client;
  }

  /** XEP-0198 §5. Undefined: the client is told that it cannot be. */
  resume({ person, request }: Action<'resume'>): XmppClient | undefined {
    const client = this.#owner.resumable(person, request.attrs.previd ?? '');
    if (client !== undefined && client.resume(this.#road, request.attrs.h) === undefined) return client;
    this.#write(smFailed('item-not-found'));
    return undefined;
  }

  #from(): SignInFrom {
    return { face: 'xmpp', address: this.#road.address, connection: this.#road.connection };
  }

  #write(node: Element): void {
    this.#road.write(printElement(node));
  }
}
