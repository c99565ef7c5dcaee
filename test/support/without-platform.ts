import { vi } from "vitest";

/** To be imported before anything that imports these. */
vi.mock("cloudflare:sockets", () => ({
  connect: () => {
    throw new Error("no sockets here");
  },
}));
vi.mock("cloudflare:workers", () => ({
  DurableObject: class {
    constructor(
      readonly ctx: unknown,
      readonly env: unknown,
    ) {}
  },
  RpcTarget: class {},
}));
