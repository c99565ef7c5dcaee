/** `option httpchk` and `http-check`: what a health check asks for, and what it expects. */
import { readHost } from "../../../config/hosts.ts";
import { requestPath } from "../../../config/names.ts";
import { type Expected, readExpect } from "./expect.ts";
import type { Remarks } from "./remarks.ts";
import type { Line } from "./sections.ts";

export interface Asked {
  /** The line that says that checks are HTTP requests; `null`: they only connect. */
  line: Line | null;
  path: string;
  method?: string;
  host?: string;
  port?: number;
  /** What passes; without a word, 2xx and 3xx. */
  expected: Expected;
}

const ANY = "2xx,3xx,4xx,5xx";
const CONNECTS: Asked = { line: null, path: "/", expected: { status: ANY } };
const METHODS = ["GET", "HEAD", "OPTIONS"];
const OTHER_CHECKS =
  /^(tcp-check|mysql-check|pgsql-check|redis-check|smtpchk|ldap-check|ssl-hello-chk|spop-check|external-check)$/;

/** `lines`: of the backend, those of its defaults first. */
export function readHttpCheck(lines: readonly Line[], remarks: Remarks): Asked {
  let asked = CONNECTS;
  const sends = lines.some(({ words: [keyword, second] }) => keyword === "http-check" && second === "send");
  for (const line of lines) {
    const [keyword, second = "", ...rest] = line.words;
    if (keyword === "option" && second === "httpchk") asked = httpchkOf(line, rest, sends, remarks);
    else if (keyword === "no" && second === "option" && rest[0] === "httpchk") {
      asked = CONNECTS;
      remarks.add(line, "became", "checks only connect");
    } else if (keyword === "option" && OTHER_CHECKS.test(second)) {
      asked = CONNECTS;
      remarks.add(line, "lost", "Sluice's health checks are HTTP requests");
    } else if (keyword === "tcp-check") remarks.add(line, "lost", "Sluice's health checks are HTTP requests");
    else if (keyword === "http-check") asked = httpCheckOf(line, asked, remarks);
  }
  return asked.method === "HEAD" ? withoutBody(asked, lines, remarks) : asked;
}

/** By the keys of `check`. A line about the body, or a header, says nothing of the status. */
export function passing({ expect, expect_header, status }: Expected): Expected {
  const isOther = expect !== undefined || expect_header !== undefined;
  return {
    status: status ?? (isOther ? ANY : "2xx,3xx"),
    ...(expect === undefined ? {} : { expect }),
    ...(expect_header === undefined ? {} : { expect_header }),
  };
}

/** `sends`: an `http-check send` says what is asked for. */
function httpchkOf(line: Line, given: readonly string[], sends: boolean, remarks: Remarks): Asked {
  const usual: Asked = { line, path: "/", expected: {} };
  // `[uri]`, `method uri` or `method uri version`, the last one with headers in older files.
  const [method = "OPTIONS", uri = "/"] = given.length === 1 ? [undefined, given[0]] : given;
  const [, , ...version] = given;
  if (given.length > 0 || !sends) {
    const headers = [...version.join(" ").matchAll(/\n([^:\n]+):[ \t]*([^\r\n]*)/g)].map(
      ([, name = "", value = ""]): [string, string] => [name, value],
    );
    return withRequest(line, usual, { method, uri, headers, hasBody: false }, remarks);
  }
  remarks.add(line, "became", "checks are HTTP requests");
  return usual;
}

interface CheckRequest {
  method: string | undefined;
  uri: string | undefined;
  headers: [name: string, value: string][];
  hasBody: boolean;
}

function withRequest(
  line: Line,
  asked: Asked,
  { method, uri, headers, hasBody }: CheckRequest,
  remarks: Remarks,
): Asked {
  let found = asked;
  if (uri !== undefined) found = { ...found, path: pathOf(line, uri, remarks) };
  if (method !== undefined) found = { ...found, method: methodOf(line, method, remarks) };
  for (const [name, value] of headers) {
    const host = /^host$/i.test(name) ? readHost(value.toLowerCase().replace(/:\d+$/, "")) : undefined;
    if (host === undefined)
      remarks.add(line, "changed", `a check carries no ${name} of its own, but \`headers\``);
    else {
      found = { ...found, host };
      const why = "the Host only where Cloudflare proxies the server's name, else in X-Forwarded-Host";
      remarks.add(line, "changed", `check.host = ${JSON.stringify(host)}: ${why}`);
    }
  }
  if (hasBody) remarks.add(line, "changed", "a check carries no body");
  return found;
}

function methodOf(line: Line, given: string, remarks: Remarks): string {
  const method = given.toUpperCase();
  if (METHODS.includes(method)) {
    if (method !== "GET") remarks.add(line, "became", `check.method = ${JSON.stringify(method)}`);
    return method;
  }
  remarks.add(line, "changed", `a check is one of ${METHODS.join(", ")}, here GET and not ${given}`);
  return "GET";
}

function pathOf(line: Line, uri: string, remarks: Remarks): string {
  if (requestPath().safeParse(uri).success) {
    remarks.add(line, "became", `check.path = ${JSON.stringify(uri)}`);
    return uri;
  }
  remarks.add(line, "lost", `${JSON.stringify(uri)} is no path for a check; it asks for "/"`);
  return "/";
}

function httpCheckOf(line: Line, asked: Asked, remarks: Remarks): Asked {
  const [, what = "", ...rest] = line.words;
  if (what === "send") return withRequest(line, asked, requestOf(rest), remarks);
  if (what === "expect") {
    const expected = { ...asked.expected, ...readExpect(line, asked.expected, remarks) };
    return { ...asked, expected };
  }
  if (what === "connect") return { ...asked, ...portOf(line, rest, remarks) };
  const why =
    what === "disable-on-404"
      ? "a server that is to get no more requests is set to drain: `sluice server <pool> <server> --state drain`"
      : `a check is one request; there is no ${JSON.stringify(what)} of it`;
  remarks.add(line, "lost", why);
  return asked;
}

/** `meth GET uri /up ver HTTP/1.1 hdr Host a.test`: by their names. */
function requestOf(words: readonly string[]): CheckRequest {
  const request: CheckRequest = { method: undefined, uri: undefined, headers: [], hasBody: false };
  for (let at = 0; at + 1 < words.length; at += 2) {
    const [name, value = ""] = words.slice(at);
    if (name === "meth") request.method = value;
    else if (name === "uri") request.uri = value;
    else if (name === "hdr") request.headers.push([value, words[at++ + 2] ?? ""]);
    else if (name?.startsWith("body")) request.hasBody = true;
  }
  return request;
}

function portOf(line: Line, words: readonly string[], remarks: Remarks): { port?: number } {
  const at = words.indexOf("port");
  const port = at < 0 ? Number.NaN : Number(words[at + 1]);
  const isPort = Number.isInteger(port) && port >= 1 && port <= 65_535;
  if (isPort) remarks.add(line, "became", `check.port = ${port}`);
  const others = words.filter((word, index) => word !== "default" && index !== at && index !== at + 1);
  if (others.length > 0 || !isPort)
    remarks.add(line, "changed", "a check connects as requests do, to the server's own host");
  return isPort ? { port } : {};
}

function withoutBody(asked: Asked, lines: readonly Line[], remarks: Remarks): Asked {
  const { expect, ...expected } = asked.expected;
  const line = lines.findLast(({ words }) => words[0] === "http-check" && words[1] === "expect");
  if (expect !== undefined && line)
    remarks.add(line, "changed", "an answer to HEAD has no body, so that nothing is looked for in it");
  return { ...asked, expected };
}
