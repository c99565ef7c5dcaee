/** Not `URL.parse`: the command line reads the configuration too, and not every Node 20 has it. */
export function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
