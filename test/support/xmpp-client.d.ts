// The part of @xmpp/client (which brings no types) that the tests use.
declare module '@xmpp/client' {
  export interface XmppElement {
    readonly name: string;
    readonly attrs: Readonly<Record<string, string>>;
    readonly children: readonly (XmppElement | string)[];
    getChild(name: string, xmlns?: string): XmppElement | undefined;
    getChildText(name: string, xmlns?: string): string | null;
    getChildElements(): XmppElement[];
    getNS(): string | undefined;
    text(): string;
  }
  export interface XmppEntity {
    readonly status: string;
    readonly jid: { toString(): string } | null;
    readonly reconnect: { stop(): void; delay: number };
    readonly socket: { destroy?(): void; end?(): void; socket?: { destroy(): void } } | null;
    readonly streamManagement: { readonly enabled: boolean; readonly id: string };
    /** Tokens (XEP-0484). */
    readonly fast: { fetchToken(): Promise<{ readonly token: string; readonly mechanism: string } | null | undefined> };
    on(event: 'stanza', listener: (stanza: XmppElement) => void): void;
    on(event: 'online' | 'disconnect', listener: () => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
    start(): Promise<unknown>;
    stop(): Promise<unknown>;
    send(element: XmppElement): Promise<void>;
    readonly iqCaller: { request(element: XmppElement, timeoutMs?: number): Promise<XmppElement> };
  }
  export function client(options: {
    service: string;
    domain: string;
    resource: string;
    username: string;
    password: string;
    /** Of each step of the connection, ms; default 2000. */
    timeout?: number;
  }): XmppEntity;
  export function xml(name: string, attrs?: Record<string, string>, ...children: (XmppElement | string)[]): XmppElement;
}
