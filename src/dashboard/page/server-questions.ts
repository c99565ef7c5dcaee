import type { LeaseSnapshot, ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { SERVER_STATES, serversInUse, takesRequests } from "../../words/phrases.ts";
import { clockInWords, fineDuration } from "../../words/times.ts";
import { freeAct, removeServerAct, setServerAct } from "./acts.ts";
import { now } from "./clock.ts";
import type { Question } from "./dialog.ts";
import { make, setText } from "./dom.ts";
import { choice, cutField, textField } from "./fields.ts";
import type { Offers } from "./offers.ts";

const STATES = [
  { value: "ready", name: "Ready", hint: "Takes requests." },
  { value: "drain", name: "Drain", hint: "Takes no new requests; those in flight finish." },
  { value: "maint", name: "Maintenance", hint: "The same, and its health is not checked." },
] as const;

const REMOVE = {
  value: "gone",
  name: "Remove",
  hint: "Leaves the pool until it registers again; those in flight finish.",
} as const;

type Wanted = ServerSnapshot["state"] | typeof REMOVE.value;

export function serverQuestion(pool: Snapshot, server: ServerSnapshot, offers: Offers): Question {
  const { name, state } = server;
  const isRemovable = offers.register && server.registered !== undefined;
  if (!offers.servers) return removeQuestion(pool, server);
  const warning = make("p", "warning");
  let latest = pool;
  const warn = () => {
    const words = wanted.value() === "ready" ? "" : lastWords(latest, name);
    warning.hidden = words === "";
    setText(warning, words);
  };
  const states = [...STATES, ...(isRemovable ? [REMOVE] : [])];
  const wanted = choice<Wanted>("It is to be", states, state, warn);
  const cut = cutField(" Only with Drain or Maintenance.", () =>
    wanted.value() === "drain" || wanted.value() === "maint" ? null : "Only with Drain or Maintenance.",
  );
  return {
    pool: pool.name,
    title: `Change ${name}?`,
    body: [wanted.node, ...(offers.slots ? [cut.node] : []), warning],
    fields: offers.slots ? [cut] : [],
    focus: wanted.checked,
    confirm: "Change",
    act: () => {
      const to = wanted.value();
      return to === "gone"
        ? removeServerAct(pool.name, server)
        : setServerAct(pool.name, server, to, cut.value());
    },
    draw: (drawn) => {
      latest = drawn;
      warn();
    },
    moot: (drawn) => {
      const present = drawn.servers.find((one) => one.name === name);
      if (present && present.state !== state)
        return `${name} was set to ${SERVER_STATES[present.state]} meanwhile.`;
      return present ? null : goneWords(name);
    },
  };
}

/** Of who may have servers come and go, and change nothing else of them. */
function removeQuestion(pool: Snapshot, server: ServerSnapshot): Question {
  const { name } = server;
  const warning = make("p", "warning");
  return {
    pool: pool.name,
    title: `Remove ${name}?`,
    body: [make("p", "", `It has registered itself. ${REMOVE.hint}`), warning],
    confirm: "Remove",
    act: () => removeServerAct(pool.name, server),
    draw: (drawn) => {
      const words = lastWords(drawn, name);
      warning.hidden = words === "";
      setText(warning, words);
    },
    moot: ({ servers }) =>
      servers.some((one) => one.name === name && one.registered) ? null : goneWords(name),
  };
}

function goneWords(name: string): string {
  return `${name} is no longer in the pool.`;
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
