export interface Sample {
  family: string;
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Parses Prometheus' text format. Fails for any other text. */
export function read(text: string): Sample[] {
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return samples.map((line) => {
    const [, name = "", inner = "", number] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
    if (name === "" || Number.isNaN(Number(number))) throw new Error(`not a sample: ${line}`);
    const pairs = [...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)/g)];
    const labels = Object.fromEntries(pairs.map(([, label = "", given = ""]) => [label, unescaped(given)]));
    return { family: name.replace(/_(bucket|sum|count)$/, ""), name, labels, value: Number(number) };
  });
}

/** The sum of the samples with this name and these labels. Fails if there is none. */
export function value(text: string, name: string, labels: Record<string, string> = {}): number {
  const fitting = read(text).filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, given]) => sample.labels[label] === given),
  );
  if (fitting.length === 0) throw new Error(`no ${name} with ${JSON.stringify(labels)} in ${text}`);
  return fitting.reduce((sum, sample) => sum + sample.value, 0);
}

function unescaped(given: string): string {
  return given.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
}
