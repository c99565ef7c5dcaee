/** In place of wrk where it is not installed: the same, at some five times the CPU time a request. */
import http from "node:http";
import type { Load, Measured } from "./load.ts";

const { url, connections, seconds, headers = {} } = JSON.parse(process.argv[2] as string) as Load;
const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
const latencies: number[] = [];
let [bytes, broken, failed] = [0, 0, 0];

function ask(): Promise<void> {
  const since = performance.now();
  return new Promise((resolve) => {
    const request = http.get(url, { agent, headers }, (response) => {
      if ((response.statusCode ?? 0) > 399) failed++;
      response.on("data", (chunk) => {
        bytes += chunk.length;
      });
      response.on("end", () => {
        latencies.push(performance.now() - since);
        resolve();
      });
      response.on("error", resolve);
    });
    request.on("error", () => {
      broken++;
      resolve();
    });
  });
}

const start = performance.now();
const end = start + seconds * 1000;
const loops = Array.from({ length: connections }, async () => {
  while (performance.now() < end) await ask();
});
await Promise.all(loops);
agent.destroy();

latencies.sort((a, b) => a - b);
const percentile = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0;
const measured: Measured = {
  requests: latencies.length,
  seconds: (performance.now() - start) / 1000,
  bytes,
  p50Ms: percentile(0.5),
  p99Ms: percentile(0.99),
  broken,
  failed,
};
console.log(JSON.stringify(measured));
