import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Sluice } from "../support/sluice.ts";
import { openTab } from "./browser.ts";
import { PlayedPool } from "./played-pool.ts";
import { aLease, aPool, aQuarantinedLease, aServer } from "./snapshots.ts";
import { press, sees, useStage } from "./stage.ts";

const stage = useStage();
let sluice: Sluice;
beforeAll(async () => {
  sluice = await Sluice.start({
    pools: { web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] } },
  });
});
afterAll(() => sluice?.stop());

/** A pool with a slot in each state, in the colours that somebody has forced. */
async function shown(): Promise<Page> {
  const { page } = await openTab(stage.browser, { forcedColors: "active" });
  const pool = await PlayedPool.on(page);
  await page.goto(`${sluice.url}/_sluice/#/web`);
  await sees(page, "#pool-title", "web");
  const servers = [
    aServer({ name: "idle" }),
    aServer({ name: "busy", leases: [aLease("a")] }),
    aServer({ name: "draining", state: "drain", leases: [aLease("b")] }),
    aServer({ name: "quarantined", quarantined: 1, leases: [aQuarantinedLease("c", 5)] }),
    aServer({ name: "down", health: "down" }),
    aServer({ name: "drain", state: "drain" }),
    aServer({ name: "maint", state: "maint" }),
  ];
  const queued = Array.from({ length: 110 }, (_, n) => n);
  const from = new Date(Date.now() - 550_000).toISOString();
  await pool.record({ from, stepMs: 5_000, queued, oldestWaitMs: queued });
  await pool.show(aPool({ servers, queued: 110, oldestWaitMs: 5_000 }));
  return page;
}

test("forced colours leave each state of a slot a look of its own", async () => {
  const page = await shown();
  const looks = await page.locator(".cell").evaluateAll((cells) =>
    cells.map((cell) => {
      const { borderTopStyle, borderTopWidth, borderLeftWidth } = getComputedStyle(cell);
      const { content, clipPath } = getComputedStyle(cell.querySelector(".who") as Element, "::before");
      return [borderTopStyle, borderTopWidth, borderLeftWidth, content, clipPath].join(" ");
    }),
  );
  expect(looks).toHaveLength(7);
  expect(new Set(looks).size).toBe(7);
});

test("they leave every shape in front of a line to be seen, and each weight a shape of its own", async () => {
  const page = await shown();
  const shapes = await page.locator(".mark:visible, .connection, .cell .who").evaluateAll((marks) =>
    marks.flatMap((mark) => {
      const { content, backgroundColor, borderTopWidth, clipPath, borderRadius } = getComputedStyle(
        mark,
        "::before",
      );
      if (content === "none") return [];
      const canvas = getComputedStyle(document.body).backgroundColor;
      const isFilled = backgroundColor !== canvas && backgroundColor !== "rgba(0, 0, 0, 0)";
      const kind = mark.getAttribute("data-mark") ?? "";
      return [
        {
          kind,
          look: `${isFilled} ${clipPath} ${borderRadius}`,
          isSeen: isFilled || borderTopWidth !== "0px",
        },
      ];
    }),
  );
  expect(shapes.length).toBeGreaterThan(16);
  expect(shapes.filter(({ isSeen }) => !isSeen)).toEqual([]);
  const looks = new Map(shapes.filter(({ kind }) => kind !== "").map(({ kind, look }) => [kind, look]));
  expect([looks.size, new Set(looks.values()).size]).toEqual([3, 3]);
});

test("they leave every text to be read on the plate that the system puts below it", async () => {
  const page = await shown();
  await press(page, "Drain…");
  const unread = await page.locator("button:visible, a:visible, p:visible, dt, dd").evaluateAll((texts) => {
    const canvas = getComputedStyle(document.body).backgroundColor;
    return texts.flatMap((text) => (getComputedStyle(text).color === canvas ? [text.outerHTML] : []));
  });
  expect(unread).toEqual([]);
});

test("they show what has the focus", async () => {
  const page = await shown();
  for (const selector of [".cell", "#queue-chart", "#act-drain", ".mark-link", "#only-troubled"]) {
    await page.locator(selector).first().focus();
    await page.keyboard.press("Shift");
    const outline = await page
      .locator(selector)
      .first()
      .evaluate((element) => {
        const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
        return [
          outlineStyle,
          Number.parseFloat(outlineWidth) > 1,
          outlineColor !== getComputedStyle(document.body).backgroundColor,
        ];
      });
    expect.soft(outline, selector).toEqual([expect.not.stringMatching("none"), true, true]);
  }
});

test("they draw the curves in colours of theirs, also if they are forced while the page is open", async () => {
  const page = await shown();
  /** How many colours there are on the chart that are clearly others than its ground. */
  const colours = () =>
    page.locator("#queue-chart canvas").evaluate((element) => {
      const canvas = element as HTMLCanvasElement;
      const { data } = (canvas.getContext("2d") as CanvasRenderingContext2D).getImageData(
        0,
        0,
        canvas.width,
        canvas.height,
      );
      const found = new Map<string, number>();
      for (let n = 0; n < data.length; n += 4) {
        if ((data[n + 3] ?? 0) < 255) continue;
        const colour = data.slice(n, n + 3).join(" ");
        found.set(colour, (found.get(colour) ?? 0) + 1);
      }
      return [...found].filter(([, count]) => count > 50).map(([colour]) => colour);
    });
  const system = (name: string) =>
    page.evaluate((colour) => {
      const probe = document.body.appendChild(document.createElement("p"));
      probe.style.color = colour;
      const { color } = getComputedStyle(probe);
      probe.remove();
      return (color.match(/\d+/g) ?? []).slice(0, 3).join(" ");
    }, name);
  await expect.poll(colours).toContain(await system("LinkText"));
  await page.emulateMedia({ forcedColors: "none" });
  await expect.poll(colours).not.toContain(await system("GrayText"));
  await expect.poll(colours).toContain("11 87 194");
  await page.emulateMedia({ forcedColors: "active" });
  await expect.poll(colours).toContain(await system("LinkText"));
});
