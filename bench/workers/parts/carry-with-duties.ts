import { type Carry, readAndGiveOn } from "./carry.ts";

/** As Sluice does: more may not fit into a socket's buffer, and nothing would show whether the client reads it. */
const SMALL_BYTES = 64 * 1024;
const SILENCE_MS = 60_000;

/** Of one connection only (RFC 9110, 7.6.1). */
const HOP_BY_HOP = ["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer"];

/**
 * carry.ts with what a proxy owes beside: it drops the headers of a connection, tells the server whose request it is, gives
 * the request an id and the answer its times, bears no silent server, notices a client that leaves, and logs a line. All
 * of it in the simplest way that does it at all.
 */
export const carryWithDuties: Carry = async (server, request, respond) => {
  const begun = Date.now();
  const { protocol, host, pathname, search } = new URL(request.url);
  const requestId = request.headers.get("x-request-id") ?? crypto.randomUUID();
  let outcome = "ok";
  let status = 0;
  request.signal.addEventListener("abort", () => {
    outcome = "client-abort";
  });
  const cutting = new AbortController();
  const silence = setTimeout(() => cutting.abort(), SILENCE_MS);
  try {
    const headers = withoutHopByHop(request.headers);
    headers.set("X-Forwarded-Proto", protocol.slice(0, -1));
    headers.set("X-Forwarded-Host", host);
    headers.set("X-Request-Id", requestId);
    const response = await fetch(server + pathname + search, {
      headers,
      redirect: "manual",
      encodeResponseBody: "manual",
      signal: cutting.signal,
    });
    status = response.status;
    const answerHeaders = withoutHopByHop(response.headers);
    answerHeaders.set("X-Request-Id", requestId);
    answerHeaders.append("Server-Timing", `origin;dur=${Date.now() - begun}`);
    const init = { status, headers: answerHeaders, encodeBody: "manual" } as const;
    const length = Number(response.headers.get("content-length"));
    if (length <= SMALL_BYTES) respond(new Response(await response.arrayBuffer(), init));
    else {
      const { body, ended } = readAndGiveOn(response.body as ReadableStream, length);
      respond(new Response(body, init));
      // Rejects where the client has left.
      await ended.catch(() => {});
    }
  } finally {
    clearTimeout(silence);
    const originMs = Date.now() - begun;
    const line = {
      requestId,
      method: request.method,
      host,
      path: pathname,
      server,
      status,
      outcome,
      originMs,
    };
    console.log(JSON.stringify({ time: new Date(begun).toISOString(), ...line }));
  }
};

function withoutHopByHop(of: Headers): Headers {
  const headers = new Headers(of);
  for (const name of HOP_BY_HOP) headers.delete(name);
  return headers;
}
