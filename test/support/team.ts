import http, { type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

type Key = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];

export const TEAM = "acme.cloudflareaccess.com";
export const AUD = "97e2aae120121f902df8bc99fc345913ab186d174f3079ea729236766b2e7c4a";

/** A team of Cloudflare Access on loopback: signs tokens, and tells its keys and the groups of whom it knows. */
export class Team {
  readonly url: string;
  readonly #server: Server;
  readonly #keys: { kid: string; key: Key; jwk: object }[];
  /** What get-identity answers, by token. */
  readonly identities = new Map<string, object>();
  /** The paths that were asked for. */
  readonly asked: string[] = [];
  /** False: it answers 500. */
  isUp = true;

  private constructor(server: Server, url: string, keys: Team["keys"]) {
    this.#server = server;
    this.url = url;
    this.#keys = keys;
    server.on("request", (request, response) => {
      const path = request.url ?? "";
      this.asked.push(path);
      if (!this.isUp) return void response.writeHead(500).end("down");
      if (path === "/cdn-cgi/access/certs") {
        // The last key is signed with, but not told of.
        const told = this.#keys
          .slice(0, -1)
          .map(({ kid, jwk }) => ({ ...jwk, kid, alg: "RS256", use: "sig" }));
        return void response.end(JSON.stringify({ keys: told }));
      }
      const token = /CF_Authorization=(.*)/.exec(request.headers.cookie ?? "")?.[1] ?? "";
      const identity = this.identities.get(token);
      response.writeHead(identity ? 200 : 400).end(JSON.stringify(identity ?? { err: "no app token set" }));
    });
  }

  get keys() {
    return this.#keys;
  }

  static async start(): Promise<Team> {
    const keys = await Promise.all(
      ["now", "before", "foreign"].map(async (kid) => {
        const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
        return { kid, key: privateKey, jwk: await exportJWK(publicKey) };
      }),
    );
    const server = http.createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Team(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, keys);
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** A token as Access makes them. `change`: other claims. `kid`: the key that signs, `as` the one that it says. */
  async token(
    change: Record<string, unknown> = {},
    { kid, as, alg = "RS256" }: { kid?: string; as?: string; alg?: string } = {},
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const claims = { aud: [AUD], iss: `https://${TEAM}`, iat: now, nbf: now, exp: now + 600, type: "app" };
    const { key } =
      this.#keys.find((one) => one.kid === (kid ?? "now")) ?? (this.#keys[0] as Team["keys"][number]);
    return new SignJWT({ sub: "7335d417", identity_nonce: "6ei69kawdKzMIAPF", ...claims, ...change })
      .setProtectedHeader({ alg, kid: as ?? kid ?? "now", typ: "JWT" })
      .sign(key);
  }
}
