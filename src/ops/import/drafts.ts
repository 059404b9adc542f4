// What an import wants to be written, before it meets the home: partners, blocks, providers, our own domains, and remarks on
// everything that has no counterpart. Several records about one domain become one partner.

import { parseDomain, parseHostPort, Wrong } from '../../config/values.ts';
import type { Origin } from './record.ts';

export interface PartnerDraft {
  /** The file's name is the first. */
  readonly domains: string[];
  readonly from: Origin[];
  sip?: { readonly hosts?: string; readonly names?: string };
  xmpp?: { readonly proof: 'certificate' | 'dialback'; readonly hosts?: string };
  /** True: a stranger must be invited by a local user first. */
  invited: boolean;
  readonly notes: string[];
  /** Why it is written switched off. */
  off?: string;
}

export interface BlockDraft {
  readonly domain: string;
  readonly subdomains: boolean;
  readonly note?: string;
  readonly from: Origin;
}

export interface ProviderDraft {
  readonly name: string;
  readonly hosts: string;
  readonly names: string;
  readonly domains: readonly string[];
  readonly invited: boolean;
  readonly note: string;
  readonly from: Origin;
}

/**
 * `lost`: could not be carried over. `invalid`: it could not work where it came from. `note`: carried over, with a
 * difference that somebody should know.
 */
export interface Remark {
  readonly kind: 'lost' | 'invalid' | 'note';
  readonly from: Origin;
  /** Domain, provider or option. */
  readonly subject: string;
  /** What stood there, e.g. `ConnectionLimit 20`. */
  readonly what: string;
  /** Why, and what to do; the same sentence for the same cause. */
  readonly why: string;
}

/** Literal addresses that are refused without leave (edge/address-ranges.ts has the whole list). */
const PRIVATE = /^(?:10\.|127\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:|::1$)/;

export class Drafts {
  readonly partners: PartnerDraft[] = [];
  readonly #byDomain = new Map<string, PartnerDraft>();
  readonly blocks: BlockDraft[] = [];
  readonly providers: ProviderDraft[] = [];
  readonly remarks: Remark[] = [];
  /** Domains that the other system served itself. */
  readonly ownDomains = new Map<string, Origin>();
  federation?: { readonly value: 'closed' | 'discovered' | 'off'; readonly from: Origin; readonly because: string };

  remark(kind: Remark['kind'], from: Origin, subject: string, what: string, why: string): void {
    this.remarks.push({ kind, from, subject, what, why });
  }

  /** A domain as A-labels; what is none is remarked. */
  domain(written: string, from: Origin, what: string): string | undefined {
    const parsed = parseDomain(written);
    if (!(parsed instanceof Wrong)) return parsed;
    this.remark('invalid', from, written.slice(0, 80), what, `right would be ${parsed.right}`);
    return undefined;
  }

  /** `host:port` as a partner's file wants it, the port left out when it is the usual one. */
  host(
    written: string,
    port: number,
    from: Origin,
    subject: string,
    what: string,
  ): { readonly at: string; readonly host: string } | undefined {
    const parsed = parseHostPort(written, port);
    if (!(parsed instanceof Wrong)) {
      if (PRIVATE.test(parsed.host))
        this.remark('note', from, subject, `${what} ${written}`, 'a private address: add allowPrivateAddresses: true to its file');
      const literal = parsed.host.includes(':') ? `[${parsed.host}]` : parsed.host;
      return { at: `${literal}:${parsed.port}`, host: parsed.host };
    }
    this.remark('invalid', from, subject, `${what} ${written.slice(0, 80)}`, `right would be ${parsed.right}`);
    return undefined;
  }

  /** The partner of a domain, made when there is none. */
  partner(domain: string, from: Origin): PartnerDraft {
    const known = this.#byDomain.get(domain);
    if (known !== undefined) {
      known.from.push(from);
      return known;
    }
    const made: PartnerDraft = { domains: [domain], from: [from], invited: false, notes: [] };
    this.partners.push(made);
    this.#byDomain.set(domain, made);
    return made;
  }

  /** Adds a further domain to a partner, unless another one has it. */
  addDomain(partner: PartnerDraft, domain: string, from: Origin): void {
    const other = this.#byDomain.get(domain);
    if (other === partner) return;
    if (other === undefined) {
      partner.domains.push(domain);
      this.#byDomain.set(domain, partner);
    } else
      this.remark(
        'lost',
        from,
        partner.domains[0]!,
        `the further domain ${domain}`,
        `it is a partner of its own here (${other.domains[0]})`,
      );
  }
}
