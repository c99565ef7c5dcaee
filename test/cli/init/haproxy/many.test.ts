import { expect, test } from "vitest";
import { convertHaproxy } from "../../../../src/cli/init/haproxy/convert.ts";
import { checked } from "./support.ts";

test("pools that one variable of Cloudflare's cannot hold are spread over several, and pass `sluice check`", () => {
  const names = Array.from({ length: 60 }, (_, n) => `app-${n}`);
  const rules = names.map((name) => `use_backend ${name} if { hdr(host) ${name}.example.com }`);
  const backends = names.map(
    (name) =>
      `backend ${name}\nserver a a.${name}.com:443 ssl maxconn 1\nserver b b.${name}.com:443 ssl maxconn 1`,
  );
  const conversion = convertHaproxy(["frontend in", "mode http", ...rules, ...backends].join("\n"));
  expect(conversion.pools).toHaveLength(60);
  expect(checked(conversion)).toEqual([]);
});
