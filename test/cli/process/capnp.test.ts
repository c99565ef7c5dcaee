import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { configText, Embedded } from "../../../src/cli/process/capnp.ts";
import { startWorkerd } from "../../../src/cli/process/workerd.ts";

const WORKER = "export default { fetch: (_, { TEXT, LIST }) => Response.json([TEXT, LIST]) };";
const ODD = [
  '"quoted" \\ and \\n',
  "a\nb\r\n\tc",
  "\\u0041 \\x41",
  "\u0000\u0001\u001f\u007f\u0080",
  "ü 日本 😀 \u2028",
  "', = ()[] # .x",
];

test("the runtime reads each text as it was given, whatever is in it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-capnp-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'it\'s "odd".js'), WORKER);
  const text = configText({
    services: [
      {
        name: "main",
        worker: {
          modules: [{ name: "worker.js", esModule: new Embedded('it\'s "odd".js') }],
          compatibilityDate: "2026-11-17",
          compatibilityFlags: [],
          bindings: [
            { name: "TEXT", text: ODD.join("|") },
            { name: "LIST", json: JSON.stringify(ODD) },
            { name: "EMPTY", text: "", json: undefined },
          ],
        },
      },
    ],
    sockets: [{ name: "main", address: "127.0.0.1:0", http: {}, service: "main" }],
  });
  await writeFile(join(folder, "config.capnp"), text);
  const binary = createRequire(import.meta.url)("workerd").default;
  const { process, listening } = startWorkerd(binary, join(folder, "config.capnp"), {
    sockets: 1,
    onLine: () => {},
  });
  onTestFinished(() => void process.kill("SIGKILL"));
  const port = (await listening).get("main");
  expect(await (await fetch(`http://127.0.0.1:${port}`)).json()).toEqual([ODD.join("|"), ODD]);
});
