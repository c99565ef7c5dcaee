import type { IncomingMessage } from "node:http";
import { neverWhole } from "../clients/plan.ts";
import type { Job, Journal } from "../journal.ts";
import { bodyOf } from "../plans.ts";

/** `null`: it did not come whole. */
export async function textOf(request: IncomingMessage, onMore: () => void): Promise<string | null> {
  let text = "";
  request.setEncoding("latin1");
  try {
    for await (const chunk of request) {
      text += chunk;
      onMore();
    }
    return text;
  } catch {
    return null;
  }
}

/** What came as a whole request has to be one, and the one that was sent; `id` is its own word. */
export function judgeBody({ sent, server }: Job, body: string, id: unknown, journal: Journal): void {
  const whole = bodyOf(sent.plan);
  const isRight = id === sent.plan.id;
  if (isRight && body === whole && !neverWhole(sent.plan.client)) return;
  const text = `${server} took ${body.length} of the ${whole.length} bytes of ${sent.plan.id} for all of them`;
  if (isRight && whole.startsWith(body)) journal.break("half", text, [sent]);
  else journal.break("lost", `${server} got ${sent.plan.id} garbled`, [sent]);
}
