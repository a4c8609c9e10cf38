import type { BrokerLimits } from "../base/limits.ts";

/** Tells whoever makes something of certain limits whether they are others than those it was made of. */
export class LimitSnapshot {
  readonly #names: readonly (keyof BrokerLimits)[];
  #values: readonly number[] = [];

  /** @param names The limits that are looked at. */
  constructor(...names: readonly (keyof BrokerLimits)[]) {
    this.#names = names;
  }

  /**
   * Takes the limits as they are.
   *
   * @returns Whether one has changed since the last time; true the first time.
   */
  take(limits: Readonly<BrokerLimits>): boolean {
    const before = this.#values;
    this.#values = this.#names.map((name) => limits[name]);
    return this.#values.some((value, index) => value !== before[index]);
  }
}
