/** The topic aliases that the broker sets for one client (§3.3.2.3.4). */
import { mapKey } from "../../router/map_key.ts";
import type { BrokerLimits } from "../base/limits.ts";
import { ALIAS_BYTES, textBytes } from "../base/memory_costs.ts";

/** Where the memory of topic aliases is counted. */
export interface AliasMemory {
  /** What the aliases of all clients cost, in bytes. */
  aliasBytes: number;
  /** Whether tables may grow by so many bytes. */
  mayGrow(growth: "table", bytes: number): boolean;
}

/**
 * The topic aliases that the broker has given one client (§3.3.2.3.4). If no alias is left for a
 * topic, or no memory, the topic is sent in full.
 */
export class OutboundAliases {
  readonly #max: number;
  readonly #limits: Pick<BrokerLimits, "topicAliasBytesMax">;
  readonly #memory: AliasMemory;
  /** By the `mapKey()` of the topic; made for the first. */
  #aliases: Map<string, number> | null = null;
  #bytes = 0;
  #isReleased = false;

  /**
   * @param max How many the client takes, 1 or more [MQTT-3.1.2-26].
   * @param limits `topicAliasBytesMax` bounds what they cost.
   */
  constructor(
    max: number,
    limits: Pick<BrokerLimits, "topicAliasBytesMax">,
    memory: AliasMemory,
  ) {
    this.#max = max;
    this.#limits = limits;
    this.#memory = memory;
  }

  /** What they cost in memory, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The alias that the client knows for a topic, if any. */
  get(topic: string): number | undefined {
    return this.#aliases?.get(mapKey(topic));
  }

  /** Gives a topic the next alias; 0 if there is no room for it. The client must be told. */
  add(topic: string): number {
    const aliases = this.#aliases ??= new Map();
    if (aliases.size >= this.#max || this.#isReleased) return 0;
    const room = this.#limits.topicAliasBytesMax - this.#bytes;
    // A topic that is too long anyway is not measured character by character.
    if (ALIAS_BYTES + topic.length > room) return 0;
    const bytes = ALIAS_BYTES + textBytes(topic);
    if (bytes > room || !this.#memory.mayGrow("table", bytes)) return 0;
    aliases.set(mapKey(topic), aliases.size + 1);
    this.#grow(bytes);
    return aliases.size;
  }

  /** Takes back the last alias, because the client was not told. */
  takeBack(topic: string): void {
    if (this.#aliases!.delete(mapKey(topic))) this.#grow(-ALIAS_BYTES - textBytes(topic));
  }

  /** The client is gone: its aliases no longer count, and none is added. */
  release(): void {
    this.#isReleased = true;
    this.#aliases = null;
    this.#grow(-this.#bytes);
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
    this.#memory.aliasBytes += bytes;
  }
}
