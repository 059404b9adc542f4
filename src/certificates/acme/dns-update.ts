// dns-01 by dynamic update (RFC 2136), signed with TSIG (RFC 8945), over TCP: one TXT record is added and the same removed.
// The messages are made and read in dns-update-message.ts; here is the way to the server, and where the record belongs.

import { connect } from 'node:net';
import type { DnsUpdateSettings } from '../../model/acme.ts';
import type { HostPort } from '../../model/table.ts';
import { RCODES, readUpdateAnswer, type TsigKey, updateMessage } from './dns-update-message.ts';
import { AcmeError } from './fault.ts';
import { aliasEnd, checkedRecord, type TxtRecords } from './txt-records.ts';

const UPDATE_MS = 10_000;
const MAX_ANSWER_BYTES = 65_535;

/** @param secret reads a file of secrets/ */
export function updateRecords(settings: DnsUpdateSettings, secret: (name: string) => string, dnsServers: readonly HostPort[]): TxtRecords {
  const { server, zone } = settings;
  const change = async (act: 'add' | 'remove', name: string, value: string): Promise<void> => {
    checkedRecord(name, value);
    const key = tsigKey(settings, secret);
    const record = { name: await nameInZone(name, zone, dnsServers), ttlSeconds: settings.ttlSeconds, text: value };
    const { bytes, mac, id } = updateMessage({ act, zone, record, key, nowMs: Date.now() });
    const answer = readUpdateAnswer(await exchange(server, bytes), { id, mac, key, nowMs: Date.now() });
    if (answer.kind === 'done') return;
    const code = answer.kind === 'refused' ? (RCODES[answer.rcode] ?? `rcode ${answer.rcode}`) : undefined;
    const said = answer.kind === 'refused' ? `${code}${answer.tsig === undefined ? '' : `, TSIG ${answer.tsig}`}` : answer.text;
    throw new AcmeError('ACME_UPDATE', `${server.host}:${server.port} refused to ${act} ${record.name} TXT in the zone ${zone}: ${said}`, {
      about: record.name,
      advice: answer.kind === 'refused' ? adviceFor(answer.rcode, answer.tsig, settings) : undefined,
    });
  };
  return {
    what: `dynamic update of ${zone} at ${server.host}`,
    add: (name, value) => change('add', name, value),
    remove: (name, value) => change('remove', name, value),
  };
}

function adviceFor(rcode: number, tsig: string | undefined, { zone, key }: DnsUpdateSettings): string | undefined {
  if (tsig === 'BADTIME') return 'The clocks of this machine and of the name server differ by more than five minutes: set them right (NTP)';
  if (tsig === 'BADKEY') return `The name server knows no key ${key.name}: key: must be spelled as there, with the same algorithm`;
  if (tsig === 'BADSIG') return `The key in secrets/${key.secret} is not the one that the name server has for ${key.name}`;
  if (rcode === 9 || rcode === 10) return `The server is not the primary of ${zone}: see server: and zone: in certs/acme.yaml`;
  if (rcode === 5)
    return `The name server does not let ${key.name} write there: see its update-policy (grant ${key.name} ... TXT) or allow-update`;
  return undefined;
}

function tsigKey({ key }: DnsUpdateSettings, secret: (name: string) => string): TsigKey {
  let text: string;
  try {
    text = secret(key.secret);
  } catch (error) {
    throw new AcmeError('ACME_SECRET', `secrets/${key.secret} cannot be read`, { cause: error });
  }
  if (!/^[A-Za-z0-9+/]{8,}={0,2}$/.test(text)) throw new AcmeError('ACME_SECRET', `secrets/${key.secret} holds no TSIG key in base64`);
  return { name: key.name, algorithm: key.algorithm, secret: Buffer.from(text, 'base64') };
}

/**
 * Where the record belongs: `name`, or where its CNAMEs lead; _acme-challenge is often delegated so. Beside a CNAME nothing can
 * stand, and a server drops what is written there without a word (RFC 2136 §3.4.2.2).
 * @throws AcmeError when it is not in the zone
 */
async function nameInZone(name: string, zone: string, dnsServers: readonly HostPort[]): Promise<string> {
  const at = await aliasEnd(name, dnsServers);
  if (at === zone || at.endsWith(`.${zone}`)) return at;
  throw new AcmeError('ACME_UPDATE', `${name}${at === name ? '' : ` leads to ${at}, which`} is not in the zone ${zone}`, {
    about: name,
    advice: `Write the zone that holds ${at} as zone:, or put a CNAME at ${name} that leads to a name in ${zone}`,
  });
}

/** RFC 1035 §4.2.2: two bytes of length before each message. */
function exchange({ host, port }: HostPort, message: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: UPDATE_MS });
    const failed = (why: string, cause?: unknown): void => {
      clearTimeout(late);
      socket.destroy();
      reject(new AcmeError('ACME_UPDATE', `${host}:${port} (TCP): ${why}`, { cause }));
    };
    const late = setTimeout(() => failed(`no answer within ${UPDATE_MS / 1000} s`), UPDATE_MS);
    let got = Buffer.alloc(0);
    socket.on('connect', () => {
      const head = Buffer.alloc(2);
      head.writeUInt16BE(message.length);
      socket.write(Buffer.concat([head, message]));
    });
    socket.on('data', (bytes: Buffer) => {
      got = Buffer.concat([got, bytes]);
      if (got.length > MAX_ANSWER_BYTES + 2) failed('more than one answer');
      else if (got.length >= 2 && got.length >= 2 + got.readUInt16BE(0)) {
        clearTimeout(late);
        socket.destroy();
        resolve(got.subarray(2, 2 + got.readUInt16BE(0)));
      }
    });
    socket.on('error', (error) => failed(error.message, error));
    socket.on('end', () => failed('it closed without an answer'));
  });
}
