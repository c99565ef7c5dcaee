/** The secrets of `wrangler dev` and `sluice serve`, in a file beside wrangler's. */
import { tokenProblem } from "../../config/admin.ts";
import { ADMIN_TOKENS, readAdminTokens } from "../../config/admin-tokens.ts";
import { nameUnlessToken } from "../../config/perhaps-token.ts";
import { problemLine } from "../../config/problem.ts";
import { noSuchPools } from "./operators.ts";
import type { Finding } from "./report.ts";

export const DEV_VARS = ".dev.vars";

/** The expression of dotenv 16, by which wrangler 4.164 reads the file: a value may stand in quotes, on several lines. */
const LINE =
  /^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$/gm;
const QUOTED = /^(['"`])([\s\S]*)\1$/;

/** The secrets of `text`, the content of .dev.vars. */
export function readDevVars(text: string): Record<string, string> {
  const lines = text.replace(/\r\n?/g, "\n").matchAll(LINE);
  return Object.fromEntries([...lines].map(([, name = "", value = ""]) => [name, unquoted(value.trim())]));
}

function unquoted(value: string): string {
  const [, quote, inner = value] = QUOTED.exec(value) ?? [];
  return quote === '"' ? inner.replaceAll("\\n", "\n").replaceAll("\\r", "\r") : inner;
}

/** `text`: of .dev.vars. `pools`: the names of those in wrangler's file. */
export function devVarsFindings(text: string, pools: ReadonlySet<string>): Finding[] {
  const { ADMIN_TOKEN, ADMIN_TOKENS: named } = readDevVars(text);
  const tooShort = ADMIN_TOKEN === undefined ? null : tokenProblem(ADMIN_TOKEN);
  const problems = [
    ...(tooShort === null ? [] : [`${tooShort}, and opens nothing`]),
    ...(named ? problemsOfTokens(named, pools) : []),
  ];
  return problems.map((problem) => ({
    severity: "warning",
    line: null,
    key: null,
    message: `${DEV_VARS}: ${problem}`,
    environment: null,
  }));
}

function problemsOfTokens(json: string, pools: ReadonlySet<string>): string[] {
  const { tokens, problems } = readAdminTokens(json);
  // A value without quotes ends with its line.
  const quotes = json.startsWith("{") && !json.endsWith("}") ? "; on several lines it stands in '…'" : "";
  return [
    ...problems.map((problem) => problemLine(problem) + quotes),
    ...tokens.flatMap(({ name, grant }) =>
      noSuchPools(grant, pools).map((text) =>
        problemLine({ path: [ADMIN_TOKENS, nameUnlessToken(name), "pools"], text }),
      ),
    ),
  ];
}
