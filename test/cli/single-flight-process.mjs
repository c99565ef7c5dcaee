// A server that can do one thing at a time, as a process of its own: `node single-flight-process.mjs <port> <serviceMs>`.
// It ends at once when it is told to, with whatever is in flight, by 7: nothing but a drain saves its requests.
import http from "node:http";

const [port, serviceMs] = process.argv.slice(2).map(Number);
let busy = false;
http
  .createServer((request, response) => {
    if (request.url === "/ready") response.end(String(process.pid));
    else if (busy) response.writeHead(409).end("rejected");
    else {
      busy = true;
      setTimeout(() => {
        busy = false;
        response.end("served");
      }, serviceMs);
    }
  })
  .listen(port, "127.0.0.1", () => process.stdout.write("listening\n"));
process.on("SIGTERM", () => process.exit(7));
