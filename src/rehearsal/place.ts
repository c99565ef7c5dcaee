/**
 * Cloudflare says in no API where an object runs. But what it fetches leaves by the data centre that it is in, whose code
 * this page has as `colo=` (not documented, in use by where.durableobjects.live, 2026-11).
 */
const TRACE = "https://www.cloudflare.com/cdn-cgi/trace";

/** The code of the data centre of the object that asks; `null`: it cannot be found out. */
export async function ownPlace(): Promise<string | null> {
  try {
    const response = await fetch(TRACE);
    return /^colo=(.+)$/m.exec(await response.text())?.[1] ?? null;
  } catch {
    return null;
  }
}
