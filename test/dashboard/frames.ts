import type { Page } from "playwright-core";

/** What a page has shown, one entry for each time that it was different. */
export interface Frame {
  /** The notice; empty if there is none. */
  notice: string;
  state: string;
  /** Where each of the watched elements stood, as `x,y`. */
  places: Record<string, string>;
}

/** Looks at the page in each frame and after each change of it from now on. `selectors`: elements that have a place. */
export async function watchFrames(page: Page, selectors: string[] = []): Promise<() => Promise<Frame[]>> {
  await page.evaluate((watched) => {
    const frames: Frame[] = [];
    let last = "";
    const look = () => {
      const notice = document.getElementById("outcome");
      const places = watched.map((selector) => {
        const box = document.querySelector(selector)?.getBoundingClientRect();
        return [selector, `${Math.round(box?.x ?? -1)},${Math.round(box?.y ?? -1)}`] as const;
      });
      const frame = {
        notice: notice?.hidden ? "" : (document.getElementById("outcome-words")?.textContent ?? ""),
        state: document.getElementById("state")?.textContent ?? "",
        places: Object.fromEntries(places),
      };
      const seen = JSON.stringify(frame);
      if (seen !== last) frames.push(frame);
      last = seen;
    };
    const lookOn = () => {
      look();
      requestAnimationFrame(lookOn);
    };
    lookOn();
    const everything = { subtree: true, childList: true, characterData: true, attributes: true };
    new MutationObserver(look).observe(document.body, everything);
    Object.assign(globalThis, { frames });
  }, selectors);
  return () => page.evaluate(() => (globalThis as unknown as { frames: Frame[] }).frames);
}

/** The frames in which the notice says something that the page does not show. */
export function contradictions(frames: readonly Frame[]): Frame[] {
  return frames.filter(({ notice, state }) => {
    if (notice.includes("running again")) return state.startsWith("Drain");
    const drained = /takes no more requests to its servers: (\w+)/.exec(notice)?.[1];
    return drained !== undefined && !state.toLowerCase().startsWith(drained);
  });
}
