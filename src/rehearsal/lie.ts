/** How a server is made to lie, to see the rehearsal fail: it reports an overlap, or sends another answer than it says. */
export type Lie = "overlap" | "answer";

/** What the Worker has that the servers are in. */
export interface ServersEnv {
  LIE?: Lie;
}
