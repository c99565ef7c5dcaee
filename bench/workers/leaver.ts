/**
 * A client that leaves when the bench says so (`/hold/…` at its servers, answered then). Closing a TCP connection
 * before the headers is not noticed by a local workerd (2026-11-17), an abort is.
 */
interface Env {
  SLUICE: Fetcher;
}

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const client = new AbortController();
    const told = searchParams.get("until") ?? "";
    const leaving = fetch(told).then(() => client.abort());
    try {
      await env.SLUICE.fetch(`http://bench${pathname}`, { signal: client.signal });
      return new Response("answered", { status: 500 });
    } catch {
      await leaving;
      return new Response("left");
    }
  },
} satisfies ExportedHandler<Env>;
