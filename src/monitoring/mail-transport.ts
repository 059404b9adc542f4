// The road to a mail server, for alerts and for the journal: TLS as the file says, no file and no address is fetched.

import { rootCertificates } from 'node:tls';
import { createTransport, type Transporter } from 'nodemailer';
import type { MailSettings } from '../model/notify.ts';

const SMTP_TIMEOUT_MS = 20_000;

/** @param pool several mails go over one connection, until it is closed @param roots PEM texts that are believed beside those of the system @throws when the secret cannot be read */
export function mailTransport(
  { server, user, password }: MailSettings,
  secret: (name: string) => string,
  { roots = [], pool = false }: { readonly roots?: readonly string[]; readonly pool?: boolean } = {},
): Transporter {
  const options = {
    host: server.host,
    port: server.port,
    secure: server.scheme === 'tls',
    requireTLS: server.scheme === 'starttls',
    ignoreTLS: server.scheme === 'plain',
    connectionTimeout: SMTP_TIMEOUT_MS,
    greetingTimeout: SMTP_TIMEOUT_MS,
    socketTimeout: SMTP_TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(roots.length > 0 && { tls: { ca: [...rootCertificates, ...roots] } }),
    ...(user !== undefined && { auth: { user, pass: password === undefined ? '' : secret(password.secret) } }),
  };
  return pool ? createTransport({ ...options, pool, maxConnections: 1, maxMessages: Number.POSITIVE_INFINITY }) : createTransport(options);
}
