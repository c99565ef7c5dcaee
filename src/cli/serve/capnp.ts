import { relative } from "node:path";
import { type Capnp, configText, Embedded, objectClass } from "../process/capnp.ts";
import { environmentName, OWN_PREFIX } from "./names.ts";
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

/** The socket by which the front module is told to stop. */
export const CONTROL = "control";

/** Of the address with this index. */
export function socketName(index: number): string {
  return `main-${index}`;
}

/** The runtime's configuration. */
export function capnp(
  { compatibilityDate, compatibilityFlags, variables }: Settings,
  layout: Layout,
  { addresses, tls, behindProxy, serverCa }: Network,
  secrets: FromEnvironment,
): string {
  const embedded = (file: string) => new Embedded(relative(layout.folder, file));
  const bindings: Capnp[] = [
    { name: "POOL", durableObjectNamespace: "Pool" },
    { name: "DEFERRED", durableObjectNamespace: "Deferred" },
    ...Object.entries(variables)
      .filter(([name]) => !secrets.includes(name))
      .map(([name, value]) =>
        typeof value === "string" ? { name, text: value } : { name, json: JSON.stringify(value) },
      ),
    ...secrets.map((name) => ({ name, fromEnvironment: environmentName(name) })),
    ...(behindProxy ? [{ name: `${OWN_PREFIX}BEHIND_PROXY`, json: "true" }] : []),
  ];
  const options = behindProxy ? { forwardedProtoHeader: "X-Forwarded-Proto" } : {};
  const keypair = tls && { privateKey: embedded(tls.key), certificateChain: embedded(tls.cert) };
  const protocol: { [name: string]: Capnp } = keypair
    ? { https: { options, tlsOptions: { keypair } } }
    : { http: options };
  const trustedCertificates = serverCa === null ? undefined : [embedded(serverCa)];
  return configText({
    services: [
      {
        name: "main",
        worker: {
          modules: [
            { name: "front", esModule: embedded(layout.front) },
            { name: "sluice", esModule: embedded(layout.worker) },
          ],
          compatibilityDate,
          compatibilityFlags,
          durableObjectNamespaces: [
            objectClass("Pool", "sluice-pool"),
            objectClass("Deferred", "sluice-deferred"),
          ],
          durableObjectStorage: { localDisk: "disk" },
          bindings,
        },
      },
      { name: "disk", disk: { path: layout.objects, writable: true } },
      {
        name: "internet",
        network: { allow: ["private", "public"], tlsOptions: { trustBrowserCas: true, trustedCertificates } },
      },
    ],
    sockets: [
      ...addresses.map((address, n) => ({ name: socketName(n), address, ...protocol, service: "main" })),
      { name: CONTROL, address: "127.0.0.1:0", http: {}, service: { name: "main", entrypoint: "control" } },
    ],
  });
}
