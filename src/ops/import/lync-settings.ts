// Settings of the whole Lync edge, which are told, not written: what they come to here, and what has no counterpart.

import type { Fields } from './lync-fields.ts';

/** Get-CsAccessEdgeConfiguration. */
export function tellAccessEdge(fields: Fields): void {
  fields.subject = 'the access edge';
  const { drafts, from } = fields;
  if (!fields.truth('AllowFederatedUsers', false)) {
    drafts.federation = { value: 'off', from, because: 'AllowFederatedUsers was False' };
  } else if (fields.truth('EnablePartnerDiscovery', false)) {
    drafts.federation = { value: 'discovered', from, because: 'EnablePartnerDiscovery was True' };
  } else drafts.federation = { value: 'closed', from, because: 'EnablePartnerDiscovery was False' };
  const rate = fields.text('DiscoveredPartnerStandardRate');
  if (rate !== undefined && rate !== '20')
    fields.remark(
      'lost',
      `DiscoveredPartnerStandardRate ${rate}`,
      'write discovered: { limits: { messagesPerSecond: ... } } in routes/policy.yaml',
    );
  const contacts = fields.text('MaxContactsPerDiscoveredPartner');
  if (contacts !== undefined && contacts !== '1000')
    fields.remark(
      'lost',
      `MaxContactsPerDiscoveredPartner ${contacts}`,
      'write discovered: { limits: { distinctTargets: ... } } in routes/policy.yaml',
    );
  const route = fields.text('DefaultRouteFqdn');
  if (route !== undefined)
    fields.remark(
      'lost',
      `DefaultRouteFqdn ${route}`,
      'there is no clearing house for everybody; give each partner behind it sip: { hosts, names }',
    );
  if (fields.truth('AllowOutsideUsers', false))
    fields.remark('lost', 'AllowOutsideUsers True', 'users who sign in from outside do so at your own servers');
  if (fields.truth('AllowAnonymousUsers', false)) fields.remark('lost', 'AllowAnonymousUsers True', 'there are no guests of meetings here');
}

/** Get-CsExternalAccessPolicy: the user's gate, which is `rules:` here. */
export function tellExternalAccess(fields: Fields): void {
  const about = {
    EnableFederationAccess: 'messages and presence with SIP partners',
    EnableXmppAccess: 'messages and presence with XMPP partners',
    EnablePublicCloudAccess: 'messages and presence with public providers',
  };
  for (const [name, what] of Object.entries(about)) {
    if (fields.text(name) === undefined) continue;
    const on = fields.truth(name, false);
    fields.remark(
      'lost',
      `${name} ${on ? 'True' : 'False'}`,
      on
        ? `${what}: every user may with listed partners here; nothing to do`
        : `${what} refused: who the policy is granted to is not in the export; write a group and a rule { who: group:NAME, with: everyone, messages: none } in routes/policy.yaml`,
    );
  }
}

/** Get-CsXmppGatewayConfiguration. The pass phrase is not shown. */
export function tellGateway(fields: Fields): void {
  fields.subject = 'the XMPP gateway';
  if (fields.object.cells.has('dialbackpassphrase'))
    fields.remark('lost', 'DialbackPassphrase', 'Isthmus makes one of its own; the old one is not needed');
  for (const name of [
    'ConnectionLimit',
    'PartnerConnectionLimit',
    'KeepAliveInterval',
    'StreamEstablishmentTimeout',
    'StreamInactivityTimeout',
    'SubscriptionRefreshInterval',
  ]) {
    const text = fields.text(name);
    if (text !== undefined)
      fields.remark('lost', `${name} ${text}`, 'such times and limits are fixed here and in docs/decisions; nothing to do');
  }
  if (fields.truth('EnableLoggingAllMessageBodies', false))
    fields.remark('lost', 'EnableLoggingAllMessageBodies True', 'the text of a message is never logged here');
}
