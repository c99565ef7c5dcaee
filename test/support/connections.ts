import http from "node:http";

export interface Answer {
  status: number;
  body: string;
  headers: http.IncomingHttpHeaders;
}

/** A number of connections that requests share, as a browser or a proxy would hold them. */
export class Connections {
  readonly #agent: http.Agent;
  readonly #url: string;

  constructor(url: string, connections = Number.POSITIVE_INFINITY) {
    this.#url = url;
    this.#agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  }

  get(path: string, headers: http.OutgoingHttpHeaders = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = http.get(this.#url + path, { agent: this.#agent, headers }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk) => {
          body += chunk;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body, headers: response.headers }),
        );
        response.on("error", reject);
      });
      request.on("error", reject);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** How many answers there were of each status. */
export function statuses(answers: readonly Pick<Answer, "status">[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
