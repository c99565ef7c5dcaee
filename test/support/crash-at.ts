/** A crash of one object at one of its writes. */
export interface CrashPlan {
  of: "pool" | "deferred";
  /** 1: the first since the plan was made. */
  write: number;
  /** `after`: once the write is durable. */
  when: "before" | "after";
  /** Writes so far. */
  seen: number;
  hasCrashed: boolean;
}

/** By the name of the pool. In module variables, which survive the crash. */
const plans = new Map<string, CrashPlan>();

export function planCrash(pool: string, plan: Pick<CrashPlan, "of" | "write" | "when">): void {
  plans.set(pool, { ...plan, seen: 0, hasCrashed: false });
}

export function crashPlan(pool: string): CrashPlan | undefined {
  return plans.get(pool);
}

/** To be called before the object's own constructor runs. A deferred request's object shows its pool by its writes. */
export function watchWrites(ctx: DurableObjectState, of: CrashPlan["of"]): void {
  const { storage } = ctx;
  let pool = ctx.id.name;
  const write = <T>(work: () => T): T => {
    const plan = plans.get(pool ?? "");
    if (!plan || plan.of !== of || plan.hasCrashed || ++plan.seen < plan.write) return work();
    plan.hasCrashed = true;
    const crash = () => ctx.abort("crashed by a test");
    if (plan.when === "before") {
      crash();
      throw new Error("crashed by a test");
    }
    const result = work();
    void storage.sync().then(crash);
    return result;
  };
  const { sql, kv } = storage;
  const exec = sql.exec.bind(sql);
  Object.defineProperty(sql, "exec", {
    value: (query: string, ...values: unknown[]) =>
      /^\s*(SELECT|CREATE)/.test(query) ? exec(query, ...values) : write(() => exec(query, ...values)),
  });
  const put = kv.put.bind(kv);
  const remove = kv.delete.bind(kv);
  Object.defineProperty(kv, "put", {
    value: (key: string, value: { pool?: string }) => {
      if (key === "request") pool = value.pool;
      return write(() => put(key, value));
    },
  });
  Object.defineProperty(kv, "delete", { value: (key: string) => write(() => remove(key)) });
  const setAlarm = storage.setAlarm.bind(storage);
  const deleteAll = storage.deleteAll.bind(storage);
  Object.defineProperty(storage, "setAlarm", { value: (at: number) => write(() => setAlarm(at)) });
  Object.defineProperty(storage, "deleteAll", { value: () => write(() => deleteAll()) });
  const stored = kv.get<{ pool: string }>("request");
  if (of === "deferred" && stored) pool = stored.pool;
}
