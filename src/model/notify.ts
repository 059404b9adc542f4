// Who is told about alerts, and when: `notify:` of isthmus.yaml after validation.

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
