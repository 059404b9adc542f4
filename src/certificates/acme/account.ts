// Our account at an authority (RFC 8555 §7.3): its key in var/acme/<authority>/account-key.pem, made once, never in git. The
// CA is asked for the account by that key each time, so that nothing else of it has to be kept.

import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AcmeAuthority } from '../../model/acme.ts';
import { makeFolder, writeFile } from '../pairs.ts';
import type { AcmeClient } from './client.ts';
import { AcmeError } from './fault.ts';
import { type AccountKey, bindExternalAccount, newAccountKeyPem, readAccountKey } from './jws.ts';

const KEY_FILE = 'account-key.pem';

/** Reads the account key of `authority`, or makes it. @param folder var/acme @throws AcmeError when it cannot be read or written */
export function accountKeyOf(folder: string, authority: AcmeAuthority): AccountKey {
  const file = join(folder, authority.name, KEY_FILE);
  try {
    if (!existsSync(file)) {
      makeFolder(join(folder, authority.name), 0o700);
      writeFile(file, newAccountKeyPem(), 0o600);
    }
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
    return readAccountKey(readFileSync(file, 'utf8'));
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new AcmeError('ACME_ACCOUNT', `the account key ${file} cannot be used: ${said}`, {
      advice: 'See that this user may write there; a key that is damaged may be removed, and a new account is made',
      cause: error,
    });
  }
}

/**
 * Finds or makes the account, and keeps its contact addresses as the settings say.
 * @param secret reads a file of secrets/
 */
export async function openAccount(
  client: AcmeClient,
  authority: AcmeAuthority,
  secret: (name: string) => string,
  progress: (line: string) => void,
): Promise<void> {
  const directory = await client.directory();
  const signer = { jwk: client.account.jwk };
  try {
    // RFC 8555 §7.3.1
    const found = await client.post(directory.newAccount, { onlyReturnExisting: true }, signer);
    client.accountUrl = accountUrl(found.location, directory.newAccount);
    const contact = Array.isArray(found.body.contact) ? found.body.contact : undefined;
    if (contact !== undefined && JSON.stringify(contact) !== JSON.stringify(authority.contact)) {
      await client.post(client.accountUrl, { contact: authority.contact });
    }
    return;
  } catch (error) {
    if (!(error instanceof AcmeError) || error.problem !== 'accountDoesNotExist') throw error;
  }
  const { externalAccount } = authority;
  if (directory.externalAccountRequired && externalAccount === undefined) {
    throw new AcmeError('ACME_EXTERNAL_ACCOUNT', `${authority.name} opens no account without an external account binding`);
  }
  progress(
    `${authority.name}: opening an account${directory.termsOfService === undefined ? '' : `; its terms: ${directory.termsOfService}`}`,
  );
  const binding =
    externalAccount === undefined
      ? {}
      : {
          externalAccountBinding: bindExternalAccount(
            client.account,
            externalAccount.kid,
            hmacKey(secret, externalAccount.secret),
            directory.newAccount,
          ),
        };
  // `termsAgreed: true` stands in certs/acme.yaml, or it would not have been read.
  const body = { termsOfServiceAgreed: true, ...(authority.contact.length > 0 && { contact: authority.contact }), ...binding };
  try {
    const made = await client.post(directory.newAccount, body, signer);
    client.accountUrl = accountUrl(made.location, directory.newAccount);
  } catch (error) {
    if (externalAccount === undefined || !(error instanceof AcmeError) || error.code !== 'ACME_ACCOUNT') throw error;
    throw new AcmeError('ACME_EXTERNAL_ACCOUNT', error.message, {
      advice: `The CA does not take the binding: see kid: in certs/acme.yaml and the key in secrets/${externalAccount.secret}; many CAs accept each only once`,
      problem: error.problem,
      cause: error,
    });
  }
}

function hmacKey(secret: (name: string) => string, name: string): string {
  let key: string;
  try {
    key = secret(name);
  } catch (error) {
    throw new AcmeError('ACME_SECRET', `secrets/${name} cannot be read`, { cause: error });
  }
  if (!/^[A-Za-z0-9_-]{16,}={0,2}$/.test(key))
    throw new AcmeError('ACME_SECRET', `secrets/${name} holds no base64url key of 12 bytes or more`);
  return key;
}

function accountUrl(location: string | undefined, url: string): string {
  if (location === undefined) throw new AcmeError('ACME_ANSWER', `${url} named no account (no Location)`);
  return location;
}
