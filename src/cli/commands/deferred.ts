import { Argument, Option } from "@commander-js/extra-typings";
import type { DeferredList, ListedRequest } from "../../admin/deferred.ts";
import { clock } from "../../words/times.ts";
import type { AdminClient } from "../client/admin-client.ts";
import { refuseWithout } from "../client/refuse-without.ts";
import { type Context, clientOf, contextOf, printJson, printLines } from "../context.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { examples, type Program, wholeOption } from "../program.ts";
import { deferredView, shortId } from "../terminal/deferred-view.ts";
import { printable, styleOf, widthOf } from "../terminal/output.ts";

const ACTIONS = ["list", "cancel", "retry"] as const;
const STATES = ["queued", "running", "answered", "failed", "canceled"] as const;
/** Listed without `--state` and `--all`: what one looks for. In the order in which a request goes through them. */
const OPEN = ["queued", "running", "failed"] as const;
/** Of one answer. */
const [USUAL_LIMIT, MOST] = [100, 1_000];

export function addDeferred(program: Program): void {
  program
    .command("deferred")
    .description("list a pool's deferred requests, cancel one, or try one again that has failed")
    .argument("<pool>", "the pool that has stored them")
    .addArgument(new Argument("[action]", "what to do").choices(ACTIONS).default("list" as const))
    .argument("[request]", "for cancel and retry: its number in the list, or its id")
    .addOption(new Option("--state <state>", "list only those in this state").choices(STATES))
    .addOption(
      new Option("--limit <n>", `list so many at most, the oldest first (default: ${USUAL_LIMIT})`)
        .argParser(wholeOption(1, MOST))
        .conflicts("all"),
    )
    .option("--all", "list all, in any state and however many there are")
    .addHelpText(
      "after",
      examples(
        "sluice deferred web --state failed",
        "sluice deferred web retry 12",
        "sluice deferred web cancel 12          # one that waits or runs",
        "sluice deferred web --state failed --all --json | jq -r '.requests[].id' |",
        "  xargs -n 1 sluice deferred web retry",
      ),
    )
    .action(async (pool, action, request, { state, limit, all }, command) => {
      const context = contextOf(command.optsWithGlobals());
      if (action === "list" && request !== undefined) {
        throw new CliError(EXIT.usage, "list takes no request: name one for cancel or retry.");
      }
      const isForList = state !== undefined || limit !== undefined || all !== undefined;
      if (action !== "list" && isForList) {
        throw new CliError(EXIT.usage, `--state, --limit and --all are for list, not for ${action}.`);
      }
      const client = clientOf(command.optsWithGlobals());
      if (action === "list") {
        const most = limit ?? USUAL_LIMIT;
        if (all) printList(context, pool, state ?? "", await everything(client, pool, state));
        else if (state) printList(context, pool, state, await client.deferred(pool, { state, limit: most }));
        else printList(context, pool, "open", await open(client, pool, most));
      } else {
        const found = await requestNamed(client, pool, action, request);
        await (action === "cancel" ? cancel : retry)(client, pool, found, context);
      }
    });
}

type State = ListedRequest["state"] | undefined;

async function everything(client: AdminClient, pool: string, state: State): Promise<DeferredList> {
  const requests: ListedRequest[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const page: DeferredList = await client.deferred(pool, { state, limit: MOST, after });
    requests.push(...page.requests);
    after = page.next;
  }
  return { requests, next: null };
}

/** As one list, in the order of all. */
async function open(client: AdminClient, pool: string, limit: number): Promise<DeferredList> {
  const found = new Map<number, ListedRequest>();
  let isMore = false;
  for (const state of OPEN) {
    const { requests, next } = await client.deferred(pool, { state, limit });
    // One that goes on meanwhile is found twice.
    for (const request of requests) found.set(request.number, request);
    isMore ||= next !== null;
  }
  const requests = [...found.values()].sort((a, b) => a.number - b.number);
  const shown = requests.slice(0, limit);
  isMore ||= requests.length > limit;
  return { requests: shown, next: isMore ? (shown.at(-1)?.number ?? null) : null };
}

/** `which`: the word for those that are listed. */
function printList({ out, err, json }: Context, pool: string, which: string, list: DeferredList): void {
  const { requests, next } = list;
  if (json) printJson(out, list);
  else if (requests.length > 0)
    printLines(out, deferredView(requests, styleOf(out), Date.now(), widthOf(out)));
  else printLines(out, [none(printable(pool), which)]);
  // Not among the lines of the table, which may be counted.
  if (!json && next !== null)
    err.write(`sluice: there are more than these ${requests.length}; --all lists them\n`);
}

function none(pool: string, which: string): string {
  if (which === "open")
    return `${pool} has no deferred requests that wait, run or have failed; --all lists the others`;
  return `${pool} has no ${which === "" ? "" : `${which} `}deferred requests`;
}

/** A request, and what its user called it. */
interface Named {
  id: string;
  words: string;
}

async function requestNamed(
  client: AdminClient,
  pool: string,
  action: string,
  given: string | undefined,
): Promise<Named> {
  if (given === undefined) {
    throw new CliError(
      EXIT.usage,
      `Which one? Name its number in the list, or its id: sluice deferred ${pool} ${action} 12`,
    );
  }
  // An id is longer than any number.
  if (!/^\d{1,15}$/.test(given)) return { id: given, words: `request ${shortId(given)}` };
  const number = Number(given);
  const after = Math.max(0, number - 1);
  const [found] = (await client.deferred(pool, { limit: 1, after })).requests;
  if (found?.number === number) {
    // Whoever may not act on a request is not told its id.
    if (found.id === null) await refuseWithout(["deferred"], client, pool);
    else return { id: found.id, words: `request ${number}` };
  }
  const why = "it may have been forgotten after its end, or have a new number after a retry";
  throw new CliError(EXIT.usage, `${printable(pool)} has no deferred request ${number}; ${why}.`);
}

async function cancel(
  client: AdminClient,
  pool: string,
  { id, words }: Named,
  { out, json }: Context,
): Promise<void> {
  const stopping = await client.cancelDeferred(pool, id);
  const done = stopping ? "runs, and is being stopped as on_client_abort says" : "is canceled";
  if (json) printJson(out, { id, state: stopping?.state ?? "canceled" });
  else printLines(out, [`${pool}: ${words} ${done}`]);
}

async function retry(
  client: AdminClient,
  pool: string,
  { id, words }: Named,
  { out, json }: Context,
): Promise<void> {
  const queued = await client.retryDeferred(pool, id);
  const { place, estimatedStartAt } = queued;
  const start =
    estimatedStartAt === null ? "" : `, its turn may be at ${clock(estimatedStartAt, Date.now())}`;
  if (json) printJson(out, queued);
  else printLines(out, [`${pool}: ${words} is queued again, at place ${place}${start}`]);
}
