/** A store that measures how long commits take. */
import type { Batch } from "../../store/batch.ts";
import type { Row, ScanLimit, Store, StoreSize, Table } from "../../store/store.ts";
import type { Damage } from "../../store/store.ts";
import type { Clock } from "../base/clock.ts";
import type { CommitMeter } from "../base/histogram.ts";

/** Wraps a store, and measures its commits. */
export class MeasuredStore implements Store {
  readonly #store: Store;
  readonly #meter: CommitMeter;
  readonly #clock: Clock;

  constructor(store: Store, meter: CommitMeter, clock: Clock) {
    this.#store = store;
    this.#meter = meter;
    this.#clock = clock;
  }

  get damage(): Damage | null {
    return this.#store.damage;
  }

  async commit(batch: Batch): Promise<void> {
    const startMs = this.#clock.now();
    const { changes } = batch;
    await this.#store.commit(batch);
    this.#meter.seconds.add((this.#clock.now() - startMs) / 1000);
    this.#meter.rows.add(changes);
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
