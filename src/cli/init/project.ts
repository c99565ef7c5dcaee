/** The files of a project of one's own, as texts. */
import { type WorkerSettings, wranglerToml } from "./wrangler-toml.ts";

/** What scripts/build-cli.ts defines, from package.json. */
declare const SLUICE_PACKAGE: string;
declare const SLUICE_VERSION: string;
declare const WRANGLER_VERSION: string;

export const PACKAGE = SLUICE_PACKAGE;

/** What wrangler 4.164 asks for. */
const WRANGLERS_NODE = [22, 12] as const;
/** A Node that npm puts first on the path of the project's commands. */
const NODE_PACKAGE = { name: "node", spec: "^24.0.0" };

export const MANIFEST = "package.json";
export const WRANGLER_FILE = "wrangler.toml";
export const IGNORED = ".gitignore";
export const SECRETS = ".dev.vars";

export interface Project extends Omit<WorkerSettings, "packageName"> {
  /** Where npm gets Sluice from, `^0.2.0` or the URL of a tarball or a repository; `null`: this version. */
  spec: string | null;
  token: string;
  /** Of the Node that runs this, `24.2.0`; the project gets one of its own if wrangler could not run on it. */
  nodeVersion: string;
}

interface Manifest {
  scripts: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts?: Record<string, boolean>;
}

export function wranglerFileOf(project: Project): string {
  return wranglerToml({ ...project, packageName: PACKAGE });
}

export function secretsOf({ token }: Project): string {
  return `# The operator's token for \`wrangler dev\` and \`sluice serve\`. On Cloudflare it is a secret: wrangler secret put ADMIN_TOKEN
ADMIN_TOKEN=${token}
`;
}

function manifestOf({ spec, nodeVersion }: Project): Manifest {
  const needsNode = isOlder(nodeVersion, WRANGLERS_NODE);
  return {
    scripts: { check: "sluice check", deploy: "wrangler deploy", dev: "wrangler dev" },
    devDependencies: {
      ...(needsNode ? { [NODE_PACKAGE.name]: NODE_PACKAGE.spec } : {}),
      [PACKAGE]: spec ?? `^${SLUICE_VERSION}`,
      wrangler: `^${WRANGLER_VERSION.replace(/^[^\d]*/, "")}`,
    },
    // From npm 11 on only these packages run scripts of their own when they are installed.
    allowScripts: { esbuild: true, workerd: true, ...(needsNode ? { [NODE_PACKAGE.name]: true } : {}) },
  };
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [givenMajor = 0, givenMinor = 0] = version.split(".").map(Number);
  return givenMajor < major || (givenMajor === major && givenMinor < minor);
}

/** The package.json that is there, with what it lacks; `null`: it is no JSON that could be completed. */
export function completedManifest(text: string | null, project: Project, name: string): string | null {
  const needed = manifestOf(project);
  if (text === null) return jsonOf({ name, private: true, ...needed }, 2);
  const given = parsed(text);
  if (given === null) return null;
  const { dependencies, devDependencies, scripts, allowScripts } = given;
  const isThere = { ...tableOf(dependencies), ...tableOf(devDependencies) };
  const missing = Object.entries(needed.devDependencies).filter(([key]) => !Object.hasOwn(isThere, key));
  const completed = {
    ...given,
    scripts: { ...needed.scripts, ...tableOf(scripts) },
    devDependencies: { ...tableOf(devDependencies), ...Object.fromEntries(missing) },
    allowScripts: { ...needed.allowScripts, ...tableOf(allowScripts) },
  };
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? 2;
  return jsonOf(completed, indent);
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const given: unknown = JSON.parse(text);
    return typeof given === "object" && given !== null && !Array.isArray(given) ? { ...given } : null;
  } catch {
    return null;
  }
}

function tableOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function jsonOf(value: unknown, indent: string | number): string {
  return `${JSON.stringify(value, null, indent)}\n`;
}

/** `.sluice/` is what `sluice serve` keeps; an environment has secrets of its own, in `.dev.vars.blue`. */
const IGNORES = ["node_modules/", ".wrangler/", ".sluice/", `${SECRETS}*`];

/** The .gitignore that is there, with what it lacks. */
export function completedIgnores(text: string | null): string {
  const given = text ?? "";
  const lines = given.split("\n").map((line) => line.trim().replace(/^\//, ""));
  const missing = IGNORES.filter((one) => !lines.includes(one) && !lines.includes(one.replace(/\/$/, "")));
  if (missing.length === 0) return given;
  const separator = given === "" || given.endsWith("\n") ? "" : "\n";
  return `${given}${separator}${missing.join("\n")}\n`;
}
