// Times for programs: every wall time of a value, by the name of its key, as an ISO string.

/** Keys that hold wall ms: `at`, and what ends in `At`. `sinceMs` is called `since` then. */
export function isoTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(isoTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]): [string, unknown] => {
      if (typeof inner === 'number' && (key === 'at' || key.endsWith('At'))) return [key, new Date(inner).toISOString()];
      if (typeof inner === 'number' && key === 'sinceMs') return ['since', new Date(inner).toISOString()];
      return [key, isoTimes(inner)];
    }),
  );
}
