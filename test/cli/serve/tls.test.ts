import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import https from "node:https";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { Origin } from "../../support/origin.ts";
import { Project } from "./support.ts";

test("with a certificate and its key, `sluice serve` speaks https, and servers are told so", async () => {
  const origin = await Origin.start((request, response) =>
    response.end(`${request.headers["x-forwarded-proto"]} ${request.headers["x-forwarded-for"]}`),
  );
  onTestFinished(() => origin.stop());
  const project = await Project.make({ web: { servers: [{ name: "web-1", url: origin.url }] } });
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const files = ["-keyout", "key.pem", "-out", "cert.pem"];
  const make = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...names, ...files];
  await promisify(execFile)("openssl", make, { cwd: project.path });
  const served = await project.serve("--tls-cert", "cert.pem", "--tls-key", "key.pem");
  expect(served.url).toMatch(/^https:/);

  const ca = await readFile(join(project.path, "cert.pem"));
  const body = await new Promise<string>((resolve, reject) => {
    const request = https.get(served.url, { ca, servername: "localhost", agent: false }, (response) => {
      response.toArray().then((chunks) => resolve(Buffer.concat(chunks).toString()), reject);
    });
    request.on("error", reject);
  });
  expect(body).toBe("https 127.0.0.1");
});
