// Alerts, who is told about them and when: `notify:` of isthmus.yaml after validation.

/** The name of a file in secrets/. */
export interface SecretName {
  readonly secret: string;
}

export interface MailSettings {
  readonly server: { readonly scheme: 'starttls' | 'tls' | 'plain'; readonly host: string; readonly port: number };
  readonly from: string;
  readonly to: readonly string[];
  readonly user?: string | undefined;
  readonly password?: SecretName | undefined;
}

export interface WebhookSettings {
  readonly url: string | SecretName;
  readonly token?: SecretName | undefined;
  readonly format: 'json' | 'text';
}

export interface AlertRules {
  /** A partner could not be reached for so long, ms. */
  readonly partnerDownMs: number;
  /** A message has waited for so long, ms. */
  readonly queueAgeMs: number;
  /** Days before a certificate ends. */
  readonly certificateDays: readonly number[];
}

export interface NotifySettings {
  readonly mail: readonly MailSettings[];
  readonly webhook: readonly WebhookSettings[];
  readonly when: AlertRules;
}

/** What an operator should look at now. */
export interface Alert {
  /** The same while it lasts: `partner.down partner.example xmpp`. */
  readonly key: string;
  readonly kind: 'partner.down' | 'inside.down' | 'queue.old' | 'certificate.expires' | 'journal.late' | 'archive.failed';
  /** What it is about: a domain or a certificate. */
  readonly subject: string;
  /** One sentence: what is wrong. */
  readonly text: string;
  /** What to do, a command where there is one. */
  readonly advice: string;
  /** Wall ms. */
  readonly since: number;
}
