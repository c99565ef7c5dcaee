import { once } from "node:events";
import http from "node:http";
import { bodyOf } from "./origin.ts";

export interface Call {
  method?: string;
  /** As it goes over the wire: nothing is normalised. */
  path?: string;
  headers?: http.OutgoingHttpHeaders;
  body?: string | Uint8Array;
}

export interface Answer {
  status: number;
  statusText: string;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

/** A client that shows what is on the wire: no redirects followed, nothing unpacked, each on its connection. */
export async function send(url: string, call: Call = {}): Promise<Answer> {
  const response = await open(url, call);
  return {
    status: response.statusCode as number,
    statusText: response.statusMessage as string,
    headers: response.headers,
    body: await bodyOf(response),
  };
}

/** As `send`, but resolves with the response's headers; its body is for the test to read. */
export async function open(url: string, call: Call = {}): Promise<http.IncomingMessage> {
  const { request, response } = begin(url, call);
  request.end(call.body);
  return response;
}

/** A request whose body is for the test to write, and the response once its headers are there. */
export function begin(url: string, { method = "GET", path = "/", headers = {} }: Call = {}) {
  const { hostname, port } = new URL(url);
  const options = { hostname, port, method, path, headers };
  const request = http.request({ ...options, agent: false, maxHeaderSize: 256 * 1024 });
  const response = once(request, "response").then(([message]) => message as http.IncomingMessage);
  // A test that does not wait for it may break it off.
  response.catch(() => {});
  return { request, response };
}

/** Reads the body to its end, and keeps none of it. */
export async function sizeOf(message: http.IncomingMessage): Promise<number> {
  let size = 0;
  for await (const chunk of message) size += chunk.length;
  return size;
}
