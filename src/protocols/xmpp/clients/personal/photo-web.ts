// Photos of users over HTTPS, for clients that are told an address (RFC 4482) and have no words for pictures themselves: whoever has
// the address has the photo. It holds the picture's SHA-1, which is told to those who may see it and is guessed by nobody.

import { type Address, bareKey } from '../../../../model/address.ts';
import type { PeopleStore } from '../../../../model/people.ts';
import type { WebAnswer, WebRoute } from '../../../../model/web-route.ts';
import { type Pictures, typeOf } from './pictures.ts';

export interface PhotoWebParts {
  readonly people: Pick<PeopleStore, 'get'>;
  readonly pictures: Pick<Pictures, 'shared' | 'sharedBytes'>;
  /** `https://host[:port]` of the web door. */
  readonly origin: string;
}
export interface PhotoWeb {
  readonly route: WebRoute;
  /** Where the photo of somebody is; undefined: there is none for everybody who sees them. */
  address(user: Address): Promise<string | undefined>;
}

const PATH = '/photo/';
const NOT_FOUND: WebAnswer = { status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'Not found.\n' };

export function photoWeb({ people, pictures, origin }: PhotoWebParts): PhotoWeb {
  return {
    async address(user) {
      const id = await pictures.shared(user);
      return id && `${origin}${PATH}${encodeURIComponent(bareKey(user))}/${id}`;
    },
    route: {
      methods: ['GET'],
      path: PATH,
      bodyBytes: 0,
      async answer({ path }) {
        const asked = read(path);
        const person = asked && (await people.get(asked.user));
        if (asked === undefined || person === undefined || person.disabled) return NOT_FOUND;
        const { address } = person;
        const body = (await pictures.shared(address)) === asked.id ? await pictures.sharedBytes(address, asked.id) : undefined;
        // What its user says it is counts for nothing: a browser is given pictures alone.
        const type = body && typeOf(body);
        if (body === undefined || type === undefined) return NOT_FOUND;
        return {
          status: 200,
          headers: {
            'content-type': type,
            'content-length': String(body.length),
            // Another picture has another address; what is between us and the reader need not know it.
            'cache-control': 'private, max-age=86400, immutable',
            'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
            'cross-origin-resource-policy': 'cross-origin',
          },
          body,
        };
      },
    },
  };
}

function read(path: string): { readonly user: string; readonly id: string } | undefined {
  const [, user = '', id = ''] = /^\/photo\/([^/]{1,3000})\/([0-9a-f]{40})$/.exec(path) ?? [];
  try {
    return id === '' ? undefined : { user: decodeURIComponent(user), id };
  } catch {
    return undefined; // no percent-encoding
  }
}
