/** Another's words on our terminal: what could move its cursor or hide text is shown as a question mark. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => (char === "\n" || char === "\t" ? " " : "?"));
}

/** Another's name or reason within our words. */
export function quoted(text: string): string {
  return `"${printable(text)}"`;
}
