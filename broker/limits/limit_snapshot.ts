/** Detects whether limits have changed since values were derived from them. */
import type { BrokerLimits } from "../base/limits.ts";

/** Detects whether certain limits have changed, for parts that derive values from them. */
export class LimitSnapshot {
  readonly #names: readonly (keyof BrokerLimits)[];
  #values: readonly number[] = [];

  /** @param names The limits to watch. */
  constructor(...names: readonly (keyof BrokerLimits)[]) {
    this.#names = names;
  }

  /**
   * Remembers the current limits.
   *
   * @returns Whether one has changed since the last call; true at the first call.
   */
  take(limits: Readonly<BrokerLimits>): boolean {
    const before = this.#values;
    this.#values = this.#names.map((name) => limits[name]);
    return this.#values.some((value, index) => value !== before[index]);
  }
}
