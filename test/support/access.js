/** Plays Cloudflare for a Worker behind Access: its identity, and the team's domain, which is a server on loopback. */
import { WorkerEntrypoint } from "cloudflare:workers";

/** All that the Worker fetches. */
export default {
  fetch(request, env) {
    const url = new URL(request.url);
    if (!url.hostname.endsWith(".cloudflareaccess.com")) return env.INTERNET.fetch(request);
    return env.INTERNET.fetch(new Request(env.TEAM + url.pathname, request));
  },
};

/** What `ctx.access.getIdentity()` asks. */
export class Identity extends WorkerEntrypoint {
  getIdentity() {
    const { jwtClaims } = this.ctx.props;
    if (jwtClaims?.isDown) throw new Error("Access does not answer");
    return jwtClaims;
  }
}
