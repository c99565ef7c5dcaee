import type { Target } from "../client/target.ts";
import type { Stage } from "./stage.ts";

/** A deployment that somebody has made before, with `--keep`. */
export class GivenStage implements Stage {
  readonly where = "url";
  readonly deployAgain = null;
  readonly crash = null;
  readonly url: string;
  readonly token: string;

  constructor({ url, token }: Target) {
    this.url = url;
    this.token = token;
  }
}
