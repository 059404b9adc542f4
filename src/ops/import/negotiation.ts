// How the XMPP gateway of Lync Server 2013 and Skype for Business Server 2015 proved its partners, and what that is here.
// Its documentation ("Negotiation settings for XMPP federated partners") has a row for each of the eighteen combinations of
// TLS, SASL and dialback; five of them cannot work. Here TLS is always required, so whatever relied on going without is told.

export type Wish = 'required' | 'optional' | 'notsupported';

export interface Negotiation {
  readonly tls: Wish;
  readonly sasl: Wish;
  readonly dialback: boolean;
}

export interface Carried {
  /** undefined: the combination could prove nobody. */
  readonly proof: 'certificate' | 'dialback' | undefined;
  /** What was possible there and is not here, or what could not work there. */
  readonly remarks: readonly { readonly kind: 'lost' | 'invalid' | 'note'; readonly why: string }[];
}

const ALWAYS_TLS = 'TLS is always required here: the partner must offer it, a self-signed certificate is enough where dialback proves it';

/** SASL here is SASL EXTERNAL, that is: by certificate. */
export function carryOver({ tls, sasl, dialback }: Negotiation): Carried {
  const withoutTls = { kind: 'lost', why: ALWAYS_TLS } as const;
  // SASL over an unencrypted stream is refused by both sides, so without TLS only dialback is left.
  const bySasl = sasl !== 'notsupported' && tls !== 'notsupported';
  const fruitless = { kind: 'invalid', why: 'SASL needs TLS, which is switched off: it could not be used there' } as const;
  if (!bySasl && !dialback) {
    const why =
      sasl === 'notsupported'
        ? 'neither SASL nor dialback was allowed, so nobody could prove anything: no stream was possible there'
        : 'SASL needs TLS, TLS was switched off and dialback not allowed: no stream was possible there';
    return { proof: undefined, remarks: [{ kind: 'invalid', why }] };
  }
  const remarks: Carried['remarks'][number][] = [];
  if (!bySasl && sasl !== 'notsupported') remarks.push(fruitless);
  if (tls !== 'required') remarks.push(withoutTls);
  if (sasl === 'required' && tls === 'optional')
    remarks.push({ kind: 'invalid', why: 'SASL was required and TLS optional: streams without TLS failed there' });
  // (required, required): dialback was never asked, whatever its switch said.
  if (tls === 'required' && sasl === 'required') return { proof: 'certificate', remarks };
  if (!dialback) return { proof: 'certificate', remarks };
  remarks.push({
    kind: 'note',
    why: 'proof: dialback, as there: it proves little, sessions are marked unproven. If isthmus partner test shows a good certificate, remove the line',
  });
  return { proof: 'dialback', remarks };
}
