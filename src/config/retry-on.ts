/** The list `retry_on` of a pool: how its servers say that they are busy with somebody else's request. */
import * as z from "zod/mini";
import { refusal } from "./fields.ts";
import type { BusyAnswer } from "./types.ts";

const ANSWER_ALLOWED =
  'a status from 400 to 599 with or without how the body begins, 503 or "503 already processing"';
const MOST_ANSWERS = 32;

export function busyAnswers() {
  const words = refusal(
    "is not a list of answers",
    `a list of at most ${MOST_ANSWERS}, each ${ANSWER_ALLOWED}`,
  );
  return z.array(busyAnswer(), words).check(z.maxLength(MOST_ANSWERS, words));
}

function busyAnswer() {
  const words = refusal("is not a busy answer", ANSWER_ALLOWED);
  return z.pipe(
    z.unknown(),
    z.transform((given, ctx): BusyAnswer => {
      const answer = typeof given === "number" || typeof given === "string" ? read(String(given)) : undefined;
      if (answer) return answer;
      ctx.issues.push({ code: "custom", input: given, message: words.error({ input: given }) });
      return z.NEVER;
    }),
  );
}

function read(given: string): BusyAnswer | undefined {
  const [, status, begins = ""] = /^([45]\d\d)(?: (.+))?$/s.exec(given) ?? [];
  return status === undefined ? undefined : { status: Number(status), begins };
}
