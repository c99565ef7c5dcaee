import { Holding } from "../../../src/scheduler/shards/holding.ts";
import {
  type Orders,
  type OwnerRow,
  Ownership,
  type Release,
} from "../../../src/scheduler/shards/ownership.ts";

const MOST_SHARDS = 4;
/** Of each server. */
const SLOTS = 2;

/** What an object has durably, and which of its instances may still write: the last one that was started. */
class Storage<T> {
  durable: T;
  #current = 0;

  constructor(durable: T) {
    this.durable = durable;
  }

  /** Those before cannot write any more, though they may go on for a while. */
  start(): number {
    return ++this.#current;
  }

  /** Returns false if the instance has been replaced: then it has ended, and nothing that it was about to say is said. */
  write(instance: number, change: (durable: T) => void): boolean {
    if (instance !== this.#current) return false;
    change(this.durable);
    return true;
  }
}

type CoordinatorRows = { version: number; shards: number; rows: Map<string, OwnerRow> };

class Coordinator {
  readonly #storage: Storage<CoordinatorRows>;
  readonly #instance: number;
  readonly ownership: Ownership;

  constructor(storage: Storage<CoordinatorRows>, config: Config, occupied: string[]) {
    this.#storage = storage;
    this.#instance = storage.start();
    const { version, shards, rows } = storage.durable;
    this.ownership = new Ownership({ version, shards, rows: [...rows.values()] }, occupied);
    this.configure(config);
  }

  configure({ names, shards }: Config): boolean {
    this.ownership.configure(
      names.map((identity) => ({ identity, slots: SLOTS })),
      shards,
    );
    return this.#commit(shards);
  }

  /** `null`: this instance has been replaced, so that nothing it says is heard. */
  join(shard: number): Orders | null {
    return this.#commit() ? this.ownership.orders(shard) : null;
  }

  released(release: Release): boolean {
    this.ownership.released(release);
    return this.#commit();
  }

  #commit(shards = this.#storage.durable.shards): boolean {
    const changes = this.ownership.takeChanges();
    return this.#storage.write(this.#instance, (durable) => {
      durable.shards = shards;
      durable.version = changes?.version ?? durable.version;
      for (const [identity, row] of changes?.rows ?? []) {
        if (row) durable.rows.set(identity, row);
        else durable.rows.delete(identity);
      }
    });
  }
}

interface ShardRows {
  /** How many slots of each server are taken. */
  taken: Map<string, number>;
  /** The version of its last release. */
  followed: number;
}

class Shard {
  readonly number: number;
  readonly holding: Holding;
  readonly #storage: Storage<ShardRows>;
  readonly #instance: number;

  constructor(number: number, storage: Storage<ShardRows>) {
    this.number = number;
    this.holding = new Holding(number, storage.durable.followed);
    this.#storage = storage;
    this.#instance = storage.start();
  }

  /** Takes a slot of a server, if it may. Returns false if it did not. */
  grant(identity: string): boolean {
    const taken = this.#storage.durable.taken.get(identity) ?? 0;
    if (!this.holding.mayGrant(identity) || taken === SLOTS) return false;
    return this.#storage.write(this.#instance, (rows) => rows.taken.set(identity, taken + 1));
  }

  /** `null`: there is nothing to say, or this instance has been replaced. */
  release(): Release | null {
    const release = this.holding.release((identity) => this.#storage.durable.taken.has(identity));
    if (!release) return null;
    const isWritten = this.#storage.write(this.#instance, (rows) => {
      rows.followed = release.version;
    });
    return isWritten ? release : null;
  }
}

interface Config {
  names: string[];
  shards: number;
}

type Message = { to: "coordinator"; release: Release } | { to: "join"; shard: number } | OrdersMessage;
interface OrdersMessage {
  to: "shard";
  shard: number;
  orders: Orders;
}

/** A coordinator and shards, whose messages are late, lost and repeated, and whose instances are replaced and go on for a while. */
export class ShardWorld {
  moves = 0;
  readonly #names: readonly string[];
  #config: Config;
  readonly #stored = Array.from({ length: MOST_SHARDS }, () => {
    return new Storage<ShardRows>({ taken: new Map(), followed: 0 });
  });
  readonly #rows = new Storage<CoordinatorRows>({ version: 0, shards: 1, rows: new Map() });
  #coordinators: Coordinator[];
  /** All instances, the replaced ones too. */
  #shards: Shard[];
  #messages: Message[] = [];

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#config = { names: [...names], shards: 2 };
    // The pool's object was the whole pool before.
    this.#stored[0]?.durable.taken.set("a", 1);
    this.#shards = this.#stored.map((storage, number) => new Shard(number, storage));
    this.#coordinators = [this.#newCoordinator()];
    this.#tellAll();
  }

  /** A deploy: the coordinator restarts with another configuration. */
  configure(config: Config): void {
    this.#config = config;
    this.replaceCoordinator();
  }

  deliver(which: number): void {
    const [message] = this.#messages.splice(which % Math.max(1, this.#messages.length), 1);
    if (message) this.#arrive(message, which);
  }

  repeat(which: number): void {
    const message = this.#messages[which % Math.max(1, this.#messages.length)];
    if (message) this.#arrive(message, which);
  }

  drop(which: number): void {
    this.#messages.splice(which % Math.max(1, this.#messages.length), 1);
  }

  /** Any instance of a shard, an old one too, tries to take a slot. */
  grant(which: number): void {
    const shard = this.#pick(this.#shards, which);
    const identity = this.#pick(this.#names, which >> 3);
    if (!shard.grant(identity)) return;
    const others = this.#stored.filter(
      ({ durable }, number) => number !== shard.number && durable.taken.has(identity),
    );
    if (others.length > 0) throw new Error(`two shards have a slot of ${identity}`);
  }

  /** A request ends. */
  end(which: number): void {
    const { taken } = (this.#stored[which % MOST_SHARDS] as Storage<ShardRows>).durable;
    const identity = this.#pick(this.#names, which >> 2);
    const count = taken.get(identity) ?? 0;
    if (count > 1) taken.set(identity, count - 1);
    else taken.delete(identity);
  }

  /** A shard's instance ends, and another one starts. */
  restart(which: number): void {
    const number = which % (MOST_SHARDS + 1);
    if (number === MOST_SHARDS) this.#coordinators = [];
    this.#shards = this.#shards.filter((shard) => shard.number !== number);
    this.replace(which);
  }

  /** Another instance starts while the one before goes on for a while. */
  replace(which: number): void {
    const number = which % (MOST_SHARDS + 1);
    const storage = this.#stored[number];
    if (storage) {
      this.#shards.push(new Shard(number, storage));
      this.#messages.push({ to: "join", shard: number });
    } else this.replaceCoordinator();
  }

  replaceCoordinator(): void {
    this.#coordinators.push(this.#newCoordinator());
    this.#tellAll();
  }

  /** Coordinators and shards say again what nobody has answered. */
  remind(which: number): void {
    if (which % 2 === 0) this.#tellAll();
    for (const shard of this.#shards) {
      const release = shard.release();
      if (release) this.#messages.push({ to: "coordinator", release });
    }
  }

  /** Nothing is late or lost any more: each server has its owner, and the owner may grant. */
  settle(): void {
    // The last instance of each goes on with what it knows, or another one starts where there is none.
    this.#shards = this.#stored.map(
      (storage, number) =>
        this.#shards.findLast((one) => one.number === number) ?? new Shard(number, storage),
    );
    for (const { durable } of this.#stored) durable.taken.clear();
    this.#coordinators = this.#coordinators.slice(-1);
    for (let round = 0; round < 4; round++) {
      this.#tellAll();
      this.remind(1);
      while (this.#messages.length > 0) this.deliver(0);
    }
    const { ownership } = this.#coordinators[0] as Coordinator;
    if (!ownership.isSettled) throw new Error("a server is still to change hands");
    for (const identity of this.#names) {
      const owners = this.#shards
        .filter(({ holding }) => holding.mayGrant(identity))
        .map(({ number }) => number);
      const isWanted = this.#config.names.includes(identity);
      if (owners.length !== (isWanted ? 1 : 0)) throw new Error(`${identity} is owned by ${owners}`);
      if (owners.some((number) => number >= this.#config.shards))
        throw new Error(`${identity} is in no shard`);
    }
  }

  #arrive(message: Message, which: number): void {
    const coordinator = this.#pick(this.#coordinators, which);
    if (message.to === "coordinator") {
      const before = coordinator.ownership.version;
      if (!coordinator.released(message.release)) return;
      if (coordinator.ownership.version === before) return;
      this.moves++;
      this.#tellAll();
    } else if (message.to === "join") {
      const orders = coordinator.join(message.shard);
      if (orders) this.#messages.push({ to: "shard", shard: message.shard, orders });
    } else {
      // A call reaches any instance of the shard that is still there.
      const instances = this.#shards.filter(({ number }) => number === message.shard);
      const shard = this.#pick(instances, which >> 2);
      shard.holding.hear(message.orders);
      const release = shard.release();
      if (release) this.#messages.push({ to: "coordinator", release });
    }
  }

  #tellAll(): void {
    for (const coordinator of this.#coordinators) {
      for (const shard of coordinator.ownership.members) {
        const orders = coordinator.join(shard);
        if (orders) this.#messages.push({ to: "shard", shard, orders });
      }
    }
  }

  #newCoordinator(): Coordinator {
    return new Coordinator(this.#rows, this.#config, [...(this.#stored[0]?.durable.taken.keys() ?? [])]);
  }

  #pick<T>(from: readonly T[], which: number): T {
    return from[which % from.length] as T;
  }
}
