import type { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { SERVER_STATES, takesRequests } from "../../words/phrases.ts";
import { wholeSeconds } from "../../words/times.ts";
import { byId, keyed, make, setAttributes, setText } from "./dom.ts";

/** What a button of a row is for. */
export interface ServerActs {
  /** Asks what the server is to be. */
  change: (server: ServerSnapshot) => void;
  /** Sets one that is in drain or maintenance to ready. */
  restore: (server: ServerSnapshot) => void;
}

/** The servers of a pool, a row each: its state, its health, and since when. */
export class Servers {
  readonly #list = byId("servers");
  readonly #onlyTroubled = byId("only-troubled") as HTMLInputElement;
  readonly #serverOf = new WeakMap<Element, ServerSnapshot>();

  constructor(acts: ServerActs, onFilter: () => void) {
    this.#onlyTroubled.addEventListener("change", onFilter);
    this.#list.addEventListener("click", (event) => {
      const button = (event.target as Element).closest("button");
      const row = button?.closest("li");
      const server = row && this.#serverOf.get(row);
      if (!server || button?.getAttribute("aria-disabled") === "true") return;
      acts[button?.classList.contains("restore") ? "restore" : "change"](server);
    });
  }

  draw(pool: Snapshot, mayChange: boolean, isLive: boolean, now: number): void {
    const servers = this.#onlyTroubled.checked ? pool.servers.filter(isTroubled) : pool.servers;
    byId("no-servers").hidden = servers.length > 0;
    keyed(
      this.#list,
      servers,
      ({ name }) => name,
      createRow,
      (row, server) => {
        this.#serverOf.set(row, server);
        const [name, state, health, load, acts] = row.children;
        setText(name?.lastChild, ` ${server.url}`);
        setText(state, stateWords(server, now));
        setAttributes(state, { "data-mark": server.state === "ready" ? "good" : "warn" });
        setText(health, healthWords(server, now));
        setAttributes(health, { "data-mark": HEALTH_MARKS[server.health] });
        setText(load, loadWords(server));
        drawActs(acts as HTMLElement, server, mayChange, isLive);
      },
    );
  }
}

const HEALTH_MARKS = { up: "good", down: "bad", unchecked: "plain" };

function createRow({ name }: ServerSnapshot): HTMLLIElement {
  return make(
    "li",
    "server",
    make("p", "name", make("b", "", name), make("span", "note")),
    make("p", "mark"),
    make("p", "mark"),
    make("p", "load"),
    make("div", "acts", createAct("act restore", "Set ready", name), createAct("act", "Change…", name)),
  );
}

function createAct(className: string, label: string, server: string): HTMLButtonElement {
  const button = make("button", className, label);
  button.setAttribute("aria-label", `${label} ${server}`);
  button.type = "button";
  return button;
}

function drawActs(acts: HTMLElement, { state }: ServerSnapshot, mayChange: boolean, isLive: boolean): void {
  const [restore, change] = acts.children;
  acts.hidden = !mayChange;
  // The focus would get lost with a button that disappears once it was used.
  if (state === "ready" && document.activeElement === restore) (change as HTMLElement).focus();
  restore?.classList.toggle("absent", state === "ready");
  for (const button of acts.children) setAttributes(button, { "aria-disabled": isLive ? null : "true" });
}

function isTroubled(server: ServerSnapshot): boolean {
  return !takesRequests(server) || server.quarantined > 0;
}

function stateWords({ state, stateSince }: ServerSnapshot, now: number): string {
  return SERVER_STATES[state] + since(stateSince, now);
}

function healthWords({ health, healthSince, lastCheck }: ServerSnapshot, now: number): string {
  const last = health === "down" && lastCheck ? `, last check ${ago(lastCheck.at, now)}` : "";
  return health + since(healthSince, now) + last;
}

function loadWords({ inFlight, slots, quarantined, weight, backup }: ServerSnapshot): string {
  const parts = [`${inFlight} of ${slots} in flight`];
  if (quarantined > 0) parts.push(`${quarantined} quarantined`);
  if (weight !== 1) parts.push(`weight ${weight}`);
  if (backup) parts.push("backup");
  return parts.join(", ");
}

function since(instant: string | null, now: number): string {
  return instant === null ? "" : ` for ${wholeSeconds(now - Date.parse(instant))}`;
}

function ago(instant: string, now: number): string {
  return `${wholeSeconds(now - Date.parse(instant))} ago`;
}
