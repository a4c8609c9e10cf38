import { Broker, type BrokerOptions, type Clock } from "../../mod.ts";
import { MemoryStore, type StoreSnapshot } from "../../store/mod.ts";
import type { Random } from "../harness/random.ts";
import type { VirtualClock } from "../harness/virtual_clock.ts";

/** When the wall clock of a simulation says that its clock began, in milliseconds since 1970. */
export const BEGAN_MS = 1_000_000_000_000;

/** The virtual clock as the broker gets it: it counts what the broker still waits for. */
class BrokerClock implements Clock {
  pending = 0;
  /** Whether the process is no more: nothing that it waited for comes. */
  isStopped = false;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  schedule(atMs: number, callback: () => void): () => void {
    this.pending++;
    let isPending = true;
    const done = () => {
      if (isPending) this.pending--;
      isPending = false;
    };
    const cancel = this.#clock.schedule(atMs, () => {
      done();
      if (!this.isStopped) callback();
    });
    return () => {
      done();
      cancel();
    };
  }
}

/** A broker from its start to its end or its crash, with what it has on its disk. */
export class Life {
  readonly broker: Broker;
  readonly #clock: BrokerClock;
  readonly #store: MemoryStore | null;

  private constructor(broker: Broker, clock: BrokerClock, store: MemoryStore | null) {
    this.broker = broker;
    this.#clock = clock;
    this.#store = store;
  }

  /** Starts a broker that keeps everything in memory. */
  static inMemory(clock: VirtualClock, options: BrokerOptions): Life {
    const own = new BrokerClock(clock);
    return new Life(
      new Broker({ ...options, clock: own, wallClock: () => BEGAN_MS + clock.now() }),
      own,
      null,
    );
  }

  /**
   * Starts a broker with a disk.
   *
   * @param left What another has left on it.
   * @param diskMs How long a commit takes at most, in milliseconds.
   */
  static async onDisk(
    clock: VirtualClock,
    options: BrokerOptions,
    left: StoreSnapshot | null,
    diskMs: number,
    random: Random,
  ): Promise<Life> {
    const own = new BrokerClock(clock);
    let isOpen = false;
    const defer = (done: () => void) => {
      if (!isOpen || diskMs === 0) return queueMicrotask(done);
      clock.schedule(clock.now() + random.integer(0, diskMs), () => own.isStopped || done());
    };
    const store = left === null ? new MemoryStore({ defer }) : MemoryStore.from(left, { defer });
    const wallClock = () => BEGAN_MS + clock.now();
    const broker = await Broker.open(store, { ...options, clock: own, wallClock });
    isOpen = true;
    return new Life(broker, own, store);
  }

  /** What the broker has scheduled on its clock. */
  get deadlines(): number {
    return this.#clock.pending;
  }

  /** Ends a broker without a disk as a power failure does. */
  stop(): void {
    this.#clock.isStopped = true;
  }

  /**
   * Ends the broker as a power failure does. What it does from now on reaches nobody.
   *
   * @returns What is on its disk: with or without the commit that was under way.
   */
  crash(random: Random): StoreSnapshot {
    this.#clock.isStopped = true;
    return this.#store!.snapshot(random.chance(0.5) ? "kept" : "lost");
  }
}
