/** Each step runs once, in order; a step that has been released is never edited. */
const STEPS = [
  `CREATE TABLE slots (
     server TEXT NOT NULL,
     slot INTEGER NOT NULL,
     url TEXT NOT NULL,
     state TEXT NOT NULL,
     lease TEXT NOT NULL,
     since INTEGER NOT NULL,
     until INTEGER NOT NULL,
     PRIMARY KEY (server, slot)
   ) WITHOUT ROWID;
   CREATE TABLE servers (server TEXT PRIMARY KEY, override TEXT NOT NULL) WITHOUT ROWID;`,
  "ALTER TABLE servers ADD COLUMN health TEXT NOT NULL DEFAULT 'unchecked'",
  `ALTER TABLE servers ADD COLUMN state_since INTEGER;
   ALTER TABLE servers ADD COLUMN health_since INTEGER;
   CREATE TABLE events (id INTEGER PRIMARY KEY, event TEXT NOT NULL);`,
  // By the server's URL: its name may be another one with the next configuration.
  `CREATE TABLE slots_by_url (
     url TEXT NOT NULL,
     slot INTEGER NOT NULL,
     server TEXT NOT NULL,
     state TEXT NOT NULL,
     lease TEXT NOT NULL,
     since INTEGER NOT NULL,
     until INTEGER NOT NULL,
     PRIMARY KEY (url, slot)
   ) WITHOUT ROWID;
   INSERT OR REPLACE INTO slots_by_url
     SELECT url, slot, server, state, lease, since, until FROM slots ORDER BY state <> 'free', until;
   DROP TABLE slots;
   ALTER TABLE slots_by_url RENAME TO slots;`,
];

/** Brings an object's tables, whatever version made them, to today's. */
export function migrate(sql: SqlStorage): void {
  sql.exec("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
  const row = sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = 'schema'").toArray()[0];
  const version = row ? Number(row.value) : 0;
  for (const step of STEPS.slice(version)) sql.exec(step);
  if (version < STEPS.length) {
    sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('schema', ?)", String(STEPS.length));
  }
}
