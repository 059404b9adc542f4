// What every TLS context and handshake of ours has in common, in and out.

import { constants } from 'node:crypto';

/** TLS must be done within this time, in both directions (security.md 5). */
export const HANDSHAKE_TIMEOUT_MS = 5000;

/**
 * No session tickets: a resumed session carries the peer's leaf but no longer the intermediates, so that its chain could
 * not be validated again. Connections here live for hours; a full handshake costs nothing that counts.
 * No renegotiation: TLS 1.2 only, and nobody needs it (security.md 3).
 */
export const NO_RESUMPTION = { secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION } as const;

/** The peer's certificate is always asked for and never judged by OpenSSL: peer-identity.ts does (DESIGN 6). */
export const ASK_NEVER_JUDGE = { requestCert: true, rejectUnauthorized: false } as const;
