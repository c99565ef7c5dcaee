import { describe, expect, test } from "vitest";
import { findingsOf, here, SERVER, serving, told, toml, web } from "./support.ts";

const at = "vars.POOLS.web.servers[0].url";

describe("a server's URL", () => {
  test.each(["https://web-1.example.com", "https://web-1.example.com:8443"])("may be %s", (url) => {
    expect(findingsOf(serving(url))).toEqual([]);
  });

  test.each(["http://web-1.example.com", "http://web-1.example.com:8080", "HTTP://WEB-1.EXAMPLE.COM"])(
    "%s sends everything in the clear",
    (url) => {
      expect(told(serving(url))).toEqual([
        expect.stringMatching(/^warning vars.*\.url: http: to "web-1\.example\.com" goes .* in the clear/),
      ]);
    },
  );

  test.each([
    "https://192.0.2.7",
    "http://127.0.0.1:9000",
    "http://0x7f.1",
    "https://[2001:db8::1]",
    "http://[::1]:80",
  ])("%s is an address, which works locally and not on Cloudflare", (url) => {
    expect(told(serving(url))).toEqual([
      expect.stringMatching(
        /^warning vars.*\.url: .* is an IP address, which Cloudflare refuses .*wrangler dev and sluice serve only/,
      ),
    ]);
  });

  test("that has an IP address is one warning a pool, which names its servers", () => {
    const servers = ["a", "b", "c", "d", "e"].map(
      (name, n) => `{ name = "${name}", url = "http://10.0.0.${n}" }`,
    );
    const text = toml(
      `[vars.POOLS.web]\nhosts = ["web.com"]\nservers = [${servers}] # here\n` +
        '[vars.POOLS.api]\nhosts = ["api.com"]\nservers = [{ name = "x", url = "http://10.0.1.1" }]',
    );
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "warning",
        key: "vars.POOLS.web.servers",
        line: here(text),
        message: expect.stringMatching(/^the URLs of 5 servers have IP addresses, .* 1003.*: a, b, c, d, e$/),
      },
      { severity: "warning", key: "vars.POOLS.api.servers[0].url" },
    ]);
  });

  test.each(["http://web-1", "https://web-1.corp.internal", "http://printer.local:8080"])(
    "%s is a private name, which Cloudflare does not find",
    (url) => {
      expect(told(serving(url))).toEqual([
        expect.stringMatching(/^warning vars.*\.url: ".*" is a private name, .* by a binding/),
      ]);
    },
  );

  test.each(["http://localhost:9000", "https://web.localhost"])(
    "%s is there only on the machine itself",
    (url) => {
      expect(told(serving(url))).toEqual([expect.stringContaining("wrangler dev and sluice serve only")]);
    },
  );

  test("is warned of where its host is one of the pool's own, and not where a pattern covers it", () => {
    const pool = (hosts: string) => toml(`[vars.POOLS.web]\nhosts = [${hosts}]\nservers = [${SERVER}]`);
    expect(told(pool('"app.example.com", "WEB-1.example.com"'))).toEqual([
      expect.stringMatching(/^warning vars.*\.url: "web-1\.example\.com" is among this pool's own hosts/),
    ]);
    expect(told(pool('"*.example.com"'))).toEqual([]);
  });

  test("a warning stands at its line, whatever is wrong with another pool", () => {
    const text = toml(
      '[vars.POOLS.bad]\nslots = 0\n[vars.POOLS.web]\nhosts = ["web.com"]\nservers = [\n{ name = "a", url = "https://a.com" },\n{ name = "b", url = "http://b.com" }, # here\n]',
    );
    expect(findingsOf(text).filter(({ severity }) => severity === "warning")).toMatchObject([
      { key: "vars.POOLS.web.servers[1].url", line: here(text) },
    ]);
  });
});

describe("a server that is the Worker itself:", () => {
  const route = (pattern: string, more = "") => `routes = [{ pattern = "${pattern}"${more} }]`;
  const zone = ', zone_name = "example.com"';

  test.each([
    ['route = "app.example.com/*"'],
    ['route = { pattern = "app.example.com/*", zone_name = "example.com" }'],
    ['routes = ["https://App.example.com/api/*"]'],
    ['routes = ["other.example.com/*", "app.example.com/*"]'],
    [route("app.example.com/*", zone)],
    [route("*.example.com/*", zone)],
    [route("*.example.com/*")],
    [route("*example.com/*")],
    [route("*pp.example.com/*", zone)],
    [route("*/*", zone)],
  ])("on a route, with what becomes of the request (%s)", (top) => {
    const [said, ...more] = told(serving("https://app.example.com", top));
    expect(said).toMatch(
      /^warning .*own route .*the same zone goes past Sluice .*any other comes back to Sluice/,
    );
    expect(said).toContain(at);
    expect(more).toEqual([]);
  });

  test.each([
    ['routes = ["app.example.org/*"]'],
    ['routes = ["example.com/*"]'],
    ['routes = ["*.app.example.com/*"]'],
    ['routes = ["*example.co/*"]'],
    ['routes = ["*/*"]'],
    [route("*/*", ', zone_name = "example.org"')],
    [route("app.example.com.example.org", ", custom_domain = true")],
    [route("*p.example.com/*")],
    ['routes = ["", 5, {}, []]'],
    ['route = ""'],
  ])("not on a route that another name has (%s)", (top) => {
    expect(told(serving("https://app.example.com", top))).toEqual([]);
  });

  test("on a route, with the flag that makes it a loop", () => {
    const top = `${route("app.example.com/*", zone)}\ncompatibility_flags = ["fetch_legacy_url", "global_fetch_strictly_public"]`;
    expect(told(serving("https://app.example.com", top))).toEqual([
      expect.stringMatching(
        /own route .*with global_fetch_strictly_public .* comes back to Sluice, in a loop/,
      ),
    ]);
  });

  test("on a custom domain, behind which there is no server", () => {
    const top = route("app.example.com", ", custom_domain = true");
    expect(told(serving("https://app.example.com", top))).toEqual([
      expect.stringMatching(/own custom domain: no server is behind it/),
    ]);
  });

  test("on workers.dev, under its name and no other", () => {
    expect(told(serving("https://sluice.acme.workers.dev"))).toEqual([
      expect.stringContaining("own workers.dev address: no server is behind it"),
    ]);
    expect(told(serving("https://web.acme.workers.dev"))).toEqual([]);
    expect(told(serving("https://sluice.acme.example.dev"))).toEqual([]);
  });

  test("not where the file's name is no text at all", () => {
    const text = `${serving("https://web.acme.workers.dev")}\n[env.blue.vars.POOLS]`;
    const own = told(text.replace('name = "sluice"', "name = { toString = 1 }")).filter((line) =>
      line.includes("own "),
    );
    expect(own).toEqual([]);
  });

  test("in an environment, under that one's name and routes", () => {
    const env = (url: string, keys = "") =>
      `${serving("https://web.example.com")}\n[env.blue]\n${keys}\n[env.blue.vars.POOLS.web]\nservers = [{ name = "a", url = "${url}" }]`;
    const warned = (text: string) => told(text).filter((line) => line.includes("own "));
    expect(warned(env("https://sluice-blue.acme.workers.dev"))).toHaveLength(1);
    expect(warned(env("https://sluice.acme.workers.dev"))).toEqual([]);
    expect(warned(env("https://azure.acme.workers.dev", 'name = "azure"'))).toHaveLength(1);
    expect(warned(env("https://app.example.com", 'routes = ["app.example.com/*"]'))).toHaveLength(1);
    const inherited = env("https://app.example.com").replace("\n", '\nroutes = ["app.example.com/*"]\n');
    expect(warned(inherited)).toEqual([expect.stringContaining("env.blue.vars.POOLS.web.servers[0].url")]);
  });
});

describe("a server of two pools", () => {
  const two = (first: string, second: string, keys = "") =>
    toml(
      `[vars.POOLS.a]\nhosts = ["a.com"]\nservers = [{ name = "x", url = "${first}", slots = 2${keys} }]\n` +
        `[vars.POOLS.b]\nhosts = ["b.com"]\nservers = [{ name = "x", url = "${second}"${keys} }] # here`,
    );

  test("is the error that the Worker makes of it, once", () => {
    const text = two("https://x.example.com", "https://X.example.com.:443/");
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "error",
        key: "vars.POOLS.b.servers[0].url",
        line: here(text),
        message: expect.stringMatching(
          /^"https:\/\/x\.example\.com\." is POOLS\.a\.servers\[0\] too.*`shared = true` in each of its entries/,
        ),
      },
    ]);
  });

  test("is right where each of them says that it is shared", () => {
    expect(findingsOf(two("https://x.example.com", "https://x.example.com", ", shared = true"))).toEqual([]);
  });

  test("is warned of by another scheme", () => {
    const text = two("https://x.example.com", "http://x.example.com");
    const warnings = findingsOf(text).filter(({ message }) => !message.includes("in the clear"));
    expect(warnings).toMatchObject([
      {
        severity: "warning",
        key: "vars.POOLS.b.servers[0].url",
        message: expect.stringMatching(
          /same server by another URL, and that of pool "a", servers\[0\].* 2 \+ 1 requests.*`shared = true`/,
        ),
      },
    ]);
  });

  test("is not one that has another port", () => {
    expect(findingsOf(two("https://x.example.com", "https://x.example.com:444"))).toEqual([]);
  });
});

describe("a server behind a binding", () => {
  const file = (section: string, server: string, keys = "") =>
    toml(`${section}\n[vars.POOLS.web]\n${keys}\nservers = [{ name = "a", ${server} }]`);
  const NETWORK = '[[vpc_networks]]\nbinding = "OFFICE"\ntunnel_id = "6ff42ae2"\n';
  const PRIVATE = 'url = "http://10.0.1.50:8000", binding = "OFFICE"';

  test.each([
    ["a VPC network", NETWORK],
    ["a VPC service", '[[vpc_services]]\nbinding = "OFFICE"\nservice_id = "x"\n'],
    ["another Worker", '[[services]]\nbinding = "OFFICE"\nservice = "reports"\n'],
  ])("may be at any address: %s", (_, section) => {
    expect(findingsOf(file(section, PRIVATE))).toEqual([]);
  });

  test("of a certificate is one of the public internet", () => {
    const section = '[[mtls_certificates]]\nbinding = "OFFICE"\ncertificate_id = "x"\n';
    expect(told(file(section, PRIVATE))).toEqual([expect.stringContaining("is an IP address")]);
  });

  test.each([
    ["that is in no section", "", "OFFICE"],
    ["that is Sluice's own", "", "POOL"],
  ])("%s is an error", (_, section, binding) => {
    const server = `url = "http://10.0.1.50:8000", binding = "${binding}"`;
    expect(told(file(section, server))).toEqual([
      expect.stringMatching(/^error vars.*\.servers\[0\]\.binding: ".*" is no binding of this Worker/),
    ]);
  });

  test.each([
    [
      "is an error for a VPC service",
      "vpc_services",
      /^error .*\.check\.port: OFFICE is a VPC service, .* fixed/,
    ],
    ["does nothing for another Worker", "services", /^warning .*\.check\.port: OFFICE leads to no port/],
  ])("%s: a port that checks go to", (_, section, finding) => {
    const check = 'check = { path = "/up", port = 9000 }';
    const binding = `[[${section}]]\nbinding = "OFFICE"\nservice_id = "x"\nservice = "x"\n`;
    expect(told(file(binding, PRIVATE, check))).toEqual([expect.stringMatching(finding)]);
    expect(told(file(NETWORK, PRIVATE, check))).toEqual([]);
  });

  test("is warned of where checks are for a host, which it does not see as its own", () => {
    const check = 'check = { path = "/up", host = "app.example.com" }';
    expect(told(file(NETWORK, PRIVATE, check))).toEqual([
      expect.stringMatching(/^warning vars\.POOLS\.web\.check\.host: .* OFFICE .* X-Forwarded-Host/),
    ]);
    expect(told(web(check))).toEqual([]);
  });

  test("of another environment is an error: they are not inherited", () => {
    const pools = `[env.blue.vars.POOLS.web]\nservers = [{ name = "a", ${PRIVATE} }]`;
    expect(told(toml(`${NETWORK}\n${pools}`)).filter((line) => line.includes("binding:"))).toEqual([
      expect.stringMatching(/^error env\.blue\.vars.*"OFFICE" is no binding/),
    ]);
  });

  test("is warned of where a VPC service, which is one server, is that of two", () => {
    const service =
      '[[vpc_services]]\nbinding = "OFFICE"\nservice_id = "0190f4b5-5f0e-7f9a-b5a5-0d2f6c1f3a10"';
    const two = `${PRIVATE} }, { name = "b", url = "http://10.0.1.51:8000", binding = "OFFICE"`;
    expect(told(file(service, two))).toEqual([
      expect.stringMatching(
        /^warning vars.*\.servers\[1\]\.binding: "OFFICE" is one VPC service, .*servers\[0\] already: it may get 1 \+ 1/,
      ),
    ]);
    expect(told(file(NETWORK, two))).toEqual([]);
  });

  test("is warned of where it is the object of the same name in two pools, whatever its URL", () => {
    const pool = (name: string, url: string) =>
      `[vars.POOLS.${name}]\nhosts = ["${name}.com"]\nservers = [{ name = "x", url = "${url}", binding = "BOXES" }]\n`;
    const section =
      '[[durable_objects.bindings]]\nname = "BOXES"\nclass_name = "Box"\nscript_name = "boxes"\n';
    expect(told(toml(section + pool("a", "http://a") + pool("b", "http://b")))).toEqual([
      expect.stringMatching(
        /^warning vars\.POOLS\.b\..* is the same server by another URL, and that of pool "a".* 1 \+ 1 requests/,
      ),
    ]);
  });

  test("sees its own host, whatever host_header says", () => {
    expect(told(file(NETWORK, PRIVATE, 'host_header = "client"'))).toEqual([
      expect.stringMatching(/^warning vars.*\.binding: .*host_header = "client" does nothing/),
    ]);
  });
});
