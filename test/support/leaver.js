/**
 * A client that leaves: calls Sluice through a service binding and aborts after `x-leave-after` ms, or with `told`
 * once somebody asks for /__test/leave. Closing a TCP connection before the headers is not noticed by a local workerd
 * (2026-11-17), an abort is.
 */
const LOOK_EVERY_MS = 5;
let told = false;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A request may not act on another one's signal: each looks for itself.
async function due(after) {
  if (after !== "told") return sleep(Number(after));
  while (!told) await sleep(LOOK_EVERY_MS);
}

export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === "/__test/leave") {
      told = true;
      return new Response(null, { status: 204 });
    }
    const headers = new Headers(request.headers);
    const leaveAfter = headers.get("x-leave-after");
    headers.delete("x-leave-after");
    const client = new AbortController();
    due(leaveAfter).then(() => client.abort());
    try {
      const outgoing = new Request(request, { headers, signal: client.signal, redirect: "manual" });
      const response = await env.SLUICE.fetch(outgoing);
      return new Response(await response.text(), { status: response.status });
    } catch {
      return new Response("left", { status: 499 });
    }
  },
};
