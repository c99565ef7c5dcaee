import net from "node:net";

const PROBLEMS: Record<string, string> = {
  EADDRINUSE: "is taken",
  EACCES: "is not for every user",
};

/** Why `http://localhost:<port>`, by IPv4 or IPv6, cannot be ours; `null`: it can. */
export async function portProblem(port: number): Promise<string | null> {
  return (await problemOn("127.0.0.1", port)) ?? (await problemOn("::1", port));
}

function problemOn(host: string, port: number): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const probe = net.createServer();
  // Any other error, as on a machine without IPv6, is no reason not to try.
  probe.once("error", (error: NodeJS.ErrnoException) => resolve(PROBLEMS[error.code ?? ""] ?? null));
  probe.listen(port, host, () => probe.close(() => resolve(null)));
  return promise;
}
