// Where we listen, as isthmus.yaml writes it: `tls://203.0.113.5:5061`, `starttls://[2001:db8::5]:5269`, `plain://*:5060`.

export interface Bind {
  /** `starttls`: plain at first, the protocol asks for TLS. `https`: TLS from the first byte, as with `tls`. */
  readonly transport: 'tls' | 'starttls' | 'plain' | 'https';
  /** A literal address; `*` is every address, IPv6 and IPv4. */
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
}

/** As the operator writes it. */
export function showBind(bind: Bind): string {
  const host = bind.address.includes(':') ? `[${bind.address}]` : bind.address;
  return `${bind.transport}://${host}:${bind.port}`;
}
