import { onTestFinished } from "vitest";
import { send } from "../support/client.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";

export interface Busy {
  sluice: Sluice;
  /** The status of the request in flight. */
  answer: Promise<number>;
  /** Lets the server answer this request and all later ones. */
  finish(): void;
}

/** The pool `web`, whose only server `web-0` has a request in flight until the test lets it end. */
export async function busyStage(): Promise<Busy> {
  const origin = await Origin.start();
  onTestFinished(() => origin.stop());
  const servers = [{ name: "web-0", url: origin.url }];
  const sluice = await Sluice.start({ pools: { web: { servers } } });
  onTestFinished(() => sluice.stop());
  const answer = send(sluice.url).then(({ status }) => status);
  // Handled, as not every test awaits it.
  answer.catch(() => {});
  const { response } = await origin.arrival();
  const finish = () => {
    origin.answer = (_, later) => later.end();
    response.end();
  };
  return { sluice, answer, finish };
}
