/** The bindings in the file by which servers may be reached. */
import { type BindingKind, type Bindings, bound } from "../../config/bindings.ts";
import type { Target } from "./target.ts";
import { listOf, tableOf } from "./tree.ts";

/** The sections of wrangler's configuration; Containers are Durable Objects to a Worker. */
const SECTIONS = {
  vpc_services: "fetcher",
  vpc_networks: "fetcher",
  services: "fetcher",
  mtls_certificates: "fetcher",
  "durable_objects.bindings": "namespace",
} as const satisfies Record<string, BindingKind>;

export type Section = keyof typeof SECTIONS;

/** The section that the binding is in; `null`: none of these. Environments do not inherit bindings. */
export function sectionOf(target: Target, binding: string): Section | null {
  const sections = Object.keys(SECTIONS) as Section[];
  return sections.find((section) => namesIn(target, section).includes(binding)) ?? null;
}

export function bindingsIn(target: Target): Bindings {
  return {
    kindOf: (name) => {
      const section = sectionOf(target, name);
      return section && SECTIONS[section];
    },
    // The file does not say which there are.
    secretOf: () => "there",
    variableOf: (name) => bound(tableOf(target.own("vars")), name),
  };
}

function namesIn(target: Target, section: Section): unknown[] {
  return listOf(target.own(...section.split("."))).map((entry) => {
    const { binding, name } = tableOf(entry);
    return section === "durable_objects.bindings" ? name : binding;
  });
}
