/** `1 request`, `1,200 requests`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `1,200`. */
export function grouped(count: number): string {
  return count.toLocaleString("en-GB");
}

/** `a`, `a and b`, `a, b, c and 3 more`. */
export function listed(names: readonly string[]): string {
  const parts = names.length > 4 ? [...names.slice(0, 3), `${names.length - 3} more`] : names;
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}
