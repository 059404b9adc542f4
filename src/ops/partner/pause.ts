// `isthmus partner pause|resume`: `paused:` in a partner's file. Messages are held or refused, and nobody is forgotten.

import * as z from 'zod';
import { isoTime } from '../../config/effective.ts';
import { plainOf } from '../../config/yaml-plain.ts';
import { verb } from '../verb.ts';
import { EFFECT_OPTIONS, editPartner } from './edit.ts';
import { fileOf, noPartner } from './file.ts';
import { domainInput, untilInput, untilMs } from './words.ts';

const EFFECT_INPUT = {
  now: z.boolean().default(false).describe('Takes effect at once: this edit alone.'),
  keepFiles: z.boolean().default(false).describe('With now: leave the files as they are.'),
};

export const partnerPause = verb({
  words: 'partner pause',
  summary: 'holds or refuses what goes to and comes from a partner, for maintenance',
  positionals: ['domain'],
  options: {
    until: {
      type: 'string',
      value: 'TIME',
      says: '2h from now, or a time such as 2026-12-01T06:00:00Z; default: until isthmus partner resume',
    },
    messages: {
      type: 'string',
      value: 'hold|refuse',
      says: 'hold: what we send waits in the queue; refuse: senders are told at once. Default: hold',
    },
    ...EFFECT_OPTIONS,
  },
  details: 'Writes paused: into the file of the partner and prints the diff. Contacts and grants stay. With --now it is in force at once.',
  example: 'isthmus partner pause fabrikam.example --until 2h --now',
  input: z.object({
    domain: domainInput.describe('A domain of the partner.'),
    until: untilInput.optional(),
    messages: z.enum(['hold', 'refuse'], 'hold or refuse').default('hold').describe('hold or refuse.'),
    ...EFFECT_INPUT,
  }),
  http: { method: 'POST', path: '/partners/{domain}/pause' },
  role: 'operator',
  audited: true,
  where: 'here',
  async run(operations, { domain, until, messages, now, keepFiles }) {
    const file = fileOf(operations, domain);
    if (file === undefined) return noPartner(operations, 'partner pause', domain);
    const at = until === undefined ? undefined : untilMs(until, operations.clock.now());
    const end = at === undefined ? {} : { until: isoTime(at) };
    return editPartner(operations, {
      words: 'partner pause',
      given: { domain, messages, ...end },
      now,
      keepFiles,
      make: (read) =>
        read(file) === undefined
          ? `${file} is not part of it yet; isthmus apply takes it`
          : { [file]: [{ kind: 'set', path: ['paused'], value: { ...end, messages } }] },
    });
  },
});

export const partnerResume = verb({
  words: 'partner resume',
  summary: 'ends a pause: what was held is sent',
  positionals: ['domain'],
  options: EFFECT_OPTIONS,
  details: 'Removes paused: from the file of the partner and prints the diff.',
  example: 'isthmus partner resume fabrikam.example --now',
  input: z.object({ domain: domainInput.describe('A domain of the partner.'), ...EFFECT_INPUT }),
  http: { method: 'POST', path: '/partners/{domain}/resume' },
  role: 'operator',
  audited: true,
  where: 'here',
  async run(operations, { domain, now, keepFiles }) {
    const file = fileOf(operations, domain);
    if (file === undefined) return noPartner(operations, 'partner resume', domain);
    return editPartner(operations, {
      words: 'partner resume',
      given: { domain },
      now,
      keepFiles,
      make(read) {
        const text = read(file);
        if (text === undefined || !Object.hasOwn(Object(plainOf(text)), 'paused')) return `${domain} is not paused (${file})`;
        return { [file]: [{ kind: 'delete', path: ['paused'] }] };
      },
    });
  },
});
