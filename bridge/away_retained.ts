/** Retained messages that changed while a bridge was not connected, and that do not wait in its session. */
import { matchesFilter } from "../router/topic.ts";
import type { BridgeCounters } from "./counters.ts";
import type { BridgeHost } from "./host.ts";
import type { BridgeSettings } from "./options.ts";
import type { TopicMap } from "./topic_map.ts";

/** Topics that are remembered. Beyond it, later ones are not: they are sent when they change again. */
const TOPICS_MAX = 10_000;

/**
 * Retained messages that changed while a bridge was not connected. Those of QoS 1 and 2 wait in the
 * session; the others are remembered by their topics alone. So at a reconnect only what has changed
 * is sent, deletions included.
 */
export class AwayRetained {
  readonly #host: BridgeHost;
  readonly #settings: BridgeSettings;
  readonly #map: TopicMap;
  readonly #counters: BridgeCounters;
  readonly #topics = new Set<string>();
  #unwatch: (() => void) | null = null;

  constructor(
    host: BridgeHost,
    settings: BridgeSettings,
    map: TopicMap,
    counters: BridgeCounters,
  ) {
    this.#host = host;
    this.#settings = settings;
    this.#map = map;
    this.#counters = counters;
  }

  /** The bridge is not connected from now on. */
  start(): void {
    if (this.#map.out.length === 0) return;
    this.#unwatch ??= this.#host.inspection.watchRetained((topic) => this.#note(topic));
  }

  /** The bridge is connected: returns the topics that changed. */
  take(): string[] {
    this.stop();
    const topics = [...this.#topics];
    this.#topics.clear();
    return topics;
  }

  /** Watches no more. */
  stop(): void {
    this.#unwatch?.();
    this.#unwatch = null;
  }

  #note(topic: string): void {
    if (this.#topics.has(topic)) return;
    const rule = this.#map.out.find(({ filter }) => matchesFilter(filter, topic));
    const waits = rule !== undefined && !this.#settings.localCleanSession &&
      Math.min(rule.qos, qosOf(this.#host, topic)) > 0;
    if (rule === undefined || waits) return;
    if (this.#topics.size < TOPICS_MAX) this.#topics.add(topic);
    else this.#counters.dropped.retained++;
  }
}

/** A deletion has no QoS any more: it is sent twice rather than never. */
function qosOf({ inspection }: BridgeHost, topic: string): number {
  return inspection.retainedCopy(topic)?.qos ?? 0;
}
