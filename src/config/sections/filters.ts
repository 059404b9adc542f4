// routes/filters.yaml: what messages to and from partners may say, and what is said with them.

import * as z from 'zod';
import { entry, list, secret, text, word } from '../shape.ts';
import { parseDomain, parseDuration, Wrong } from '../values.ts';

/** Lync's own list (Set-CsImFilterConfiguration) in two: schemes, and what a link without one begins with. */
export const LINK_SCHEMES = [
  ...['callto', 'file', 'ftp', 'gopher', 'http', 'https', 'ldap', 'mailto', 'news', 'nntp', 'sip', 'sips', 'tel', 'telnet'],
] as const;
export const LINK_PREFIXES = ['ftp.', 'www*', 'href'] as const;

/** What starts a program, is a script, or is a database: Lync's list, and what has come since. */
export const FILE_EXTENSIONS = [
  ...['ade', 'adp', 'app', 'apk', 'appx', 'asp', 'bas', 'bat', 'chm', 'cmd', 'com', 'cpl', 'crt', 'csh', 'deb', 'dll', 'dmg', 'exe', 'fxp'],
  ...['gadget', 'hlp', 'hta', 'img', 'inf', 'ins', 'iso', 'isp', 'its', 'jar', 'jnlp', 'js', 'jse', 'ksh', 'lnk', 'mad', 'maf', 'mag'],
  ...['mam', 'maq', 'mar', 'mas', 'mat', 'mau', 'mav', 'maw', 'mda', 'mdb', 'mde', 'mdt', 'mdw', 'mdz', 'msc', 'msh', 'msi', 'msix', 'msp'],
  ...['mst', 'ocx', 'ops', 'pcd', 'pif', 'pkg', 'pl', 'prf', 'prg', 'ps1', 'ps2', 'psc1', 'pst', 'py', 'reg', 'rpm', 'scf', 'scr', 'sct'],
  ...['sh', 'shb', 'shs', 'sys', 'url', 'vb', 'vbe', 'vbs', 'vhd', 'vhdx', 'ws', 'wsc', 'wsf', 'wsh', 'xll'],
] as const;

/** IMWarning of Lync has the same bound. */
const LINE_CHARS = 256;
const PREFIX_CHARS = 40;

/** Text that is put into messages: of one person's length, without control characters. */
function line(most: number) {
  return (value: string) => {
    if (value.trim() === '') return new Wrong('some text');
    if ([...value].length > most) return new Wrong(`at most ${most} characters; it has ${[...value].length}`);
    return /[\p{Cc}\p{Cs}]/u.test(value) ? new Wrong('one line of text') : value;
  };
}
const words = (example: string, most = LINE_CHARS) => text(line(most), example);
/** The same, or nothing. */
const wordsOrNone = (example: string) => text((value) => (value === '' ? value : line(LINE_CHARS)(value)), example);

/** A colon would make a mapping of it in YAML, so it is not asked for. */
function parseScheme(value: string) {
  const scheme = value.toLowerCase().replace(/:(?:\/\/)?$/, '');
  return /^[a-z][a-z0-9+.-]{0,30}$/.test(scheme) ? scheme : new Wrong('a scheme such as https');
}

function parsePrefix(value: string) {
  const right = 'the beginning of a name such as ftp. or www*, or a word such as href';
  return /^[a-z][a-z0-9-]{0,30}[.*]?$/.test(value.toLowerCase()) ? value.toLowerCase() : new Wrong(right);
}

function parseExtension(value: string) {
  const extension = value.toLowerCase().replace(/^\*?\./, '');
  return /^[a-z0-9]{1,16}$/.test(extension) ? extension : new Wrong('an extension such as exe: letters and digits, no dot');
}

/** The words of messages go there: in clear only on this machine. */
function parseHookUrl(value: string) {
  const right = 'an address such as https://filter.corp.example/isthmus';
  if (!URL.canParse(value)) return new Wrong(right);
  const { protocol, hostname, username, password } = new URL(value);
  if (username !== '' || password !== '') return new Wrong(`${right}, without a password in it; token: { secret: NAME } is sent along`);
  if (protocol === 'https:') return value;
  const here = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
  return protocol === 'http:' && here ? value : new Wrong(`${right}; http:// only to this machine, since messages go there`);
}

function parseTimeout(value: string) {
  const ms = parseDuration(value);
  if (ms instanceof Wrong) return ms;
  // A SIP sender gives up after 32 s (RFC 3261 Timer F).
  return ms >= 100 && ms <= 20_000 ? ms : new Wrong('from 100ms to 20s: the sender waits as long');
}

function parsePause(value: string) {
  const ms = parseDuration(value);
  if (ms instanceof Wrong) return ms;
  return ms >= 60_000 && ms <= 30 * 86_400_000 ? ms : new Wrong('from 1m to 30d');
}

const direction = (usual: 'both' | 'toThem' | 'fromThem') =>
  word(['both', 'toThem', 'fromThem'])
    .default(usual)
    .describe(`toThem: what our users write to partners. fromThem: what partners write. Default: ${usual}.`);

const URL_ACTIONS = ['allow', 'warn', 'block'] as const;
const FILE_ACTIONS = ['warn', 'block'] as const;
const most = z.int().min(1).max(1_000_000);
const domains = list(text(parseDomain, 'corp.example'));

const urls = entry({
  action: word(URL_ACTIONS)
    .default('warn')
    .describe(
      'allow: the link stands there with _ before it, so that it cannot be clicked. warn: warnMessage stands before the message. block: the message is refused. More than 1000 links are always refused. Default: warn.',
    ),
  direction: direction('fromThem'),
  schemes: list(text(parseScheme, 'https'))
    .default([...LINK_SCHEMES])
    .describe('With a colon behind it, each begins a link. Default: the list in routes/README.md.'),
  prefixes: list(text(parsePrefix, 'www*'))
    .default([...LINK_PREFIXES])
    .describe('What else begins a link; * stands for letters and digits up to a dot. Default: [ftp., www*, href].'),
  trusted: domains.default([]).describe('Domains whose links pass untouched, and those of everything below. Default: none.'),
  ignoreLocal: z.boolean().default(true).describe('Links to our own domains and to names without a dot pass untouched. Default: true.'),
  warnMessage: wordsOrNone('Look twice before you open a link.')
    .default('This message from outside has a link. Look twice before you open it.')
    .describe('With action: warn, one line before the message.'),
  allowMessage: wordsOrNone('Take the _ away to open a link.')
    .default('')
    .describe('With action: allow, one line before the message. Default: none.'),
});

const files = entry({
  action: word(FILE_ACTIONS)
    .default('block')
    .describe('warn: warnMessage stands before the message. block: the message is refused. Default: block.'),
  direction: direction('both'),
  extensions: list(text(parseExtension, 'exe'))
    .default([...FILE_EXTENSIONS])
    .describe('Default: what starts a program, is a script or a database; the list is in routes/README.md.'),
  names: list(word(['links', 'texts']))
    .default(['links', 'texts'])
    .describe('Where names of files are looked for. Default: [links, texts].'),
  warnMessage: wordsOrNone('This message names a file that can start a program.')
    .default('This message names a file that can start a program.')
    .describe('With action: warn, one line before the message.'),
});

const length = entry({
  most: most.describe('Characters of one message; a longer one is refused. limits.messageSize counts bytes.'),
  direction: direction('both'),
});

const disclaimer = entry({
  text: words('Messages with corp.example are archived.').describe('Stands below the first message of a conversation, in each direction.'),
  direction: direction('toThem'),
});

const externalMark = entry({
  names: word(['all', 'requests', 'off'])
    .optional()
    .describe(
      'For users of the core: the name that their client shows says who is external, with the domain. requests: only where somebody asks to see them. Default: all, also without this file.',
    ),
  who: word(['unproven', 'everyone'])
    .default('everyone')
    .describe('unproven: senders of partners proven by dialback alone. Default: everyone outside.'),
  prefix: words('[External]', PREFIX_CHARS).optional().describe('Before every message of theirs.'),
  notice: words('You have never written to this person.')
    .optional()
    .describe('Before their first message to somebody who has never written to them.'),
  warning: words('This person is not one of us.')
    .optional()
    .describe('Before the first message of each conversation, at most 256 characters.'),
});

const hook = entry({
  url: text(parseHookUrl, 'https://filter.corp.example/isthmus').describe('Asked by POST about each message before it is accepted.'),
  token: secret().optional().describe('Sent as Authorization: Bearer.'),
  timeout: text(parseTimeout, '3s').default(3000).describe('For one message, from 100ms to 20s. Default: 3s.'),
  onFailure: word(['refuse', 'pass'])
    .default('refuse')
    .describe('Without an answer: refuse the message (its sender may try again), or let it pass. Default: refuse.'),
  direction: direction('both'),
  atOnce: z.int().min(1).max(256).default(32).describe('Questions that are open at the same time. Default: 32.'),
});

export const filtersSection = entry({
  urls: urls.optional().describe('Links.'),
  files: files.optional().describe('Names of files.'),
  length: length.optional(),
  disclaimer: disclaimer.optional().describe('Told to whom is not ours: that messages are archived.'),
  externalMark: externalMark.optional().describe('How messages of people outside are marked for our users.'),
  hook: hook.optional().describe('A filter of your own.'),
  conversationPause: text(parsePause, '8h')
    .default(8 * 3_600_000)
    .describe('A conversation is over when two people have been silent for so long. Default: 8h.'),
}).describe('routes/filters.yaml: what messages to and from partners may say, and what is said with them.');

export type FiltersInput = z.output<typeof filtersSection>;

/** `filters:` of a partner's file. */
export const partnerFiltersSection = entry({
  urls: word(['off', ...URL_ACTIONS])
    .optional()
    .describe('In place of urls.action.'),
  files: word(['off', ...FILE_ACTIONS])
    .optional()
    .describe('In place of files.action.'),
  trusted: domains.optional().describe('Besides urls.trusted.'),
  length: most.optional().describe('In place of length.most.'),
  disclaimer: z.literal(false).optional().describe('false: not for this partner.'),
  externalMark: z.literal(false).optional().describe('false: not for this partner.'),
  hook: z.literal(false).optional().describe('false: not for this partner.'),
});
