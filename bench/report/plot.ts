export interface Curve {
  title: string;
  points: { x: number; y: number; low: number; high: number }[];
}

export interface Axes {
  title: string;
  x: string;
  y: string;
}

const WIDTH = 720;
const AREA = { left: 70, right: 690, top: 40, bottom: 360 };
/** Of the axis and its title; the key follows, a line a curve. */
const [BELOW, KEY_LINE] = [56, 20];
/** Distinct for the colour-blind too (Okabe and Ito), and on white as on a dark page: the plot has its own ground. */
const COLOURS = ["#000000", "#0072b2", "#e69f00", "#d55e00", "#009e73", "#cc79a7", "#56b4e9"];

/** A plot with logarithmic axes as SVG; the bars are the lowest and the highest of all rounds. */
export function plot(curves: Curve[], axes: Axes): string {
  const all = curves.flatMap(({ points }) => points);
  const xs = [...new Set(all.map(({ x }) => x))].sort((a, b) => a - b);
  const scaleX = logScale(xs[0] as number, xs.at(-1) as number, AREA.left, AREA.right);
  const decades = decadesOf(
    all.map(({ low }) => low),
    all.map(({ high }) => high),
  );
  const scaleY = logScale(decades[0] as number, decades.at(-1) as number, AREA.bottom, AREA.top);
  const height = AREA.bottom + BELOW + KEY_LINE * curves.length + 12;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(axes.title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    label(AREA.left, 22, axes.title, "start", 'font-weight="bold"'),
    label((AREA.left + AREA.right) / 2, AREA.bottom + 38, axes.x, "middle"),
    `<text transform="translate(16 ${(AREA.top + AREA.bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(axes.y)}</text>`,
    ...decades.map((value) => gridLine(scaleY(value), value.toLocaleString("en-GB"))),
    ...xs.map((value) => label(scaleX(value), AREA.bottom + 18, String(value), "middle")),
    ...curves.map((curve, n) => drawn(curve, n, scaleX, scaleY)),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

type Scale = (value: number) => number;

function logScale(from: number, to: number, start: number, end: number): Scale {
  const span = Math.log(to / from) || 1;
  return (value) => start + (Math.log(value / from) / span) * (end - start);
}

/** Powers of ten, and twice and five times these, around all values. */
function decadesOf(lows: number[], highs: number[]): number[] {
  const [low, high] = [Math.min(...lows), Math.max(...highs)];
  const values: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    values.push(...[1, 2, 5].map((factor) => factor * 10 ** power));
  }
  const first = values.findLastIndex((value) => value <= low);
  const last = values.findIndex((value) => value >= high);
  return values.slice(Math.max(0, first), last + 1);
}

function gridLine(y: number, text: string): string {
  const line = `<line x1="${AREA.left}" x2="${AREA.right}" y1="${round(y)}" y2="${round(y)}" stroke="#dddddd"/>`;
  return line + label(AREA.left - 8, y + 4, text, "end");
}

function drawn({ title, points }: Curve, n: number, scaleX: Scale, scaleY: Scale): string {
  const colour = COLOURS[n % COLOURS.length];
  const at = points.map(({ x, y }) => `${round(scaleX(x))},${round(scaleY(y))}`).join(" ");
  const spread = points.filter(({ low, high }) => low < high);
  const bars = spread.map(({ x, low, high }) => {
    const [across, from, to] = [scaleX(x), scaleY(low), scaleY(high)].map(round);
    return `<line x1="${across}" x2="${across}" y1="${from}" y2="${to}" stroke="${colour}" stroke-opacity="0.5"/>`;
  });
  const y = AREA.bottom + BELOW + KEY_LINE * (n + 1) - 8;
  const key = `<line x1="${AREA.left}" x2="${AREA.left + 24}" y1="${y - 4}" y2="${y - 4}" stroke="${colour}" stroke-width="2"/>`;
  const curve = `<polyline points="${at}" fill="none" stroke="${colour}" stroke-width="2"/>`;
  return [curve, ...bars, key, label(AREA.left + 32, y, title, "start")].join("\n");
}

function label(x: number, y: number, text: string, anchor: string, more = ""): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" ${more}>${escaped(text)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
