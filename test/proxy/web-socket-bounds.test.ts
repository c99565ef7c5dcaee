import { beforeAll, describe, expect, test } from "vitest";
import { useStage } from "../support/stage.ts";
import { openPeers } from "../support/web-socket-client.ts";
import type { WebSocketPeer } from "../support/web-socket-peer.ts";

const quarantine = { max: "60s", broken: "60s" };
const keys = (name: string, more = {}) => ({
  [name]: { slots: 1, hosts: ["*"], path_prefix: `/${name}`, quarantine, ...more },
});

interface Peers {
  client: WebSocketPeer;
  server: WebSocketPeer;
}

/** Each begins to close, and the other side never answers. */
const UNANSWERED: Record<string, { outcome: string; keys?: object; begin: (peers: Peers) => void }> = {
  "client-closes": { outcome: "client-abort-in-flight", begin: ({ client }) => client.sendClose(1000) },
  "server-closes": { outcome: "client-abort-in-flight", begin: ({ server }) => server.sendClose(1000) },
  "client-gone": { outcome: "client-abort-in-flight", begin: ({ client }) => client.cut() },
  "client-breach": { outcome: "client-abort-in-flight", begin: ({ client }) => void client.sendRaw(0x83) },
  "client-invalid": { outcome: "client-abort-in-flight", begin: ({ client }) => client.sendClose(999) },
  idle: { outcome: "server-timeout", keys: { websocket_idle: "200ms" }, begin: () => {} },
};

const stage = useStage(
  Object.fromEntries(
    Object.entries(UNANSWERED).flatMap(([name, { keys: more }]) => Object.entries(keys(name, more))),
  ),
);

describe("a closing handshake that the other side never finishes", () => {
  const opened = new Map<string, Peers>();
  beforeAll(async () => {
    for (const name of Object.keys(UNANSWERED)) {
      opened.set(name, await openPeers(stage, { path: `/${name}` }));
    }
  });

  test.concurrent.each(Object.entries(UNANSWERED))(
    "ends after a while, %s: the server's connection is closed, and only then the slot quarantined",
    async (name, { outcome, begin }) => {
      const peers = opened.get(name) as Peers;
      let serverGone = false;
      const gone = peers.server.gone.then(() => {
        serverGone = true;
      });
      begin(peers);
      await stage.sluice.until(name, ({ quarantined }) => quarantined === 1, 30_000);
      expect(serverGone).toBe(true);
      await Promise.all([gone, peers.client.gone]);
      const line = await stage.sluice.logged(({ path }) => path === `/${name}`);
      expect(line.outcome).toBe(outcome);
    },
  );
});
