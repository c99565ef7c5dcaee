/** What `http-check expect` says of a status, as the key `status` of a check: `2xx,404`. */

const ALL = Array.from({ length: 400 }, (_, index) => 200 + index);
/** A list of more would be no help to anybody. */
const MOST = 40;

/** `undefined`: no status from 200 to 599 passes, or it cannot be said. */
export function statusList(passes: (status: number) => boolean): string | undefined {
  const passing = new Set(ALL.filter(passes));
  const parts = [2, 3, 4, 5].flatMap((hundred) => {
    const own = ALL.filter((status) => Math.floor(status / 100) === hundred);
    const some = own.filter((status) => passing.has(status));
    return some.length === own.length ? [`${hundred}xx`] : some.map(String);
  });
  return parts.length === 0 || parts.length > MOST ? undefined : parts.join(",");
}

/** `200`, `200-399` or a list of these. */
export function inRanges(ranges: string): ((status: number) => boolean) | undefined {
  const pairs = ranges.split(",").map((range) => /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(range.trim()));
  if (pairs.some((pair) => pair === null)) return undefined;
  return (status) =>
    pairs.some((pair) => status >= Number(pair?.[1]) && status <= Number(pair?.[2] ?? pair?.[1]));
}

/** A regular expression of HAProxy's, tried on each status. */
export function matching(pattern: string): ((status: number) => boolean) | undefined {
  try {
    const regex = new RegExp(pattern.slice(0, 200));
    return (status) => regex.test(String(status));
  } catch {
    return undefined;
  }
}
