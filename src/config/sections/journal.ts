// `journal:` of records/archive.yaml: each archived message as a mail to a journal mailbox (model/archive.ts).

import { entry, list } from '../shape.ts';
import { MAIL_KEYS } from './notify.ts';

export const journalSection = entry({
  ...MAIL_KEYS,
  from: MAIL_KEYS.from.describe('The sender of the envelope, to whom the mail server reports what it cannot deliver.'),
  to: list(MAIL_KEYS.from).describe('The journal mailbox, or several.'),
}).describe('Each archived message as a mail to a journal mailbox. Begins with what is archived from then on.');
