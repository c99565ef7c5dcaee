import type { FlowPart, PoolConfig, Priority } from "../config/types.ts";
import { cookieOf, partOf } from "./request-part.ts";
import type { RequestTarget } from "./target.ts";
import type { Trace } from "./trace.ts";

type Target = Pick<RequestTarget, "path" | "pathAndQuery">;

/** Of the hash, in bytes: nobody finds another value with the same, to use up somebody else's share. */
const FLOW_BYTES = 8;

/** Notes what the request's turn goes by: for its ticket, and for the log, which has it of refused requests too. */
export async function noteOrder(
  trace: Trace,
  pool: PoolConfig,
  request: Pick<Request, "method" | "headers">,
  target: Target,
): Promise<void> {
  trace.aheadMs = aheadOf(pool, request, target);
  if (pool.flow !== null) trace.flow = await flowOf(pool, request.headers, target);
}

/**
 * Returns what tells whose request it is, as 16 hexadecimal digits; `null`: the pool does not ask, or the request does not
 * have it. It is a hash, so that neither pool, ledger nor log has the value.
 */
export async function flowOf(
  { flow }: Pick<PoolConfig, "flow">,
  headers: Headers,
  target: Target,
): Promise<string | null> {
  if (flow === null) return null;
  const value = tellingPart(flow, headers, target);
  if (!value) return null;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(value));
  return new Uint8Array(digest, 0, FLOW_BYTES).toHex();
}

function tellingPart({ part, name }: FlowPart, headers: Headers, target: Target): string | null {
  if (part === "address") return networkOf(headers.get("cf-connecting-ip") ?? "");
  const value = partOf({ part, name }, headers, target);
  return part === "header" && name === "authorization" ? withPlainScheme(value) : value;
}

/** A server takes `bearer` for `Bearer`, and any spaces behind it (RFC 9110, section 11.4): one key would be many clients. */
function withPlainScheme(credentials: string | null): string | null {
  return credentials?.replace(/^(\S+)\s+/, (_, scheme: string) => `${scheme.toLowerCase()} `) ?? null;
}

/** An IPv4 address that a proxy with an IPv6 socket writes down (RFC 5952, section 5). */
const MAPPED = /^(?:0*:)+ffff:(?=\d+\.)/i;

/** Of an IPv6 address its /64, which is one subscriber's, who has all addresses in it. */
function networkOf(given: string): string {
  const address = given.replace(MAPPED, "");
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  const all = [...groups, ...new Array<string>(zeros).fill("0"), ...after];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}

/** Returns by how much the request goes ahead of its arrival, in ms, by the first priority that it meets; 0: none. */
export function aheadOf(
  { priorities }: Pick<PoolConfig, "priorities">,
  { method, headers }: Pick<Request, "method" | "headers">,
  { path }: Pick<RequestTarget, "path">,
): number {
  return priorities.find((priority) => meets(priority, method, headers, path))?.aheadMs ?? 0;
}

function meets(priority: Priority, method: string, headers: Headers, path: string): boolean {
  const { header, cookie, value, pathPrefix } = priority;
  if (priority.method !== null && priority.method !== method) return false;
  if (pathPrefix !== null && !path.startsWith(pathPrefix)) return false;
  if (header !== null && !isValue(headers.get(header), value)) return false;
  return cookie === null || isValue(cookieOf(headers.get("cookie") ?? "", cookie), value);
}

/** `wanted`: `null`, any. */
function isValue(given: string | null, wanted: string | null): boolean {
  return given !== null && (wanted === null || given === wanted);
}
