/** `errorfile` and `http-error`: own bodies for refusals, the key `pages`, each in a variable of the Worker. */
import { LARGEST_BYTES } from "../../wrangler-file/pools.ts";
import type { Remarks } from "./remarks.ts";
import type { Line } from "./sections.ts";

/** The text of a file; `null`: it cannot be read. */
export type ReadText = (path: string) => string | null;

/** What HAProxy answers by itself with these statuses, by our codes. */
const CODES: Record<string, string[]> = {
  "408": ["client-timeout"],
  "502": ["bad-gateway"],
  "503": ["no-server", "queue-full", "queue-timeout"],
  "504": ["server-timeout"],
};

interface Page {
  line: Line;
  status: string;
  /** `null`: it was told why there is none. */
  html: string | null;
}

export class Pages {
  /** Texts by the names of their variables. */
  readonly variables = new Map<string, string>();
  readonly #read: ReadText;
  /** Lines of the sections `http-errors` by their names. */
  readonly #shared: ReadonlyMap<string, readonly Line[]>;

  constructor(read: ReadText, shared: ReadonlyMap<string, readonly Line[]>) {
    this.#read = read;
    this.#shared = shared;
  }

  /** `lines`: of the frontends, then of the backend, whose own count before. Returns variables by code. */
  keyOf(lines: readonly Line[], remarks: Remarks): Record<string, string> {
    const byCode: Record<string, string> = {};
    for (const { line, status, html } of lines.flatMap((one) => this.#pagesOf(one, remarks))) {
      const codes = Object.hasOwn(CODES, status) ? CODES[status] : undefined;
      if (html === null) continue;
      if (codes === undefined) {
        remarks.add(
          line,
          "lost",
          `${status} is no refusal of a pool's; \`pages\` has ${Object.keys(CODES).join(", ")}`,
        );
        continue;
      }
      const variable = this.#variableFor(status, html);
      for (const code of codes) byCode[code] = variable;
      remarks.add(line, "became", `pages: ${codes.join(", ")} = ${JSON.stringify(variable)}`);
    }
    return byCode;
  }

  #pagesOf(line: Line, remarks: Remarks): Page[] {
    const [keyword, first = "", second = ""] = line.words;
    if (keyword === "errorfile") return [this.#page(line, first, this.#bodyIn(line, second, remarks))];
    if (keyword === "errorfiles") {
      const all = this.#shared.get(first) ?? [];
      const wanted = line.words.slice(2);
      const files = all.filter(({ words: [name, status = ""] }) => {
        return name === "errorfile" && (wanted.length === 0 || wanted.includes(status));
      });
      return files.map((one) =>
        this.#page(one, one.words[1] ?? "", this.#bodyIn(one, one.words[2] ?? "", remarks)),
      );
    }
    return keyword === "http-error" ? this.#httpErrorOf(line, remarks) : [];
  }

  #page(line: Line, status: string, html: string | null): Page {
    return { line, status, html };
  }

  /** Of a whole answer as it goes over the wire, status and headers first. */
  #bodyIn(line: Line, path: string, remarks: Remarks): string | null {
    const text = this.#fileOf(line, path, remarks);
    if (text === null) return null;
    const body = text.replaceAll("\r\n", "\n").replace(/^HTTP\/[\s\S]*?\n\n/, "");
    return this.#fitting(line, body, remarks);
  }

  #httpErrorOf(line: Line, remarks: Remarks): Page[] {
    const words = line.words.slice(1);
    const after = (name: string) => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
    const status = after("status") ?? "";
    const [whole, file, text] = [after("errorfile"), after("file"), after("string")];
    if (whole !== undefined) return [this.#page(line, status, this.#bodyIn(line, whole, remarks))];
    if (text === undefined && file === undefined) {
      remarks.add(line, "lost", "a page is an errorfile, a file or a string, without a format");
      return [];
    }
    if (!after("content-type")?.startsWith("text/html")) {
      remarks.add(line, "lost", "a page is HTML");
      return [];
    }
    const html = text ?? this.#fileOf(line, file as string, remarks);
    return [this.#page(line, status, html === null ? null : this.#fitting(line, html, remarks))];
  }

  #fileOf(line: Line, path: string, remarks: Remarks): string | null {
    const text = this.#read(path);
    if (text === null)
      remarks.add(line, "lost", `${path} cannot be read here; put its HTML into a variable (\`pages\`)`);
    return text;
  }

  #fitting(line: Line, html: string, remarks: Remarks): string | null {
    const bytes = new TextEncoder().encode(html).length;
    if (bytes > 0 && bytes <= LARGEST_BYTES) return html;
    const why =
      bytes === 0
        ? "has no body: the refusal is Sluice's own"
        : `has ${bytes} bytes, and a variable of Cloudflare's ${LARGEST_BYTES} at most`;
    remarks.add(line, "lost", why);
    return null;
  }

  /** One for each text, `PAGE_503`, and `PAGE_503_2` for another of the same status. */
  #variableFor(status: string, html: string): string {
    for (let n = 1; ; n++) {
      const name = n === 1 ? `PAGE_${status}` : `PAGE_${status}_${n}`;
      const known = this.variables.get(name);
      if (known !== undefined && known !== html) continue;
      this.variables.set(name, html);
      return name;
    }
  }
}
