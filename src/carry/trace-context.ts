/** W3C Trace Context: the header by which clients, servers and what watches them know one request as the same. */

export interface TraceContext {
  /** As the server gets it. */
  traceparent: string;
  traceId: string;
  spanId: string;
  /** True if the client's, if it sent one at all, could not be passed on. */
  isNew: boolean;
}

/** Version, trace, span, flags; a later version may have more. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-[\da-f]{2}(-.*)?$/;
/** As `crypto.randomUUID` makes it. */
const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;
/**
 * Sampled. An OpenTelemetry server with its usual sampler (parent-based) records such a request as one without a parent,
 * and with 00 it would record none at all.
 */
const FLAGS = "01";

/** The client's, if it is valid; otherwise a new one if `makes`, or `null`. */
export function traceContextOf(headers: Headers, requestId: string, makes: boolean): TraceContext | null {
  const traceparent = headers.get("traceparent");
  const [, version, traceId, spanId, more] = (traceparent !== null && TRACEPARENT.exec(traceparent)) || [];
  if (traceparent !== null && traceId !== undefined && spanId !== undefined && (version !== "00" || !more))
    return { traceparent, traceId, spanId, isNew: false };
  return makes ? newContext(headers, requestId) : null;
}

/**
 * The id of a request that has none from its client says its trace too. A client's id may come again. The span, the only
 * one that Sluice knows of in its trace, is named after that: a second random number would cost as much as all the rest.
 */
function newContext(headers: Headers, requestId: string): TraceContext {
  const isOurs = UUID.test(requestId) && headers.get("x-request-id") !== requestId;
  const traceId = (isOurs ? requestId : crypto.randomUUID()).replaceAll("-", "");
  // Never all zeros: the first digit is the UUID's variant.
  const spanId = traceId.slice(16);
  return { traceparent: `00-${traceId}-${spanId}-${FLAGS}`, traceId, spanId, isNew: true };
}

/** Says it to a server. `null`: whatever the client said is passed on. */
export function setTraceContext(headers: Headers, context: TraceContext | null): void {
  if (!context) return;
  headers.set("traceparent", context.traceparent);
  // It belongs to a traceparent that is not there.
  if (context.isNew) headers.delete("tracestate");
}
