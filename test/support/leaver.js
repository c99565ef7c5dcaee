/**
 * A client that leaves: calls Sluice through a service binding and aborts after `x-leave-after` ms. Closing a
 * TCP connection before the headers is not noticed by a local workerd (2026-11-17), an abort is.
 */
export default {
  async fetch(request, env) {
    const headers = new Headers(request.headers);
    const leaveAfterMs = Number(headers.get("x-leave-after"));
    headers.delete("x-leave-after");
    const client = new AbortController();
    setTimeout(() => client.abort(), leaveAfterMs);
    try {
      const outgoing = new Request(request, { headers, signal: client.signal, redirect: "manual" });
      const response = await env.SLUICE.fetch(outgoing);
      return new Response(await response.text(), { status: response.status });
    } catch {
      return new Response("left", { status: 499 });
    }
  },
};
