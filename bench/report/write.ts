import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { median } from "../measure/statistics.ts";
import { SUBJECTS, TITLES } from "../subjects/subject.ts";
import { writeBetweenMarkers } from "./between-markers.ts";
import { markdownOf } from "./markdown.ts";
import { type Curve, plot } from "./plot.ts";
import type { Report, Section } from "./report.ts";
import { shardsMarkdown } from "./shards.ts";

const PLOT = "![Throughput against connections](throughput.svg)";
const BENCH = join(import.meta.dirname, "..");

/** Puts a run's results into bench/README.md, and its curves beside it. */
export function writeResults(report: Report): void {
  const readme = join(BENCH, "README.md");
  const isShards = ({ scenario }: Section) => scenario === "shards";
  const shards = report.sections.find(isShards);
  if (shards)
    writeBetweenMarkers(readme, "shards", `\n${shardsMarkdown({ ...report, sections: [shards] })}\n`);
  const sections = report.sections.filter((section) => !isShards(section));
  if (sections.length === 0) return;
  const curves = sections.find(({ scenario }) => scenario === "connections");
  if (!curves) throw new Error("the run has no curves");
  writeFileSync(join(BENCH, "throughput.svg"), throughputPlot(curves));
  writeBetweenMarkers(readme, "results", `\n${PLOT}\n\n${markdownOf({ ...report, sections })}\n`);
}

export function throughputPlot(section: Section): string {
  const axes = {
    title: "Requests a second against connections",
    x: "connections",
    y: "requests a second",
  };
  return plot(
    SUBJECTS.map(
      (name): Curve => ({
        title: TITLES[name],
        points: section.rows.flatMap((row) => {
          const values = row.cells[name];
          if (!values) return [];
          const [low, high] = [Math.min(...values), Math.max(...values)];
          return [{ x: Number(row.name), y: median(values), low, high }];
        }),
      }),
    ).filter(({ points }) => points.length > 0),
    axes,
  );
}
