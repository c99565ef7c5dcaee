import { expect, test } from "vitest";
import { join } from "../../src/dashboard/join.ts";

/** What the joined script leaves behind. */
async function run(modules: Record<string, string>): Promise<unknown> {
  const script = `${join(modules, "main.js")}\nexport default modules;`;
  const { default: left } = await import(`data:text/javascript,${encodeURIComponent(script)}`);
  return left["main.js"];
}

test("modules find what they import by its name, and keep the rest to themselves", async () => {
  const modules = {
    "main.js": `
import { area } from "./area.js";
import {
  name,
  Shape,
} from "./shape.js";

const secret = "main's";

export const told = [area(new Shape(3)), name, secret];
`,
    "area.js": `
/** Of a square. */
import { Shape } from "./shape.js";
const secret = 2;
export async function later() {}
export function area(shape) {
  // Not exported: secret.
  return shape instanceof Shape ? shape.side ** secret : 0;
}
`,
    "shape.js": `
const secret = "shape's";
export const name = secret;
export class Shape {
  constructor(side) {
    this.side = side;
  }
}
`,
  };
  expect(await run(modules)).toEqual({ told: [9, "shape's", "main's"] });
});

test("a module that several need is there once", () => {
  const modules = {
    "main.js": 'import { a } from "./a.js";\nimport { b } from "./b.js";',
    "a.js": 'import { b } from "./b.js";\nexport const a = b;',
    "b.js": "export const b = 1;",
  };
  const begun = [...join(modules, "main.js").matchAll(/^modules\["(\w+)\.js"\] = /gm)].map(
    ([, name]) => name,
  );
  expect(begun).toEqual(["b", "a", "main"]);
});
