/** Browsers' navigations, which may wait on a page of Sluice's (`waiting_page`), and the cookie by which they come back. */
import type { CarriedRequest } from "../carry/carried-request.ts";
import type { RequestTarget } from "../carry/target.ts";
import { THIS_HOST_ONLY, VISIT_COOKIE } from "../carry/visit-cookies.ts";
import type { PoolConfig } from "../config/types.ts";
import { prefersHtml } from "../refusals/response.ts";

/** Digits of the hash in a cookie's name. */
const HASH_DIGITS = 16;

/**
 * True if a person looks at a page's coming: a browser's own navigation in a window, which is no prefetch, and no part of a
 * file. Sluice's pages are not shown in frames.
 */
export function isVisit({ method, headers, body }: Request, pool: PoolConfig): boolean {
  if (pool.waitingPageMs === null || pool.deferred === null || method !== "GET" || body) return false;
  if (headers.get("sec-fetch-mode") !== "navigate") return false;
  if ((headers.get("sec-fetch-dest") ?? "document") !== "document") return false;
  if (headers.has("upgrade") || headers.has("range")) return false;
  const purpose = headers.get("sec-purpose") ?? headers.get("purpose") ?? "";
  return !/\bprefetch\b/.test(purpose) && prefersHtml({ headers });
}

/**
 * For one address only, so that a visitor may wait at several. Over TLS browsers hold nobody else's for it: by one that
 * another host of the domain has set, or somebody on the way, a visitor would get an answer that was made for them, with
 * its cookies. Such a cookie goes to all paths.
 */
export class VisitCookie {
  readonly #name: string;
  readonly #attributes: string;

  private constructor(name: string, attributes: string) {
    this.#name = name;
    this.#attributes = attributes;
  }

  static async of({ target }: Pick<CarriedRequest, "target">): Promise<VisitCookie> {
    const text = new TextEncoder().encode(target.pathAndQuery);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", text)).toHex();
    const isSecure = target.origin.startsWith("https:");
    const name = VISIT_COOKIE + digest.slice(0, HASH_DIGITS);
    const attributes = `Path=${isSecure ? "/; Secure" : cookiePathOf(target)}; HttpOnly; SameSite=Lax`;
    return new VisitCookie(isSecure ? THIS_HOST_ONLY + name : name, attributes);
  }

  /** The id of the request that this visitor waits for; `null`: it is here for the first time. */
  idIn(headers: Headers): string | null {
    const start = `${this.#name}=`;
    // Exactly as browsers write it: neither a comma nor another space than these begins a cookie that they vouch for.
    const cookies = (headers.get("cookie") ?? "").split(/;[ \t]*/);
    return cookies.find((cookie) => cookie.startsWith(start))?.slice(start.length) ?? null;
  }

  /** For `Set-Cookie`. */
  keeping(id: string, forMs: number): string {
    return `${this.#name}=${id}; Max-Age=${Math.ceil(forMs / 1_000)}; ${this.#attributes}`;
  }

  get forgotten(): string {
    return `${this.#name}=; Max-Age=0; ${this.#attributes}`;
  }
}

/** A path with a semicolon cannot be named in a cookie: the folder that it is in, then. */
function cookiePathOf({ path }: RequestTarget): string {
  const semicolon = path.indexOf(";");
  return semicolon < 0 ? path : path.slice(0, path.lastIndexOf("/", semicolon) + 1);
}
