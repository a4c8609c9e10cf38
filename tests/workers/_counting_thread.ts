/** A thread that counts in shared memory, as fast as it can, while others do the same. */
import { type SharedLimitBuffers, SharedLimits } from "../../broker/limits/shared_limits.ts";

/** What the thread is told. */
export interface CountingTask {
  readonly node: number;
  readonly nodes: number;
  readonly buffers: SharedLimitBuffers;
  /** A word that is set while a thread has the only place. */
  readonly flag: SharedArrayBuffer;
  readonly rounds: number;
}

/** What it has seen. */
export interface CountingResult {
  /** Places that it got. */
  readonly acquired: number;
  /** Tokens that it took. */
  readonly taken: number;
  /** How often a limit did not hold. */
  readonly broken: number;
  /** How often a record could not be used. */
  readonly unusable: number;
}

/** Places in all, and of each address. */
const PLACES_MAX = 1;
/** Tokens that all threads together may take. */
export const TOKENS_MAX = 10_000;

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<CountingTask>) => void) | null;
  postMessage(result: CountingResult): void;
};

scope.onmessage = ({ data: { node, nodes, buffers, flag, rounds } }) => {
  const { totals, addresses } = new SharedLimits(nodes, node, buffers);
  const words = new Int32Array(flag);
  const never = { perSecond: 0, burst: TOKENS_MAX };
  let [acquired, taken, broken, unusable] = [0, 0, 0, 0];
  for (let i = 0; i < rounds; i++) {
    if (totals.connections.acquire(PLACES_MAX)) {
      acquired++;
      if (Atomics.exchange(words, 0, 1) !== 0) broken++;
      Atomics.store(words, 0, 0);
      totals.connections.remove();
    }
    const key = `10.0.0.${i % 3}`;
    const held = addresses.use(key, i, (record) => {
      if (record.count("connections") >= PLACES_MAX) return "full";
      const held = record.hold("connections");
      if (record.count("connections") > PLACES_MAX) broken++;
      return held;
    });
    if (held === null) unusable++;
    else if (held !== "full") addresses.giveBack(held);
    if (addresses.useAll(0, (all) => all.take("connects", never))) taken++;
  }
  scope.postMessage({ acquired, taken, broken, unusable });
};
