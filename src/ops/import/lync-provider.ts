// Public and hosting providers of Lync to files of routes/providers/, switched off: a provider's entry takes effect once an
// operator has looked at its domains.

import { type Fields, oneLine } from './lync-fields.ts';

/** Takes one provider. */
export function takeProvider(fields: Fields, kind: 'publicProvider' | 'hostingProvider'): void {
  const { drafts, from } = fields;
  const identity = fields.text('Identity') ?? fields.text('Name') ?? 'provider';
  fields.subject = identity;
  const proxy = fields.text('ProxyFqdn');
  const at = proxy === undefined ? undefined : drafts.host(proxy, 5061, from, identity, 'ProxyFqdn');
  if (at === undefined) {
    if (proxy === undefined) fields.remark('invalid', 'no ProxyFqdn', 'a provider is known by the host of its edge');
    return;
  }
  const name =
    identity
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '') || 'provider';
  const routed = [...fields.list('NameDecorationDomain'), ...fields.list('NameDecorationRoutingDomain')];
  const domains = routed.flatMap((written) => drafts.domain(written, from, 'NameDecoration') ?? []);
  const level = fields.word('VerificationLevel');
  const enabled = fields.truth('Enabled', false);
  drafts.providers.push({
    name,
    hosts: at.at,
    names: at.host,
    domains: [...new Set(domains)],
    invited: level === 'alwaysunverifiable' || level === 'number',
    note: `${kind === 'publicProvider' ? 'public provider' : 'hosting provider'} ${oneLine(identity)}, ${enabled ? 'enabled' : 'not enabled'} there`,
    from,
  });
  if (enabled)
    fields.remark(
      'note',
      'Enabled True',
      'written with enabled: false; look at domains: and switch it on, or give each of its domains a file in routes/partners/',
    );
  if (fields.list('NameDecorationExcludedDomainList').length > 0 || routed.length > 0)
    fields.remark(
      'lost',
      'NameDecoration',
      'user(their.domain)@provider addresses are not made here; users of the provider have plain addresses',
    );
  for (const name of ['EnabledSharedAddressSpace', 'HostsOCSUsers', 'IsLocal', 'EnableSkypeIdRouting', 'EnableSkypeDirectorySearch'])
    if (fields.truth(name, false)) fields.remark('lost', `${name} True`, WHY_NOT[name] ?? 'there is no counterpart');
  for (const name of ['AutodiscoverUrl', 'SipClientPort']) {
    const text = fields.text(name);
    if (text !== undefined && text !== '0')
      fields.remark('lost', `${name} ${text.slice(0, 60)}`, 'it is about signing in at the provider, which is not done here');
  }
  fields.tellUnread(kind);
}

const WHY_NOT: Readonly<Record<string, string>> = {
  EnabledSharedAddressSpace: 'a domain of yours that is shared with a provider stays on your own SIP servers: they route to the provider',
  HostsOCSUsers: 'users of yours at the provider are reached through your own SIP servers',
  IsLocal: 'users of yours at the provider are reached through your own SIP servers',
  EnableSkypeIdRouting: 'consumer Skype has ended',
  EnableSkypeDirectorySearch: 'consumer Skype has ended',
};
