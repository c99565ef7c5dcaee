import { slim } from "./slim.ts";

const IMPORT = /^import \{([^}]*)\} from "\.\/([\w-]+\.js)";$/gm;
const EXPORT = /^export (?=(?:async )?(?:function|class|const) (\w+))/gm;

/**
 * One script of many modules, by their names: each in a scope of its own, after those it needs. As files of their
 * own they would each cost a request, and the bytes of its headers are more than what many of them say. The page's
 * modules import by name only, and never each other in a circle; a test holds that.
 */
export function join(modules: Readonly<Record<string, string>>, entry: string): string {
  const parts = new Map<string, string>();
  const add = (name: string) => {
    if (parts.has(name)) return;
    const text = slim(modules[name] ?? "");
    for (const [, , needed = ""] of text.matchAll(IMPORT)) add(needed);
    parts.set(name, scoped(name, text));
  };
  add(entry);
  return `const modules = {};\n${[...parts.values()].join("")}`;
}

function scoped(name: string, text: string): string {
  const exported = [...text.matchAll(EXPORT)].map(([, one]) => one);
  const body = text
    .replace(IMPORT, (_, names, from) => `const {${names}} = modules["${from}"];`)
    .replace(EXPORT, "");
  return `modules["${name}"] = (() => {\n${body}\nreturn { ${exported.join(", ")} };\n})();\n`;
}
