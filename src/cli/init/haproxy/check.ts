/** `option httpchk` and `http-check`: what a health check asks for, and what it expects. */
import { requestPath } from "../../../config/names.ts";
import type { Remarks } from "./remarks.ts";
import type { Line } from "./sections.ts";
import { inRanges, matching, statusList } from "./statuses.ts";

export interface Asked {
  /** The line that says that checks are HTTP requests; `null`: they only connect. */
  line: Line | null;
  path: string;
  /** As the key `status` has it. */
  status: string;
}

const CONNECTS: Asked = { line: null, path: "/", status: "2xx,3xx,4xx,5xx" };
const OTHER_CHECKS =
  /^(tcp-check|mysql-check|pgsql-check|redis-check|smtpchk|ldap-check|ssl-hello-chk|spop-check|external-check)$/;

/** `lines`: of the backend, those of its defaults first. */
export function readHttpCheck(lines: readonly Line[], remarks: Remarks): Asked {
  let asked = CONNECTS;
  let own = false;
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
    else if (keyword === "http-check") {
      asked = { ...asked, ...httpCheckOf(line, asked, own, remarks) };
      own ||= second === "expect";
    }
  }
  return asked;
}

/** `sends`: an `http-check send` says what is asked for. */
function httpchkOf(line: Line, given: readonly string[], sends: boolean, remarks: Remarks): Asked {
  const usual = { line, path: "/", status: "2xx,3xx" };
  if (given.length > 0 || !sends) return { ...usual, ...uriOf(line, given, remarks) };
  remarks.add(line, "became", "checks are HTTP requests");
  return usual;
}

/** `[uri]`, `method uri` or `method uri version`, the last one with headers in older files. */
function uriOf(line: Line, given: readonly string[], remarks: Remarks): Partial<Asked> {
  const [method, uri] = given.length === 1 ? ["OPTIONS", given[0]] : [given[0] ?? "OPTIONS", given[1]];
  return carriedRequest(
    line,
    { method, uri: uri ?? "/", hasMore: given.slice(2).join(" ").includes("\n") },
    remarks,
  );
}

interface CheckRequest {
  method: string | undefined;
  uri: string | undefined;
  /** Headers or a body. */
  hasMore: boolean;
}

function carriedRequest(
  line: Line,
  { method, uri, hasMore }: CheckRequest,
  remarks: Remarks,
): Partial<Asked> {
  if (method !== undefined && method.toUpperCase() !== "GET") {
    remarks.add(line, "changed", `a check is a GET, not ${method}`);
  }
  if (hasMore) remarks.add(line, "changed", "a check carries no headers and no body of its own");
  if (uri === undefined) return {};
  if (requestPath().safeParse(uri).success) {
    remarks.add(line, "became", `check.path = ${JSON.stringify(uri)}`);
    return { path: uri };
  }
  remarks.add(line, "lost", `${JSON.stringify(uri)} is no path for a check; it asks for "/"`);
  return { path: "/" };
}

function httpCheckOf(line: Line, asked: Asked, isSecond: boolean, remarks: Remarks): Partial<Asked> {
  const [, what, ...rest] = line.words;
  if (what === "send") {
    const { meth: method, uri } = Object.fromEntries(pairsOf(rest)) as Record<string, string | undefined>;
    return carriedRequest(
      line,
      { method, uri, hasMore: /\b(hdr|body|body-lf)\b/.test(rest.join(" ")) },
      remarks,
    );
  }
  if (what !== "expect") {
    remarks.add(line, "lost", `a check is one GET; there is no ${JSON.stringify(what ?? "")} of it`);
    return {};
  }
  const passes = expected(rest);
  const status = passes && statusList(passes);
  if (status === undefined || isSecond) {
    remarks.add(line, "lost", `a check goes by one status only; here by ${JSON.stringify(asked.status)}`);
    return {};
  }
  remarks.add(line, "became", `check.status = ${JSON.stringify(status)}`);
  return { status };
}

/** `meth GET uri /up ver HTTP/1.1 hdr Host a.test`: by their names. */
function pairsOf(words: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < words.length; at += words[at] === "hdr" ? 3 : 2) {
    pairs.push([words[at] as string, words[at + 1] as string]);
  }
  return pairs;
}

/** `undefined`: it is not about a status. */
function expected(words: readonly string[]): ((status: number) => boolean) | undefined {
  const at = words.findIndex((word) => word === "status" || word === "rstatus");
  if (at < 0) return undefined;
  const given = words[at + 1] ?? "";
  const passes = words[at] === "status" ? inRanges(given) : matching(given);
  if (passes === undefined) return undefined;
  return words[at - 1] === "!" ? (status) => !passes(status) : passes;
}
