// Where we listen, as isthmus.yaml writes it: `tls://203.0.113.5:5061`, `starttls://[2001:db8::5]:5269`, `plain://*:5060`.

import { isIP } from 'node:net';

export interface Bind {
  /** `starttls`: plain at first, the protocol asks for TLS. */
  readonly transport: 'tls' | 'starttls' | 'plain';
  /** A literal address; `*` is every address, IPv6 and IPv4. */
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
}

/** Reads one `listen` value; what is wrong with it comes back as `fault`. */
export function parseBind(text: string): { readonly bind: Bind } | { readonly fault: string } {
  const match = /^(tls|starttls|plain):\/\/(?:\[([^\]]+)\]|([^:/]+)):(\d{1,5})$/.exec(text);
  const example = 'write tls://203.0.113.5:5061, starttls://, plain://, or tls://*:5061 for every address';
  if (!match) return { fault: `"${text}" is not a place to listen: ${example}` };
  const [, transport, six, four, port] = match;
  const address = six ?? four ?? '';
  if (address !== '*' && isIP(address) !== (six === undefined ? 4 : 6))
    return { fault: `"${address}" is not an address of this machine: ${example}` };
  if (Number(port) > 65_535) return { fault: `port ${port} does not exist; 0 to 65535` };
  return { bind: { transport: transport as Bind['transport'], address, port: Number(port) } }; // the pattern allows no other
}

export function showBind(bind: Bind): string {
  const host = bind.address.includes(':') ? `[${bind.address}]` : bind.address;
  return `${bind.transport}://${host}:${bind.port}`;
}
