// Accounts made with an invitation, before anybody signs in (XEP-0445, XEP-0077): an invitation is shown, and with it alone a
// name and a password are taken. Without one nothing here answers anything but a refusal.

import type { SignInFrom } from '../../../model/core.ts';
import type { Element } from '../element.ts';

/** One stream on which somebody who is invited may be. */
export interface InvitedGuest {
  /** @returns the answer to an iq with names in `jabber:server` */
  answer(request: Element): Promise<Element>;
}
export type InvitedDoor = (domain: string, from: SignInFrom) => InvitedGuest;
