/** `http-check expect`: by what an answer passes a check. */
import { check } from "../../../config/check.ts";
import type { Remarks } from "./remarks.ts";
import type { Line } from "./sections.ts";
import { inRanges, matching, statusList } from "./statuses.ts";

/** As the keys of `check` have them. */
export interface Expected {
  status?: string;
  expect?: string;
  expect_header?: string;
}

/** `before`: what earlier lines expect; HAProxy asks for all of it. Returns what this one adds. */
export function readExpect(line: Line, before: Expected, remarks: Remarks): Expected {
  const words = line.words.slice(2);
  const at = words.findIndex((word) => /^(r?status|r?string|f?hdr)$/.test(word));
  const added = at < 0 ? undefined : matchOf(words.slice(at), words[at - 1] === "!");
  const [key, value] = Object.entries(added ?? {})[0] ?? [];
  if (key === undefined || !isAllowed({ [key]: value })) {
    remarks.add(
      line,
      "lost",
      `a check goes by a status, a text in the body and a header, not by ${said(words)}`,
    );
    return {};
  }
  if (key in before) {
    remarks.add(
      line,
      "lost",
      `a check has one \`${key}\`, here ${JSON.stringify(before[key as keyof Expected])}`,
    );
    return {};
  }
  remarks.add(line, "became", `check.${key} = ${JSON.stringify(value)}`);
  return { [key]: value };
}

const said = (words: readonly string[]) => JSON.stringify(words.join(" "));

function isAllowed(expected: object): boolean {
  return check.safeParse({ path: "/", ...expected }).success;
}

/** `undefined`: it cannot be said. */
function matchOf([match = "", ...given]: readonly string[], isNegated: boolean): Expected | undefined {
  const [pattern = ""] = given;
  if (match === "status" || match === "rstatus") {
    const passes = match === "status" ? inRanges(pattern) : matching(pattern);
    const status = passes && statusList(isNegated ? (one) => !passes(one) : passes);
    return status === undefined ? undefined : { status };
  }
  if (isNegated) return undefined;
  if (match === "string") return { expect: pattern };
  // A regular expression that is a plain text.
  if (match === "rstring") return /[\\^$.*+?()[\]{}|]/.test(pattern) ? undefined : { expect: pattern };
  return headerOf(given);
}

/** `name x-role value primary`, compared as they are. */
function headerOf(words: readonly string[]): Expected | undefined {
  const exact = words.filter((word, index) => !(word === "-m" || words[index - 1] === "-m"));
  const isExact = words.every((word, index) => words[index - 1] !== "-m" || word === "str");
  const [keyword, name = "", second, value = ""] = exact;
  if (!isExact || keyword !== "name" || (second !== undefined && second !== "value")) return undefined;
  return { expect_header: second === undefined ? name : `${name}: ${value}` };
}
