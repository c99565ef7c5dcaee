/** workerd's configuration (`workerd.capnp` in its package), in Cap'n Proto's text format. */

/** What a configuration is made of; `null` is Cap'n Proto's `void`, and an entry that is `undefined` is left out. */
export type Capnp =
  | string
  | boolean
  | null
  | Embedded
  | readonly Capnp[]
  | { [name: string]: Capnp | undefined };

/** The content of a file, by its path from the configuration's folder. */
export class Embedded {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }
}

export function configText(config: { services: Capnp; sockets: Capnp }): string {
  return `using Workerd = import ${quoted("/workerd/workerd.capnp")};
const config :Workerd.Config = ${textOf(config, "\n")};
`;
}

/** `line`: a line break with the indentation of the present line. */
function textOf(value: Capnp, line: string): string {
  const deeper = `${line}  `;
  if (typeof value === "string") return quoted(value);
  if (typeof value === "boolean") return String(value);
  if (value === null) return "void";
  if (value instanceof Embedded) return `embed ${quoted(value.file)}`;
  if (isList(value)) {
    const entries = value.map((entry) => `${deeper}${textOf(entry, deeper)}`);
    return entries.length === 0 ? "[]" : `[${entries.join(",")}${line}]`;
  }
  const entries = Object.entries(value).flatMap(([name, entry]) =>
    entry === undefined ? [] : [`${name} = ${textOf(entry, line)}`],
  );
  return `(${entries.join(", ")})`;
}

/** JSON's escapes are Cap'n Proto's too, but for those by number. */
function quoted(text: string): string {
  return JSON.stringify(text.toWellFormed()).replaceAll(/\\(?:u00(..)|.)/g, (whole, hex) =>
    hex === undefined ? whole : `\\x${hex}`,
  );
}

function isList(value: Capnp): value is readonly Capnp[] {
  return Array.isArray(value);
}

/** A class of Durable Objects. Their state is found by the `uniqueKey`, which is never to change. */
export function objectClass(className: string, uniqueKey = className): Capnp {
  return { className, uniqueKey, enableSql: true };
}
