/** What to try on the gate that stays up; each line works as it stands. */
export function nextSteps(url: string, pool: string, server: string, token: string): string[] {
  const auth = `-H "Authorization: Bearer ${token}"`;
  const api = `${url}/_sluice/api/pools/${pool}`;
  return [
    "Try next, in another terminal.",
    "",
    `The dashboard: ${url}/_sluice/ (any name, the token as password). The same in a terminal:`,
    `  SLUICE_URL=${url} SLUICE_TOKEN=${token} npx --no sluice top ${pool}`,
    "What goes on:",
    `  curl ${auth} ${api}`,
    "Drain, and wait until no server is at work:",
    `  curl ${auth} ${api}/drain -d '{"wait": "30s", "reason": "trying it out"}'`,
    "A query that waits meanwhile:",
    `  curl ${url}/query/hello &`,
    "And one that is stored, and answered later at its Location, with /response behind it:",
    `  curl -i -H "Prefer: respond-async" ${url}/query/later`,
    "Resume, and the query is answered:",
    `  curl ${auth} ${api}/resume -X POST`,
    'Take one server out; the others serve on (back with "ready"):',
    `  curl ${auth} ${api}/servers/${server} -X PATCH -d '{"state": "maint"}'`,
  ];
}
