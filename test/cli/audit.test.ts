import { expect, onTestFinished, test } from "vitest";
import { manifestOf, ROOT } from "../../scripts/manifest.ts";
import { Sluice } from "../support/sluice.ts";
import { end } from "./end.ts";

const servers = [{ name: "web-1", url: "http://127.0.0.1:9" }];
const POOLS = { web: { servers }, other: { hosts: ["other.test"], servers } };

async function stage() {
  const sluice = await Sluice.start({ pools: POOLS });
  onTestFinished(() => sluice.stop());
  return sluice;
}

const audit = ({ url }: Sluice, ...args: string[]) => end(["audit", ...args], { url });

test("lists who has changed what in all pools, the newest first, a line each", async () => {
  const sluice = await stage();
  await sluice.drain("web", { owner: "deploy-42", reason: "v2" });
  await sluice.resume("other");
  const { code, stdout, stderr } = await audit(sluice);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [titles, first, second, ...more] = stdout.split("\n");
  expect(titles).toMatch(/^WHEN +POOL +WHO +ANSWER +WHAT +FROM +SIGNED IN BY +WITH$/);
  expect(first).toMatch(/ other +admin +nothing +resume +– +ADMIN_TOKEN +node$/);
  expect(second).toMatch(/ web +admin +done +drain as "deploy-42" \("v2"\) +– +ADMIN_TOKEN +node$/);
  expect(more).toEqual([""]);
});

test("lists one pool's alone", async () => {
  const sluice = await stage();
  await sluice.resume("other");
  await sluice.resume("web");
  const { stdout } = await end(["audit", "web"], { url: sluice.url });
  expect(stdout.split("\n")).toHaveLength(3);
  expect(stdout).toMatch(/^WHEN +WHO/);
});

test("what the command itself has done is in it, with its name, its version and its answer", async () => {
  const sluice = await stage();
  const { url } = sluice;
  await sluice.drain("web", { owner: "somebody" });
  expect((await end(["resume", "web"], { url })).code).toBe(76);
  expect((await end(["server", "web", "web-1", "--state", "maint"], { url })).code).toBe(0);
  const lines = (await audit(sluice, "web")).stdout.split("\n");
  expect(lines[1]).toMatch(/ done +set "web-1": maintenance /);
  const { version } = await manifestOf(ROOT);
  expect(lines[1]?.endsWith(` sluice/${version}`), lines[1]).toBe(true);
  expect(lines[2]).toMatch(/ drain-held +resume /);
});

test("says so where nobody has changed anything", async () => {
  const sluice = await stage();
  expect((await audit(sluice)).stdout).toBe("nobody has changed anything yet\n");
  expect((await audit(sluice, "web")).stdout).toBe("nobody has changed web yet\n");
});

test("says where there are more than it lists", async () => {
  const sluice = await stage();
  for (const weight of [2, 3, 4]) await sluice.admin("PATCH", "/api/pools/web/servers/web-1", { weight });
  const { stdout, stderr } = await audit(sluice, "--limit", "2");
  expect(stdout.trimEnd().split("\n")).toHaveLength(3);
  expect(stdout).toMatch(/weight 4.*\n.*weight 3/);
  expect(stderr).toBe("sluice: there are more than these 2; --limit 1000 lists more\n");
});

test("--json is what the admin side says", async () => {
  const sluice = await stage();
  await sluice.drain("web");
  const said = await (await sluice.admin("GET", "/api/audit")).json();
  expect(said).toMatchObject({ changes: [{ pool: "web", act: "drain" }] });
  const { code, stdout } = await audit(sluice, "--json");
  expect([code, JSON.parse(stdout)]).toEqual([0, said]);
});

test("names the pools that do not answer, lists the others, and ends with 69", async () => {
  const sluice = await stage();
  await sluice.drain("web");
  await sluice.losePool("other");
  const { code, stdout, stderr } = await audit(sluice);
  expect([code, stderr]).toEqual([69, "other  cannot be reached\n"]);
  expect(stdout).toContain("drain");
});

test("of a pool that does not exist, says which there are", async () => {
  const sluice = await stage();
  const { code, stderr } = await audit(sluice, "wep");
  expect(code).toBe(64);
  expect(stderr).toContain("web");
});
