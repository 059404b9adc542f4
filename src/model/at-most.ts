// The bound of a cache (lru-cache).

/**
 * As many entries as this, and room only for those there are: with `max`, lru-cache reserves its arrays at once, which for
 * all our caches is a hundred megabytes, and most of them stay nearly empty.
 */
export function atMost(entries: number): { readonly maxSize: number; readonly sizeCalculation: () => number } {
  return { maxSize: entries, sizeCalculation: () => 1 };
}
