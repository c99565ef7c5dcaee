import { CliError, EXIT } from "../exit-codes.ts";
import { printable } from "../terminal/output.ts";

/** The Sluice to talk to. */
export interface Target {
  /** An origin, without a trailing slash. */
  url: string;
  /** Empty if there is none, where Cloudflare Access says who asks. */
  token: string;
  /** By which programs get through Cloudflare Access, where that stands in front. */
  access?: ServiceToken | undefined;
}

export interface ServiceToken {
  id: string;
  secret: string;
}

const NO_TOKEN =
  "Set SLUICE_TOKEN, or --token, to your token: the Worker's ADMIN_TOKEN, or one of its ADMIN_TOKENS.";

/** From the options, or else from the environment. Throws a `CliError`. */
export function targetOf(
  options: { url?: string | undefined; token?: string | undefined },
  env: NodeJS.ProcessEnv,
): Target {
  const url = options.url ?? env.SLUICE_URL;
  const token = options.token ?? env.SLUICE_TOKEN;
  if (!url) throw new CliError(EXIT.usage, "Set SLUICE_URL, or --url, to where Sluice is: https://…");
  const access = serviceTokenIn(env);
  if (!token && access === undefined) throw new CliError(EXIT.unauthorised, NO_TOKEN);
  if (token && !isHeader(token))
    throw new CliError(
      EXIT.unauthorised,
      "The token has characters that no token of Sluice has, such as a space or a line break: check it.",
    );
  return { url: originOf(url), token: token ?? "", access };
}

function serviceTokenIn({
  SLUICE_ACCESS_ID: id,
  SLUICE_ACCESS_SECRET: secret,
}: NodeJS.ProcessEnv): ServiceToken | undefined {
  if (!id && !secret) return undefined;
  if (id && secret && isHeader(id + secret)) return { id, secret };
  throw new CliError(
    EXIT.unauthorised,
    "SLUICE_ACCESS_ID and SLUICE_ACCESS_SECRET are no service token of Cloudflare Access: both are needed.",
  );
}

/** The HTTP client quotes a value that no header can hold in its error. */
function isHeader(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

/** True if the token would be sent unencrypted over a network. */
export function isInTheClear({ url }: Target): boolean {
  const { protocol, hostname } = new URL(url);
  const loopback = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  return protocol === "http:" && !loopback;
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const bare = url && (url.pathname === "/" || url.pathname === "/_sluice/") && !url.search && !url.hash;
  if (!url || !bare || !["http:", "https:"].includes(url.protocol) || url.username || url.password) {
    // It may contain a password, or a token as the user name.
    const given = text.includes("@") ? "it" : `"${printable(text)}"`;
    throw new CliError(
      EXIT.usage,
      `SLUICE_URL: ${given} is not an origin; allowed is https://sluice.example.com`,
    );
  }
  return url.origin;
}
