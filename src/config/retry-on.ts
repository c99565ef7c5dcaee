/** The key `retry_on` of a pool: answers by which a server says that it is busy with another request. */
import * as z from "zod/mini";
import { errorOption } from "./fields.ts";
import { MOST_BUSY_ANSWERS } from "./limits.ts";
import { shaped } from "./shape.ts";
import type { BusyAnswer } from "./types.ts";

const ANSWER_ALLOWED =
  'a status from 400 to 599 with or without how the body begins, 503 or "503 already processing"';
const ANSWER = /^([45]\d\d)(?: ([\s\S]+))?$/;

export function busyAnswers() {
  const onError = errorOption(
    "is not a list of answers",
    `a list of at most ${MOST_BUSY_ANSWERS}, each ${ANSWER_ALLOWED}`,
  );
  return z.array(busyAnswer(), onError).check(z.maxLength(MOST_BUSY_ANSWERS, onError));
}

function busyAnswer() {
  const onError = errorOption("is not a busy answer", ANSWER_ALLOWED);
  const schema = z.pipe(
    z.unknown(),
    z.transform((given, ctx): BusyAnswer => {
      const answer = typeof given === "number" || typeof given === "string" ? read(String(given)) : undefined;
      if (answer) return answer;
      ctx.issues.push({ code: "custom", input: given, message: onError.error({ input: given }) });
      return z.NEVER;
    }),
  );
  return shaped(schema, {
    anyOf: [
      { type: "integer", minimum: 400, maximum: 599 },
      { type: "string", pattern: ANSWER },
    ],
  });
}

function read(given: string): BusyAnswer | undefined {
  const [, status, begins = ""] = ANSWER.exec(given) ?? [];
  return status === undefined ? undefined : { status: Number(status), begins };
}
