// Words that an administrator has written for several languages, for a reader of one (RFC 4647 §3.4, look-up).

/** @param words by language tag; `''` is for every other @param language a tag such as `de-AT` */
export function wordsFor(words: Readonly<Record<string, string>>, language?: string): string | undefined {
  const byTag = new Map(Object.entries(words).map(([tag, text]) => [tag.toLowerCase(), text]));
  for (let tag = language?.toLowerCase() ?? ''; tag !== ''; tag = tag.includes('-') ? tag.slice(0, tag.lastIndexOf('-')) : '') {
    const text = byTag.get(tag);
    if (text !== undefined) return text;
  }
  return byTag.get('') ?? byTag.values().next().value;
}
