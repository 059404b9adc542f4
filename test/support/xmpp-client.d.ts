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
    readonly reconnect: { stop(): void };
    on(event: 'stanza', listener: (stanza: XmppElement) => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
    start(): Promise<unknown>;
    stop(): Promise<unknown>;
    send(element: XmppElement): Promise<void>;
    readonly iqCaller: { request(element: XmppElement, timeoutMs?: number): Promise<XmppElement> };
  }
  export function client(options: { service: string; domain: string; resource: string; username: string; password: string }): XmppEntity;
  export function xml(name: string, attrs?: Record<string, string>, ...children: (XmppElement | string)[]): XmppElement;
}
