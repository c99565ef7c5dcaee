/**
 * Where each command is run that a document shows: a test of this suite (or what CI does around it), and words which
 * show that it does. A command that nothing here can run stands below a comment,
 * `<!-- not run by the tests: needs a Cloudflare account -->`.
 */
export interface RunBy {
  file: string;
  words: string[];
}

const cli = (name: string, ...words: string[]): RunBy => ({ file: `test/cli/${name}.test.ts`, words });

/** Itself read from the document, and run as it stands. */
const FIRST_DRAIN = {
  file: "test/docs/first-drain.test.ts",
  words: ["docs/getting-started.md", "## A first drain"],
};

const DEFERRED = {
  file: "test/docs/deferred.test.ts",
  words: ["docs/deferred.md", "## With curl"],
};

/** Likewise. */
const OPERATORS = {
  file: "test/docs/operators.test.ts",
  words: ["docs/operators.md", "## Make and rotate a token"],
};
const PROMETHEUS = {
  file: "test/docs/operators.test.ts",
  words: ["docs/monitoring.md", "## Metrics"],
};

const FAIR_SHARES = {
  file: "test/docs/fair-shares.test.ts",
  words: ["docs/fair-shares.md", 'spawnSync("sh"'],
};

const TOKEN = '-H "Authorization: Bearer $TOKEN"';

export const COMMANDS: Record<string, RunBy> = {
  "npm ci && npm start": { file: "test/demo/start.test.ts", words: ["npm start", "untilSays("] },
  "npm start -- --once": { file: "test/demo/start.test.ts", words: ["npm start -- --once", '"--once"'] },
  "npm ci && npm test": { file: ".ci/run", words: ["npm ci", "npm test"] },
  'printf %s "$API_KEY" | sha256sum | cut -c 1-16': FAIR_SHARES,
  "npm pack": cli("package", 'run("npm", pack'),
  "npm install --global sluice-queue-0.2.0.tgz": cli("package", '"install"', "packed.filename"),
  "npm install --save-dev sluice-queue-0.2.0.tgz": cli("package", '"install"', "packed.filename"),
  "npx --no sluice init": cli("package", 'installed("sluice", "init", "--yes")'),
  "npm install": cli("package", 'run("npm", install'),
  "npx --no sluice check": cli("check", '"check"'),
  "npx --no sluice check --service web=100ms": cli("check", '"check"', '"--service"'),
  "npx --no sluice check --against https://app.example.com": cli("check-against", '"check"', '"--against"'),
  "npx --no sluice rehearse": cli("rehearse/local", '"rehearse"'),
  "npx --no sluice rehearse --shards 4": cli(
    "rehearse/shards",
    '"rehearse", "--quick", "--json", "--shards"',
  ),
  "npx --no sluice status web": cli("status", 'status(sluice.url, "web")'),
  "npx --no sluice drain web": cli("drain", '"drain", "web"'),
  "npx --no sluice resume web": cli("resume", '"resume", "web"'),
  "sluice deploy web --cut-after 30s -- ./deploy.sh v42": cli("cut", '"deploy", "web", "--cut-after"'),
  'sluice stop web --message "New disks. Back at 14:00." --expires 2h': cli(
    "stop",
    '"stop", "web", "--message"',
  ),
  "sluice resume web": cli("stop", '"resume", "web"'),
  "sluice deploy web -- ./deploy.sh v42": cli("deploy", '"deploy", "web", "--"'),
  "sluice roll web -- sh -c 'ssh \"$SLUICE_SERVER\" sudo systemctl restart app'": cli(
    "roll",
    '"roll", "web", "--", "sh", "-c"',
    "$SLUICE_SERVER",
  ),
  "sluice audit web": cli("audit", '"audit", "web"'),
  "npx --no sluice serve": cli("serve/serve", "project.serve()", "sluice: serves"),
  [`curl -N ${TOKEN} https://app.example.com/_sluice/api/pools/web/events`]: {
    file: "test/admin/events/events.test.ts",
    words: ["watch(sluice)", "history"],
  },
  "npx --no sluice token new ci --may look,drain --pools web --into admin-tokens.json": OPERATORS,
  'printf "ADMIN_TOKENS=\'%s\'\\n" "$(cat admin-tokens.json)" >> .dev.vars': OPERATORS,
  "npx --no sluice token check": OPERATORS,
  "npx --no sluice token check --from admin-tokens.json": OPERATORS,
  "npx --no sluice token new ci --into admin-tokens.json": OPERATORS,
  "npx --no sluice token revoke ci --old --from admin-tokens.json": OPERATORS,
  "install -m 600 /dev/null sluice-token": PROMETHEUS,
  "npx --no sluice token new prometheus --may look --into admin-tokens.json > sluice-token": PROMETHEUS,
  "curl http://localhost:8787/hello": FIRST_DRAIN,
  "curl http://localhost:8787/hello &": FIRST_DRAIN,
  [`curl ${TOKEN} -d '{"wait":"30s"}' $api/drain`]: FIRST_DRAIN,
  [`curl ${TOKEN} $api`]: FIRST_DRAIN,
  [`curl ${TOKEN} -X POST $api/resume`]: FIRST_DRAIN,
  'curl -i -H "Prefer: respond-async" -d month=10 $app/report': DEFERRED,
  "job=$(curl -s -o /dev/null -w '%header{location}' -H \"Prefer: respond-async\" -d month=11 $app/report)":
    DEFERRED,
  "curl $job": DEFERRED,
  "curl $job/response": DEFERRED,
  'curl -N -H "Accept: text/event-stream" $job &': DEFERRED,
  'curl -H "Prefer: wait=30" $job/response': DEFERRED,
  wait: DEFERRED,
  "curl -X DELETE $job": DEFERRED,
};
