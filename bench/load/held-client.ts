import http from "node:http";

/** Source addresses to spread over: each has some 28,000 ports on loopback, minus those of the last minute. */
const ADDRESSES = 20;

/** One request on a connection of its own that takes as long as it takes. */
export class HeldClient {
  /** Its status, once the whole answer is there; rejects if it breaks. */
  readonly answer: Promise<number>;
  /** Resolves when the request is on its way. */
  readonly sent: Promise<void>;

  constructor(url: string, path: string, n: number) {
    const localAddress = `127.0.0.${2 + (n % ADDRESSES)}`;
    const request = http.get(url + path, { agent: false, localAddress });
    this.sent = new Promise((resolve, reject) => {
      request.on("finish", resolve);
      request.on("error", reject);
    });
    this.answer = new Promise((resolve, reject) => {
      request.on("response", (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
        response.on("error", reject);
      });
      request.on("error", reject);
    });
    // Whoever waits for one of them hears of it.
    this.sent.catch(() => {});
    this.answer.catch(() => {});
  }
}
