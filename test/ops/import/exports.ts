// Exports as PowerShell writes them, made from the documented properties of the cmdlets' objects.

/** One property: its name, its value, and how CliXML types it. */
export type Property = readonly [name: string, value: string | boolean | readonly string[] | { readonly word: string } | undefined];

/** Windows PowerShell: UTF-16 with its mark, `#TYPE`, Windows' line ends. @param separator `;` with -UseCulture in half of Europe */
export function exportCsv(type: string, rows: readonly (readonly Property[])[], separator = ','): Buffer {
  const cell = (value: Property[1]): string => {
    if (value === undefined) return '';
    if (typeof value === 'boolean') return value ? 'True' : 'False';
    if (typeof value === 'string') return value;
    return 'word' in value ? value.word : 'System.Collections.Generic.List`1[System.String]';
  };
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const heading = rows[0]!.map(([name]) => quoted(name)).join(separator);
  const lines = [`#TYPE ${type}`, heading, ...rows.map((row) => row.map(([, value]) => quoted(cell(value))).join(separator)), ''];
  return Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(lines.join('\r\n'), 'utf16le')]);
}

/** Export-Clixml: the type names once, then by reference. */
export function exportCliXml(type: string, rows: readonly (readonly Property[])[]): Buffer {
  let ref = 0;
  const objects = rows.map((row, index) => {
    const names = index === 0 ? `<TN RefId="0"><T>Deserialized.${type}</T><T>Deserialized.System.Object</T></TN>` : '<TNRef RefId="0" />';
    const props = row.map(([name, value]) => property(name, value, () => ++ref + 100)).join('');
    return `<Obj RefId="${index}">${names}<ToString>${type}</ToString><Props>${props}</Props></Obj>`;
  });
  const text = `<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">\r\n  ${objects.join('\r\n  ')}\r\n</Objs>`;
  return Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
}

function property(name: string, value: Property[1], ref: () => number): string {
  const safe = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('\n', '_x000A_');
  if (value === undefined) return `<Nil N="${name}" />`;
  if (typeof value === 'boolean') return `<B N="${name}">${value}</B>`;
  if (typeof value === 'string') return `<S N="${name}">${safe(value)}</S>`;
  if ('word' in value) {
    const types = `<TN RefId="${ref()}"><T>Deserialized.Microsoft.Rtc.${name}</T><T>Deserialized.System.Enum</T></TN>`;
    return `<Obj N="${name}" RefId="${ref()}">${types}<ToString>${value.word}</ToString><I32>1</I32></Obj>`;
  }
  const items = value.map((item) => `<S>${safe(item)}</S>`).join('');
  return `<Obj N="${name}" RefId="${ref()}"><TN RefId="${ref()}"><T>Deserialized.System.Collections.Generic.List</T></TN><LST>${items}</LST></Obj>`;
}

const EDGE = 'Microsoft.Rtc.Management.WritableConfig.Settings.Edge';
export const ALLOWED_TYPE = `${EDGE}.AllowedDomain#Decorated`;
export const BLOCKED_TYPE = `${EDGE}.BlockedDomain#Decorated`;
export const PUBLIC_TYPE = `${EDGE}.DisplayPublicProvider`;
export const XMPP_TYPE = 'Microsoft.Rtc.Management.WritableConfig.Settings.XmppFederation.XmppAllowedPartner#Decorated';

export function allowedDomain(domain: string, more: Readonly<Record<string, Property[1]>> = {}): readonly Property[] {
  const { ProxyFqdn, VerificationLevel = { word: 'AlwaysVerifiable' }, Comment, MarkForMonitoring = false } = more;
  return [
    ['Identity', domain],
    ['Domain', domain],
    ['ProxyFqdn', ProxyFqdn],
    ['VerificationLevel', VerificationLevel],
    ['Comment', Comment],
    ['MarkForMonitoring', MarkForMonitoring],
    ['Element', `<AllowedDomain xmlns="urn:schema:Microsoft.Rtc.Management.Settings.Edge.2008" Domain="${domain}" />`],
    ['XsAnyElements', 'System.Collections.Generic.List`1[System.Xml.XmlElement]'],
  ];
}

export function xmppPartner(domain: string, more: Readonly<Record<string, Property[1]>> = {}): readonly Property[] {
  const all: Record<string, Property[1]> = {
    Identity: domain,
    Domain: domain,
    TlsNegotiation: { word: 'Required' },
    SaslNegotiation: { word: 'Required' },
    SupportDialbackNegotiation: true,
    EnableKeepAlive: true,
    AdditionalDomains: [],
    PartnerType: { word: 'PublicUnverified' },
    ProxyFqdn: undefined,
    ConnectionLimit: undefined,
    Description: undefined,
    ...more,
  };
  return Object.entries(all);
}
