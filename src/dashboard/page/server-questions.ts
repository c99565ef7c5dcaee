import type { LeaseSnapshot, ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { SERVER_STATES, serversInUse, takesRequests } from "../../words/phrases.ts";
import { clockInWords, fineDuration } from "../../words/times.ts";
import { freeAct, setServerAct } from "./acts.ts";
import { now } from "./clock.ts";
import type { Question } from "./dialog.ts";
import { make, setText } from "./dom.ts";
import { choice, textField } from "./fields.ts";

const STATES = [
  { value: "ready", name: "Ready", hint: "Takes requests." },
  { value: "drain", name: "Drain", hint: "Takes no new requests; those in flight finish." },
  { value: "maint", name: "Maintenance", hint: "The same, and its health is not checked." },
] as const;

export function serverQuestion(pool: Snapshot, server: ServerSnapshot): Question {
  const { name, state } = server;
  const warning = make("p", "warning");
  let latest = pool;
  const warn = () => {
    const words = wanted.value() === "ready" ? "" : lastWords(latest, name);
    warning.hidden = words === "";
    setText(warning, words);
  };
  const wanted = choice<ServerSnapshot["state"]>("It is to be", STATES, state, warn);
  return {
    pool: pool.name,
    title: `Change ${name}?`,
    body: [wanted.node, warning],
    focus: wanted.checked,
    confirm: "Change",
    act: () => setServerAct(pool.name, server, wanted.value()),
    draw: (drawn) => {
      latest = drawn;
      warn();
    },
    moot: ({ servers }) => {
      const present = servers.find((one) => one.name === name);
      if (!present) return `${name} is no longer in the pool.`;
      return present.state === state ? null : `${name} was set to ${SERVER_STATES[present.state]} meanwhile.`;
    },
  };
}

/** Empty, unless all requests would have to do without this server. */
function lastWords(pool: Snapshot, name: string): string {
  const isInUse = pool.servers.some((server) => server.name === name && takesRequests(server));
  if (!isInUse || serversInUse(pool) > 1) return "";
  return `${name} is the last server in use: without it no request of ${pool.name} is served.`;
}

export function freeQuestion(pool: string, server: ServerSnapshot, lease: LeaseSnapshot): Question {
  const { id, since, quarantined } = lease;
  const { name } = server;
  const isHealthy = !quarantined && server.health !== "down";
  const state = quarantined ? quarantineWords(lease) : `At work on a request for ${ageOf(since)}.`;
  const warning = isHealthy
    ? `${name} has not finished this request. It loses its slot, and the next request goes there at once: two at a time.`
    : `Only if you know that ${name} is idle: the slot’s next request goes there at once.`;
  const typed = textField({
    key: "name",
    name: `Type “${name}” to free it all the same`,
    hint: "The name of the server.",
    problem: (text) => (text === name ? null : `That is not “${name}”.`),
  });
  return {
    pool,
    title: `Free this slot of ${name}?`,
    body: [
      make("p", "", state),
      make("p", "warning", warning),
      ...(isHealthy ? [typed.node] : []),
      make("p", "note", `Lease ${id}`),
    ],
    fields: isHealthy ? [typed] : [],
    confirm: "Free the slot",
    act: () => freeAct(pool, server, lease),
    moot: ({ servers }) =>
      servers.some(({ leases }) => leases.some((one) => one.id === id))
        ? null
        : "That request is over, and its slot is free already.",
  };
}

function quarantineWords({ since, quarantinedSince, until }: LeaseSnapshot): string {
  const cutOff = `In quarantine for ${ageOf(quarantinedSince ?? since)}: its request was cut off.`;
  const opens = until ? ` It opens by itself at ${clockInWords(until, now())} at the latest.` : "";
  return `${cutOff}${opens} The request began ${ageOf(since)} ago.`;
}

function ageOf(instant: string): string {
  return fineDuration(now() - Date.parse(instant));
}
