/// <reference path="./text.d.ts" />
/**
 * The page's files, as texts in the bundle: nothing to build, nothing fetched from elsewhere. By the import
 * attribute, which esbuild honours; wrangler's own text modules would be files beside the bundle.
 */

import uplotJs from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import uplotCss from "uplot/dist/uPlot.min.css" with { type: "text" };
import uplotLicence from "uplot/LICENSE" with { type: "text" };
import { join } from "./join.ts";
import actsJs from "./page/acts.js" with { type: "text" };
import adviceJs from "./page/advice.js" with { type: "text" };
import adviceServersJs from "./page/advice-servers.js" with { type: "text" };
import apiJs from "./page/api.js" with { type: "text" };
import cellsJs from "./page/cells.js" with { type: "text" };
import clockJs from "./page/clock.js" with { type: "text" };
import curvesJs from "./page/curves.js" with { type: "text" };
import dialogCss from "./page/dialog.css" with { type: "text" };
import dialogJs from "./page/dialog.js" with { type: "text" };
import domJs from "./page/dom.js" with { type: "text" };
import eventListJs from "./page/event-list.js" with { type: "text" };
import feedJs from "./page/feed.js" with { type: "text" };
import figuresJs from "./page/figures.js" with { type: "text" };
import frameCss from "./page/frame.css" with { type: "text" };
import framesJs from "./page/frames.js" with { type: "text" };
import happeningsJs from "./page/happenings.js" with { type: "text" };
import historyJs from "./page/history.js" with { type: "text" };
// Not .html: wrangler takes that for one of its own text modules, whatever the attribute says (4.164).
import indexHtm from "./page/index.htm" with { type: "text" };
import listsCss from "./page/lists.css" with { type: "text" };
import mainJs from "./page/main.js" with { type: "text" };
import modelJs from "./page/model.js" with { type: "text" };
import noticesJs from "./page/notices.js" with { type: "text" };
import overviewJs from "./page/overview.js" with { type: "text" };
import poolCss from "./page/pool.css" with { type: "text" };
import serversJs from "./page/servers.js" with { type: "text" };
import slotsJs from "./page/slots.js" with { type: "text" };
import summaryJs from "./page/summary.js" with { type: "text" };
import themeCss from "./page/theme.css" with { type: "text" };
import viewJs from "./page/view.js" with { type: "text" };
import wordsJs from "./page/words.js" with { type: "text" };

export const HTML = indexHtm;

/** The page's own modules. */
export const SCRIPTS: Record<string, string> = {
  "acts.js": actsJs,
  "advice.js": adviceJs,
  "advice-servers.js": adviceServersJs,
  "api.js": apiJs,
  "cells.js": cellsJs,
  "clock.js": clockJs,
  "curves.js": curvesJs,
  "dialog.js": dialogJs,
  "dom.js": domJs,
  "event-list.js": eventListJs,
  "feed.js": feedJs,
  "figures.js": figuresJs,
  "frames.js": framesJs,
  "happenings.js": happeningsJs,
  "history.js": historyJs,
  "main.js": mainJs,
  "model.js": modelJs,
  "notices.js": noticesJs,
  "overview.js": overviewJs,
  "servers.js": serversJs,
  "slots.js": slotsJs,
  "summary.js": summaryJs,
  "view.js": viewJs,
  "words.js": wordsJs,
};

const OTHERS: Record<string, string> = {
  "style.css": [uplotCss, themeCss, frameCss, poolCss, listsCss, dialogCss].join("\n"),
  // Its licence asks to come with every copy; the minified file has only a link.
  "uplot.js": `/*!\n${uplotLicence}\n*/\n${uplotJs}`,
};

let page: string | null = null;

/**
 * What the page loads, by its name under `assets/`. Its script is made ready when it is asked for first: most
 * isolates never serve the page.
 */
export function assetText(name: string): string | undefined {
  if (name === "page.js") {
    page ??= join(SCRIPTS, "main.js");
    return page;
  }
  return Object.hasOwn(OTHERS, name) ? OTHERS[name] : undefined;
}
