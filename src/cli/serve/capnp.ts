import { relative } from "node:path";
import type { Settings } from "./settings.ts";

export interface Layout {
  /** The folder of the configuration, from which workerd finds the files that it names. */
  folder: string;
  front: string;
  worker: string;
  objects: string;
}

export interface Network {
  /** `127.0.0.1:8787`, each. */
  addresses: readonly string[];
  /** File descriptors of sockets that listen already, in place of the addresses. */
  handedOn: readonly number[];
  tls: { key: string; cert: string } | null;
  behindProxy: boolean;
  /** A file of certificates, PEM, by which servers are known beside those of the public authorities. */
  serverCa: string | null;
}

/** Names of secrets and of our own bindings, which come from the runtime's environment: they are in no file of ours. */
export type FromEnvironment = readonly string[];

/** Of the names of what `sluice serve` itself gives to its front module. */
export const OWN_PREFIX = "SLUICE_SERVE_";

/** The variable of the runtime's environment that holds this secret. By its own name, `LD_PRELOAD` would be obeyed. */
export function environmentName(secret: string): string {
  return `${OWN_PREFIX}SECRET_${secret}`;
}

/** The socket by which the front module is told to stop. */
export const CONTROL = "control";

/** Of the address with this index. */
export function socketName(index: number): string {
  return `main-${index}`;
}

/** workerd's configuration, in Cap'n Proto's text format. */
export function capnp(
  { compatibilityDate, compatibilityFlags, variables }: Settings,
  layout: Layout,
  { addresses, tls, behindProxy, serverCa }: Network,
  secrets: FromEnvironment,
): string {
  const embed = (file: string) => `embed ${text(relative(layout.folder, file))}`;
  const bindings = [
    '(name = "POOL", durableObjectNamespace = "Pool")',
    '(name = "DEFERRED", durableObjectNamespace = "Deferred")',
    ...Object.entries(variables)
      .filter(([name]) => !secrets.includes(name))
      .map(([name, value]) =>
        typeof value === "string"
          ? `(name = ${text(name)}, text = ${text(value)})`
          : `(name = ${text(name)}, json = ${text(JSON.stringify(value))})`,
      ),
    ...secrets.map((name) => `(name = ${text(name)}, fromEnvironment = ${text(environmentName(name))})`),
    ...(behindProxy ? [`(name = "${OWN_PREFIX}BEHIND_PROXY", json = "true")`] : []),
  ];
  const options = behindProxy ? '(forwardedProtoHeader = "X-Forwarded-Proto")' : "()";
  const protocol = tls
    ? `https = (options = ${options}, tlsOptions = (keypair = (privateKey = ${embed(tls.key)}, certificateChain = ${embed(tls.cert)})))`
    : `http = ${options}`;
  const trusted = serverCa === null ? "" : `, trustedCertificates = [${embed(serverCa)}]`;
  const sockets = addresses.map(
    (address, n) => `(name = "${socketName(n)}", address = ${text(address)}, ${protocol}, service = "main")`,
  );
  return `using Workerd = import ${text("/workerd/workerd.capnp")};
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .sluice),
    (name = "disk", disk = (path = ${text(layout.objects)}, writable = true)),
    (name = "internet", network = (allow = ["private", "public"], tlsOptions = (trustBrowserCas = true${trusted}))),
  ],
  sockets = [
    ${sockets.join(",\n    ")},
    (name = "${CONTROL}", address = "127.0.0.1:0", http = (), service = (name = "main", entrypoint = "control")),
  ],
);
const sluice :Workerd.Worker = (
  modules = [
    (name = "front", esModule = ${embed(layout.front)}),
    (name = "sluice", esModule = ${embed(layout.worker)}),
  ],
  compatibilityDate = ${text(compatibilityDate)},
  compatibilityFlags = [${compatibilityFlags.map(text).join(", ")}],
  durableObjectNamespaces = [
    (className = "Pool", uniqueKey = "sluice-pool", enableSql = true),
    (className = "Deferred", uniqueKey = "sluice-deferred", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [
    ${bindings.join(",\n    ")},
  ],
);
`;
}

/** JSON's escapes in a string are Cap'n Proto's too. */
function text(value: string): string {
  return JSON.stringify(value);
}
