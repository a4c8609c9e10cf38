import {
  type Batch,
  MemoryStore,
  type Row,
  type ScanLimit,
  StoreFullError,
} from "../../store/mod.ts";
import type { StoreSnapshot } from "../../store/memory_store.ts";
import type { Store, StoreSize, Table } from "../../store/store.ts";

/** A store in memory whose commits end when, and as, a test says. */
export class ManualStore implements Store {
  readonly damage = null;
  /**
   * What becomes of a commit: it succeeds, it fails as on a full disk, it does so only if something
   * is to be written, or it waits for {@linkcode settle}.
   */
  mode: "succeed" | "fail" | "remove" | "wait" = "succeed";
  /** How many rows each commit has changed. */
  readonly commits: number[] = [];
  readonly #store: MemoryStore;
  #waiting: ((isDone: boolean) => void) | null = null;

  constructor(snapshot?: StoreSnapshot) {
    this.#store = snapshot === undefined ? new MemoryStore() : MemoryStore.from(snapshot);
  }

  /** Whether a commit waits. */
  get isWaiting(): boolean {
    return this.#waiting !== null;
  }

  /** Ends the commit that waits. */
  settle(isDone: boolean): void {
    this.#waiting!(isDone);
    this.#waiting = null;
  }

  /** What a crash would leave behind now. */
  snapshot(): StoreSnapshot {
    return this.#store.snapshot();
  }

  async commit(batch: Batch): Promise<void> {
    const isRemoval = [...batch].every(({ kind }) => kind !== "put");
    let isDone = this.mode === "succeed" || (this.mode === "remove" && isRemoval);
    if (this.mode === "wait") {
      isDone = await new Promise<boolean>((resolve) => this.#waiting = resolve);
    }
    if (!isDone) throw new StoreFullError("There is no room");
    this.commits.push(batch.changes);
    await this.#store.commit(batch);
  }

  scan(table: Table, from: Uint8Array, to: Uint8Array | null, limit: ScanLimit): Promise<Row[]> {
    return this.#store.scan(table, from, to, limit);
  }

  get(table: Table, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    return this.#store.get(table, keys);
  }

  size(): Promise<StoreSize> {
    return this.#store.size();
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
