import { Refusal } from "../../refusals/refusal.ts";

/** 16 bytes in base64 (RFC 6455, 4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/**
 * Refuses a WebSocket's handshake that cannot become one, before it waits for a slot. The runtime looks at it only once
 * there is an answer: it then refuses the client by itself and tells neither end of the WebSocket, so that the slot
 * would be held for good (workerd 2026-11-17). A request for another protocol, or for none, is no concern of ours.
 */
export function checkHandshake({ method, headers, body }: Request): void {
  const upgrade = headers.get("upgrade")?.toLowerCase() ?? "";
  if (!tokensOf(upgrade).includes("websocket")) return;
  // The runtime takes only this very value for a WebSocket, and passes on others as an ordinary request.
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
