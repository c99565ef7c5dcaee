import { Refusal } from "../../refusals/refusal.ts";

/** A valid `Sec-WebSocket-Key`: 16 bytes in base64 (RFC 6455, 4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/**
 * Refuses an invalid WebSocket handshake before it waits for a slot; ignores requests that do not ask for a WebSocket.
 * The runtime checks a handshake only when it is answered. It then refuses the client by itself and notifies neither
 * side of the WebSocket, so the slot would be held for good (workerd 2026-11-17).
 */
export function checkHandshake({ method, headers, body }: Request): void {
  const upgrade = headers.get("upgrade")?.toLowerCase() ?? "";
  if (!tokensOf(upgrade).includes("websocket")) return;
  // The runtime recognizes a WebSocket only by this exact value; with another, it passes on an ordinary request.
  if (upgrade.trim() !== "websocket") throw invalid("has to ask for no other protocol in Upgrade");
  if (method !== "GET") throw invalid("has to be a GET");
  if (body) throw invalid("cannot have a body");
  if (!KEY.test(headers.get("sec-websocket-key") ?? "")) {
    throw invalid("needs one Sec-WebSocket-Key of 16 bytes in base64");
  }
  checkVersion(headers.get("sec-websocket-version"));
}

function checkVersion(version: string | null): void {
  if (version === null) throw invalid("needs a Sec-WebSocket-Version");
  if (version !== "13")
    throw new Refusal("websocket-version", "Only version 13 of WebSockets is spoken here.");
}

function invalid(why: string): Refusal {
  return new Refusal("invalid-request", `A WebSocket's handshake ${why}.`);
}

function tokensOf(list: string): string[] {
  return list.split(",").map((token) => token.trim());
}
