/** Finds messages that go round in a circle of bridges of 5.0. */
import type { Properties, UserProperty } from "../codec/mod.ts";

/** The User Property that a bridge adds: its value is the number of the hop, and the bridge. */
export const HOP_PROPERTY = "fairway-bridge";

/** Bridges that a message may pass. */
export const HOPS_MAX = 3;

/** Why a message must not pass: the bridge had it already, or it has passed too many. */
export type LoopFault = "own" | "hops";

/** Finds messages that a bridge has had, and marks those that it passes on, either way. */
export class LoopGuard {
  readonly #id: string;

  /** @param id Names the bridge among those of all brokers. */
  constructor(id: string) {
    this.#id = id;
  }

  /** Why a message must not pass, or `null`. */
  faultOf({ userProperties = [] }: Properties): LoopFault | null {
    const passed = bridgesOf(userProperties);
    return passed.includes(this.#id) ? "own" : passed.length >= HOPS_MAX ? "hops" : null;
  }

  /** The properties of a message with one more hop. */
  mark(properties: Properties): Properties {
    const { userProperties = [] } = properties;
    const hop = bridgesOf(userProperties).length + 1;
    const mark: UserProperty = [HOP_PROPERTY, `${hop} ${this.#id}`];
    return { ...properties, userProperties: [...userProperties, mark] };
  }
}

/** The bridges that a message has passed, the first one first. */
export function bridgesOf(userProperties: readonly UserProperty[]): string[] {
  return userProperties
    .filter(([name]) => name === HOP_PROPERTY)
    .map(([, value]) => value.slice(value.indexOf(" ") + 1));
}
