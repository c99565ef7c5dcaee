/** Migrations. Each runs once, in order; one that was released is never edited. */
const MIGRATIONS = [
  `CREATE TABLE slots (
     url TEXT NOT NULL,
     slot INTEGER NOT NULL,
     server TEXT NOT NULL,
     state TEXT NOT NULL,
     lease TEXT NOT NULL,
     since INTEGER NOT NULL,
     until INTEGER NOT NULL,
     lost INTEGER NOT NULL,
     PRIMARY KEY (url, slot)
   ) WITHOUT ROWID;
   CREATE TABLE servers (
     server TEXT PRIMARY KEY,
     override TEXT NOT NULL,
     health TEXT NOT NULL,
     state_since INTEGER,
     health_since INTEGER
   ) WITHOUT ROWID;
   CREATE TABLE events (id INTEGER PRIMARY KEY, event TEXT NOT NULL);`,
  `CREATE TABLE deferred (
     number INTEGER PRIMARY KEY,
     id TEXT NOT NULL,
     ticket TEXT NOT NULL,
     token REAL NOT NULL,
     since INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     refused TEXT,
     method TEXT NOT NULL,
     path TEXT NOT NULL
   );
   CREATE TABLE deferred_ended (
     state TEXT NOT NULL,
     number INTEGER NOT NULL,
     id TEXT NOT NULL,
     method TEXT NOT NULL,
     path TEXT NOT NULL,
     since INTEGER NOT NULL,
     started_at INTEGER,
     ended_at INTEGER NOT NULL,
     attempts INTEGER NOT NULL,
     status INTEGER,
     code TEXT,
     PRIMARY KEY (state, number)
   ) WITHOUT ROWID;
   CREATE TABLE deferred_keys (
     key TEXT PRIMARY KEY,
     id TEXT NOT NULL,
     fingerprint TEXT NOT NULL
   ) WITHOUT ROWID;`,
  "CREATE TABLE audit (row INTEGER PRIMARY KEY, entry TEXT NOT NULL, acts TEXT NOT NULL)",
  "ALTER TABLE deferred ADD COLUMN hash_key INTEGER",
  `CREATE TABLE registered (
     identity TEXT PRIMARY KEY,
     server TEXT NOT NULL,
     slots INTEGER,
     weight INTEGER NOT NULL,
     backup INTEGER NOT NULL,
     since INTEGER NOT NULL,
     by TEXT NOT NULL,
     expires_at INTEGER
   ) WITHOUT ROWID`,
  `ALTER TABLE slots ADD COLUMN flow TEXT;
   ALTER TABLE deferred ADD COLUMN flow TEXT;
   ALTER TABLE deferred ADD COLUMN ahead_ms INTEGER NOT NULL DEFAULT 0`,
  "ALTER TABLE slots ADD COLUMN hop INTEGER NOT NULL DEFAULT 0",
  `CREATE TABLE owners (
     identity TEXT PRIMARY KEY,
     owner INTEGER NOT NULL,
     heir INTEGER,
     since_version INTEGER NOT NULL
   ) WITHOUT ROWID;
   ALTER TABLE deferred ADD COLUMN lender INTEGER`,
];

/** Brings the tables to the present version, whichever version created them. To be called in a transaction. */
export function migrate(sql: SqlStorage): void {
  sql.exec("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
  const row = sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = 'schema'").toArray()[0];
  const version = row ? Number(row.value) : 0;
  for (const migration of MIGRATIONS.slice(version)) sql.exec(migration);
  if (version < MIGRATIONS.length) {
    sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('schema', ?)", String(MIGRATIONS.length));
  }
}
