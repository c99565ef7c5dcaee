import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { send } from "../../support/client.ts";
import { Origin } from "../../support/origin.ts";
import { Folder } from "../script.ts";
import { Project } from "./support.ts";

/** A folder with the key and the certificate of `localhost`, which has signed itself. */
async function certify(folder: string): Promise<{ key: Buffer; cert: Buffer }> {
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const files = ["-keyout", "key.pem", "-out", "cert.pem"];
  const make = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...names, ...files];
  await promisify(execFile)("openssl", make, { cwd: folder });
  return { key: await readFile(join(folder, "key.pem")), cert: await readFile(join(folder, "cert.pem")) };
}

test("with a certificate and its key, `sluice serve` speaks https, and servers are told so", async () => {
  const origin = await Origin.start((request, response) =>
    response.end(`${request.headers["x-forwarded-proto"]} ${request.headers["x-forwarded-for"]}`),
  );
  onTestFinished(() => origin.stop());
  const project = await Project.make({ web: { servers: [{ name: "web-1", url: origin.url }] } });
  const { cert: ca } = await certify(project.path);
  const served = await project.serve("--tls-cert", "cert.pem", "--tls-key", "key.pem");
  expect(served.url).toMatch(/^https:/);

  const request = https.get(served.url, { ca, servername: "localhost", agent: false });
  const [response] = await once(request, "response");
  expect(Buffer.concat(await response.toArray()).toString()).toBe("https 127.0.0.1");
});

test.each([
  [["--tls-cert", "gone.pem", "--tls-key", "key.pem"], "Cannot read --tls-cert gone.pem: ENOENT"],
  [["--tls-cert", "cert.pem", "--tls-key", "."], "Cannot read --tls-key .: EISDIR"],
  [
    ["--tls-cert", "key.pem", "--tls-key", "key.pem"],
    "There is no certificate in PEM in --tls-cert key.pem.",
  ],
  [
    ["--tls-cert", "cert.pem", "--tls-key", "cert.pem"],
    "There is no private key in PEM in --tls-key cert.pem.",
  ],
  [["--server-ca", "gone.pem"], "Cannot read --server-ca gone.pem: ENOENT"],
  [["--server-ca", "key.pem"], "There is no certificate in PEM in --server-ca key.pem."],
])("with %j `sluice serve` does not start, and says what is wrong with which file", async (args, says) => {
  const project = await Project.make({ web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] } });
  await certify(project.path);
  const run = project.run("--listen", "127.0.0.1:0", ...args);
  expect(await run.code).toBe(64);
  expect(run.stderr).toContain(`sluice: ${says}`);
});

test("a server with a certificate of one's own authority is trusted only with --server-ca", async () => {
  const { path } = await Folder.make();
  const server = https.createServer(await certify(path), (_, response) => void response.end("done"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const project = await Project.make({ web: { servers: [{ name: "web-1", url }] } });
  expect((await send((await project.serve()).url)).status).toBe(502);
  const trusting = await project.serve(
    "--data",
    "other",
    "--listen",
    "127.0.0.1:0",
    "--server-ca",
    join(path, "cert.pem"),
  );
  expect((await send(trusting.url)).status).toBe(200);
});
