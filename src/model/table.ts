// The routing table: the operator's routes/ folder after validation, with every default filled in.
// config/ makes it, routing/ and the shores read it. Domains are lower-case A-labels throughout.

import type { Address } from './address.ts';
import type { Filters, PartnerFilters } from './filters.ts';
import type { PresenceDetail } from './presence.ts';

export type Protocol = 'sip' | 'xmpp';

/** Where a value stands in the home, for reasons that name file and key. */
export interface Where {
  readonly file: string;
  /** JSON pointer inside the file; empty when the whole file, or its absence, decides. */
  readonly key: string;
  readonly line?: number;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}
export interface NextHop extends HostPort {
  readonly transport: 'tls' | 'tcp';
}

export interface OwnDomain {
  readonly domain: string;
  readonly aliases: readonly string[];
  readonly served: 'sip' | 'xmpp' | 'core';
  /** `served: sip`: where requests for it go, in order. */
  readonly nextHop: readonly NextHop[];
  /** Who may send for it on the inside listener: certificate names, or addresses where the inside is plain. */
  readonly acceptFrom: readonly string[];
  /** `served: xmpp`: the XEP-0114 component we are for its server. `secret` names a file in secrets/. */
  readonly component?: { readonly name: string; readonly dial?: HostPort; readonly secret: string };
  /** `served: sip`: put the sender's resource into From as `gr` (RFC 7572 §4); some registrars reject it. */
  readonly gr: boolean;
  /** Carry partners that speak the same protocol too. */
  readonly sameProtocol: boolean;
  /** Name of the pair in certs/own, when the operator chose one. */
  readonly certificate?: string;
  /** `served: core`, a split domain: the internal system of its users that are not in the core, as a domain of its own. */
  readonly otherwise?: OwnDomain & { readonly served: Protocol };
  readonly where: Where;
}

/** Does this address of a split domain live in the core? Others of the domain live at its internal system. */
export type InCore = (address: Address) => boolean;

/** The part of a domain that an internal server may speak for: all of it, or what a split domain has beside the core. */
export function insideOf(own: OwnDomain): OwnDomain {
  return own.otherwise ?? own;
}

export type MessageDirections = 'both' | 'toThem' | 'fromThem' | 'none';
export type FirstContact = 'anyone' | 'localUserInvites';
export type ClientEku = 'ignore' | 'require-clientAuth' | 'require-serverAuth';

export interface Allow {
  readonly messages: MessageDirections;
  /** What of our users' presence the partner's people may see; empty: none. */
  readonly theySee: readonly PresenceDetail[];
  /** Whether our users may see the partner's people's presence. */
  readonly weSee: boolean;
  readonly firstContact: FirstContact;
}

export interface Limits {
  readonly messageBytes: number;
  /** Absent: no limit. */
  readonly messagesPerSecond?: number;
  readonly suspiciousMessagesPerSecond?: number;
  readonly distinctTargets?: number;
  /** One sender of either side; default 10 (burst 30). */
  readonly senderMessagesPerSecond?: number;
  /** One pair of users; default 5 (burst 20). */
  readonly pairMessagesPerSecond?: number;
}

export type Revocation = 'soft' | 'hard' | 'off';

interface PartnerFace {
  /** Where we connect instead of DNS. */
  readonly hosts: readonly HostPort[];
  /** Certificate names besides the partner's own domains that may speak for it. */
  readonly names: readonly string[];
  readonly clientEku: ClientEku;
  /** SHA-256 fingerprints (lower-case hex); empty: not pinned. */
  readonly pins: readonly string[];
  readonly tlsAtLeast: 'TLSv1.2' | 'TLSv1.3';
  /** Is it asked whether the certificate is revoked? `soft`: no word is fine; `hard`: it is not; `off`: only certs/revoked/ counts. */
  readonly revocation: Revocation;
}
export interface PartnerSip extends PartnerFace {
  readonly dialect: 'standard' | 'lync';
  readonly proof: 'certificate';
  readonly queuedAnswer: 200 | 202 | 480;
  /** Put the sender's resource into From as `gr` (RFC 7572 §4); some registrars reject it. */
  readonly gr: boolean;
  /** Send 6xx where RFC 7247 Table 2 asks for it (bare addresses). */
  readonly use6xx: boolean;
}
export interface PartnerXmpp extends PartnerFace {
  readonly proof: 'certificate' | 'dialback';
  /** Fingerprints that the domain publishes by HTTPS prove it too (RFC 7711). */
  readonly posh: boolean;
}

export interface Partner {
  /** The file's first domain. */
  readonly name: string;
  readonly domains: readonly string[];
  readonly enabled: boolean;
  /** Protocols to use, in this order; one that is not named is not spoken with this partner. */
  readonly prefer: readonly Protocol[];
  readonly sip: PartnerSip;
  readonly xmpp: PartnerXmpp;
  readonly allow: Allow;
  readonly limits: Limits;
  readonly paused?: { readonly untilMs?: number; readonly messages: 'hold' | 'refuse' };
  readonly idleWatcherDays: number;
  /** DNS may lead to private, loopback and link-local addresses for this partner (SSRF guard off). */
  readonly allowPrivateAddresses: boolean;
  /** What its file says about routes/filters.yaml; absent: nothing. */
  readonly filters?: PartnerFilters;
  /** True for a partner without a file, found by DNS (`federation: discovered`). */
  readonly discovered: boolean;
  readonly where: Where;
  /** Where each decided key stands, e.g. `allow.messages` -> its own file, or policy.yaml's `listed`. */
  readonly sources: ReadonlyMap<string, Where>;
}

export interface Block {
  readonly domain?: string;
  readonly subdomains: boolean;
  /** `local@domain`. */
  readonly user?: string;
  /** CIDR. */
  readonly address?: string;
  readonly untilMs?: number;
  readonly where: Where;
}

/** Some of our users. */
export type Who =
  | { readonly kind: 'everyone' }
  | { readonly kind: 'user'; readonly user: string }
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'domain'; readonly domain: string };

/** Who a rule is about: our side (`who`) and the partner's side (`with`). */
export interface Rule {
  readonly who: Who;
  /** Whom it is not about all the same. */
  readonly except?: readonly Who[];
  readonly with:
    | { readonly kind: 'everyone' | 'listed' | 'discovered' }
    /** Whom we reach over this protocol. */
    | { readonly kind: 'protocol'; readonly protocol: Protocol }
    | { readonly kind: 'domain'; readonly domain: string }
    | { readonly kind: 'user'; readonly user: string };
  readonly messages?: MessageDirections;
  readonly theySee?: readonly PresenceDetail[];
  readonly weSee?: boolean;
  readonly where: Where;
  /** `where` is the key that decides itself, not the rule around it (people/access.yaml). */
  readonly whole?: true;
}

export interface PolicyTest {
  readonly from: string;
  readonly to: string;
  readonly over?: Protocol;
  readonly proof?: 'certificate' | 'dialback' | 'none';
  readonly message?: 'allow' | 'refuse';
  readonly presence?: 'allow' | 'refuse';
  readonly where: Where;
}

export interface Policy {
  readonly federation: 'closed' | 'discovered' | 'off';
  readonly federationWhere: Where;
  readonly blocked: readonly Block[];
  readonly discovered: { readonly protocols: readonly Protocol[]; readonly allow: Allow; readonly limits: Limits; readonly where: Where };
  readonly groups: ReadonlyMap<string, ReadonlySet<string>>;
  /** Those of the groups that a directory fills, with its filter: the sync of the directory says who they are. */
  readonly ldapGroups?: ReadonlyMap<string, string>;
  readonly rules: readonly Rule[];
  readonly tests: readonly PolicyTest[];
}

export interface Table {
  /** Counts up with every set that takes effect. */
  readonly generation: number;
  /** Our domains, by their own names and by every alias. */
  readonly domains: ReadonlyMap<string, OwnDomain>;
  /** Listed partners, by each of their domains. */
  readonly partners: ReadonlyMap<string, Partner>;
  readonly policy: Policy;
  /** Absent: nothing is filtered. */
  readonly filters?: Filters;
}
