// Which dialogs are alive, by Call-ID and our own tag: the half that is known before the peer answers, since a NOTIFY may
// overtake the 2xx and a forked SUBSCRIBE founds several (RFC 6665 §4.1.2.4, §4.4.1). Requests with a To tag are looked up here.

import type { Handler } from './exchange.ts';

export class DialogTable {
  readonly #handlers = new Map<string, Handler>();

  get size(): number {
    return this.#handlers.size;
  }

  /** Sends requests for this dialog to `handler`, until the returned function is called. The remote tag is the handler's to check. */
  register(callId: string, localTag: string, handler: Handler): () => void {
    const key = `${callId} ${localTag}`;
    this.#handlers.set(key, handler);
    return () => {
      if (this.#handlers.get(key) === handler) this.#handlers.delete(key);
    };
  }

  find(callId: string, localTag: string): Handler | undefined {
    return this.#handlers.get(`${callId} ${localTag}`);
  }
}
