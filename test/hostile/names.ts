// The domains of the hostile suites.

/** Ours, served by SIP: what the XMPP partner writes to. */
export const CORP = 'corp.example';
/** Ours, served by XMPP: what the SIP partner writes to. */
export const CONTOSO = 'contoso.example';
/** The SIP partner. */
export const FABRIKAM = 'fabrikam.example';
/** The XMPP partner. */
export const PARTNER = 'partner.example';
/** Another SIP partner, who is listed and proves nothing here. */
export const WOODGROVE = 'woodgrove.example';
