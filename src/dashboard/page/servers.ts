import type { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { awaitsCheck, isTakenOut, isWarming, SERVER_STATES, takesRequests } from "../../words/phrases.ts";
import { clockInWords, oneUnit } from "../../words/times.ts";
import { byId, keyed, make, setAttributes, setText } from "./dom.ts";
import type { Offers } from "./offers.ts";

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

  draw(pool: Snapshot, offers: Offers, isLive: boolean, now: number): void {
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
        setText(name?.lastChild, addressWords(server, now));
        drawWords(state, SERVER_STATES[server.state], stateWords(server, now));
        setAttributes(state, { "data-mark": isTakenOut(server) ? "warn" : "good" });
        drawWords(health, server.health, healthWords(server, pool, now));
        // There is one line for it, and what a check got may be long.
        setAttributes(health, { "data-mark": HEALTH_MARKS[server.health], title: gotTitle(server) });
        drawWords(load, `${server.inFlight} of ${server.slots} in flight`, quarantineWords(server));
        drawActs(acts as HTMLElement, server, offers, isLive);
      },
    );
  }
}

const HEALTH_MARKS = { up: "good", down: "bad", unchecked: "plain" };

function createRow({ name }: ServerSnapshot): HTMLLIElement {
  return make(
    "li",
    "server",
    make("p", "name", make("b", "", name), " ", make("span", "note")),
    makeWords("mark state-of"),
    makeWords("mark health"),
    makeWords("load"),
    make("div", "acts", createAct("act restore", "Set ready", name), createAct("act", "Change…", name)),
  );
}

/** What is said first, and what may be said besides. */
function makeWords(className: string): HTMLElement {
  return make("p", className, make("span"), make("span", "note"));
}

function drawWords(cell: Element | undefined, words: string, note: string): void {
  setText(cell?.firstChild, words);
  setText(cell?.lastChild, note);
}

function createAct(className: string, label: string, server: string): HTMLButtonElement {
  const button = make("button", className, label);
  button.setAttribute("aria-label", `${label} ${server}`);
  button.type = "button";
  return button;
}

function drawActs(acts: HTMLElement, server: ServerSnapshot, offers: Offers, isLive: boolean): void {
  const { name, state, registered } = server;
  const [restore, change] = acts.children;
  acts.hidden = !(offers.servers || (offers.register && registered));
  // The focus would get lost with a button that disappears once it was used.
  if (state === "ready" && document.activeElement === restore) (change as HTMLElement).focus();
  restore?.classList.toggle("absent", state === "ready" || !offers.servers);
  const label = offers.servers ? "Change…" : "Remove…";
  setText(change, label);
  setAttributes(change, { "aria-label": `${label} ${name}` });
  for (const button of acts.children) setAttributes(button, { "aria-disabled": isLive ? null : "true" });
}

function isTroubled(server: ServerSnapshot): boolean {
  return !takesRequests(server) || server.quarantined > 0;
}

function addressWords(server: ServerSnapshot, now: number): string {
  const { url, weight, backup, registered, shard } = server;
  const parts = [
    url,
    // Not yet its weight: its share grows towards that.
    ...(isWarming(server, now) ? [`weight (${weight})`] : weight === 1 ? [] : [`weight ${weight}`]),
    ...(backup ? ["backup"] : []),
    ...(registered ? [registeredWords(registered, now)] : []),
    ...(shard === undefined ? [] : [`shard ${shard}`]),
  ];
  return parts.join(" · ");
}

/** It leaves then, unless it registers again. */
function registeredWords({ expiresAt }: NonNullable<ServerSnapshot["registered"]>, now: number): string {
  return expiresAt === null ? "registered" : `registered until ${clockInWords(expiresAt, now)}`;
}

/** Within the column’s width: what is to come instead of since when. */
function stateWords({ stateSince, cut }: ServerSnapshot, now: number): string {
  if (!cut || cut.done) return since(stateSince, now);
  return `, cuts off in ${oneUnit(Math.max(0, Date.parse(cut.at) - now))}`;
}

function healthWords(server: ServerSnapshot, pool: Snapshot, now: number): string {
  const { health, healthSince, lastCheck } = server;
  if (awaitsCheck(server, pool)) return `${since(healthSince, now)}, is checked while the pool has work`;
  const checked = health === "down" && lastCheck;
  if (!checked) return since(healthSince, now);
  return `${since(healthSince, now)}, ${oneUnit(now - Date.parse(lastCheck.at))} ago: ${lastCheck.got}`;
}

function gotTitle({ health, lastCheck }: ServerSnapshot): string | null {
  return health === "down" && lastCheck ? `The last check got: ${lastCheck.got}` : null;
}

function quarantineWords({ quarantined }: ServerSnapshot): string {
  return quarantined === 0 ? "" : `, ${quarantined} quarantined`;
}

function since(instant: string | null, now: number): string {
  return instant === null ? "" : ` for ${oneUnit(now - Date.parse(instant))}`;
}
