// The roads out of an alert: mail over SMTP, and a webhook. What is told is a list of sentences; nothing a peer wrote goes
// into a header or an address.

import type { MailSettings, SecretName, WebhookSettings } from '../model/notify.ts';
import type { Notice, Notifier } from './alerts.ts';
import { mailTransport } from './mail-transport.ts';

export interface Surroundings {
  /** What stands in a file of secrets/. @throws when it cannot be read */
  readonly secret: (name: string) => string;
  /** What this Isthmus is called: `edge.host`. */
  readonly host: string;
}

/** Posts a body; rejects unless the answer is 2xx. The operator named the address, so it may be a private one. */
export type Post = (url: string, headers: Readonly<Record<string, string>>, body: string) => Promise<void>;

const WORDS: Readonly<Record<Notice['state'], string>> = { begins: '', lasts: 'still: ', over: 'over: ' };

/** A notice as one line for people. */
function inWords({ state, alert }: Notice): string {
  return state === 'over' ? `${WORDS.over}${alert.text}` : `${WORDS[state]}${alert.text.replace(/\.$/, '')}. ${alert.advice}`;
}

/** Mail to the addresses of the file; several notices of one look are one mail. */
export function mailNotifier(settings: MailSettings, { secret, host }: Surroundings): Notifier {
  const { from, to } = settings;
  return {
    name: `mail to ${to.join(', ')}`,
    async tell(notices) {
      const transport = mailTransport(settings, secret);
      const [first] = notices;
      const more = notices.length > 1 ? ` and ${notices.length - 1} more` : '';
      try {
        await transport.sendMail({
          from,
          to: [...to],
          subject: `Isthmus on ${host}: ${WORDS[first?.state ?? 'begins']}${first?.alert.kind ?? ''} ${first?.alert.subject ?? ''}${more}`,
          text: `${notices.map(inWords).join('\n\n')}\n\nIsthmus on ${host}\n`,
          headers: { 'Auto-Submitted': 'auto-generated' }, // RFC 3834 §5: no out-of-office answers, please
        });
      } finally {
        transport.close();
      }
    },
  };
}

/** A webhook: JSON with a `text` that chat systems show, or plain text. */
export function webhookNotifier(settings: WebhookSettings, { secret, host }: Surroundings, post: Post): Notifier {
  const { url, token, format } = settings;
  const read = (value: string | SecretName): string => (typeof value === 'string' ? value : secret(value.secret));
  return {
    name: typeof url === 'string' ? `webhook at ${new URL(url).host}` : `webhook of secret ${url.secret}`,
    async tell(notices) {
      const lines = notices.map(inWords);
      const json = {
        text: lines.map((line) => `Isthmus on ${host}: ${line}`).join('\n'),
        notices: notices.map(({ state, alert, at }) => ({
          ...alert,
          state,
          since: new Date(alert.since).toISOString(),
          at: new Date(at).toISOString(),
        })),
      };
      const headers = {
        'content-type': format === 'json' ? 'application/json' : 'text/plain; charset=utf-8',
        ...(token !== undefined && { authorization: `Bearer ${read(token)}` }),
      };
      await post(read(url), headers, format === 'json' ? JSON.stringify(json) : `${lines.join('\n')}\n`);
    },
  };
}
