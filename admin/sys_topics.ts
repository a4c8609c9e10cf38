import type { Broker } from "../broker/broker.ts";
import type { BrokerStats } from "../broker/broker_stats.ts";
import { LoadAverage, SPANS } from "./load_average.ts";

/** The default interval at which `$SYS` is updated, in seconds. */
const INTERVAL_SECONDS = 10;

/** Settings of {@linkcode SysTopics}. */
export interface SysTopicsOptions {
  /** The interval between updates, in seconds; 10 by default. */
  intervalSeconds?: number;
  /** When the broker started, in milliseconds of its clock; now by default. */
  sinceMs?: number;
  /** The text of `$SYS/broker/version`. */
  version: string;
}

/**
 * Publishes the state of a broker below `$SYS/broker/`, in the topics that mosquitto uses. Each is
 * a retained message of text, which is published again only when it has changed.
 *
 * @example
 * ```ts
 * import { Broker, SysTopics } from "@fairway/mqtt";
 *
 * await using broker = new Broker();
 * const state = new SysTopics(broker, { version: "my program 1.0" });
 * state.stop();
 * ```
 */
export class SysTopics {
  readonly #broker: Broker;
  readonly #intervalMs: number;
  readonly #startMs: number;
  readonly #loads = new Map<string, LoadAverage>();
  /** The last text of each topic. */
  readonly #said = new Map<string, string>();
  #lastMs: number;
  #heapMost = 0;
  #cancel: (() => void) | null = null;

  /**
   * Publishes at once, and then at each interval.
   *
   * @throws {RangeError} If the interval is not a number above 0.
   */
  constructor(broker: Broker, options: SysTopicsOptions) {
    const { intervalSeconds = INTERVAL_SECONDS, version } = options;
    if (!(intervalSeconds > 0 && Number.isFinite(intervalSeconds))) {
      throw new RangeError(`Cannot publish every ${intervalSeconds} seconds: not above 0`);
    }
    this.#broker = broker;
    this.#intervalMs = intervalSeconds * 1000;
    this.#lastMs = broker.clock.now();
    this.#startMs = options.sinceMs ?? this.#lastMs;
    this.#say("version", version);
    this.#tell();
    this.#schedule();
  }

  /** Stops publishing. Retained messages stay. Stopping again does nothing. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #schedule(): void {
    const { clock } = this.#broker;
    this.#cancel = clock.schedule(clock.now() + this.#intervalMs, () => {
      this.#schedule();
      this.#average();
      this.#tell();
    });
  }

  #tell(): void {
    const { clock } = this.#broker;
    this.#say("uptime", `${Math.floor((clock.now() - this.#startMs) / 1000)} seconds`);
    this.#tellClients();
    this.#tellMessages();
    this.#tellStreams();
    this.#tellHeap();
  }

  /** What clients of 3.x, too, can know of a stream before they read it. */
  #tellStreams(): void {
    for (const name of this.#broker.streams.declared) {
      const { first, last, messages, bytes } = this.#broker.stream(name)!;
      for (const [key, value] of Object.entries({ first, last, messages, bytes })) {
        this.#say(`streams/${name}/${key}`, value);
      }
    }
  }

  #tellClients(): void {
    const { stats } = this.#broker;
    const { sessions, subscriptions, sharedSubscriptions } = stats;
    const disconnected = Math.max(0, sessions - stats.clients);
    this.#say("clients/total", sessions);
    this.#say("clients/connected", stats.clients);
    this.#say("clients/active", stats.clients);
    this.#say("clients/disconnected", disconnected);
    this.#say("clients/inactive", disconnected);
    this.#say("clients/maximum", stats.clientsMost);
    this.#say("clients/expired", stats.sessionsExpired);
    this.#say("subscriptions/count", subscriptions);
    this.#say("shared_subscriptions/count", sharedSubscriptions);
  }

  #tellMessages(): void {
    const { stats } = this.#broker;
    const { retainedMessages, retainedBytes } = stats;
    for (const [name, total] of Object.entries(totalsOf(stats))) {
      if (name !== "connections" && name !== "sockets") this.#say(TOTALS[name] ?? name, total);
    }
    this.#say("retained messages/count", retainedMessages);
    this.#say("messages/stored", retainedMessages);
    this.#say("store/messages/count", retainedMessages);
    this.#say("store/messages/bytes", retainedBytes);
  }

  #tellHeap(): void {
    const { heapUsed } = Deno.memoryUsage();
    this.#heapMost = Math.max(this.#heapMost, heapUsed);
    this.#say("heap/current", heapUsed);
    this.#say("heap/maximum", this.#heapMost);
    const { bytes, bytesMax } = this.#broker.stats.memory;
    this.#say("memory/bytes", bytes);
    this.#say("memory/limit", bytesMax);
    this.#say("memory/refused", this.#broker.stats.limited.memory);
  }

  /** Updates the averages, and publishes them. */
  #average(): void {
    const now = this.#broker.clock.now();
    const seconds = (now - this.#lastMs) / 1000;
    if (seconds <= 0) return;
    this.#lastMs = now;
    for (const [name, total] of Object.entries(totalsOf(this.#broker.stats))) {
      let load = this.#loads.get(name);
      if (load === undefined) this.#loads.set(name, load = new LoadAverage());
      load.take(total, seconds);
      for (const [index, minutes] of SPANS.entries()) {
        this.#say(`load/${name}/${minutes}min`, load.perMinute[index]!.toFixed(2));
      }
    }
  }

  #say(topic: string, value: string | number): void {
    const payload = String(value);
    if (this.#said.get(topic) === payload) return;
    this.#said.set(topic, payload);
    this.#broker.publish(`$SYS/broker/${topic}`, payload, { retain: true });
  }
}

/** The topics of totals whose name differs from the name of their average. */
const TOTALS: Readonly<Record<string, string>> = {
  "publish/dropped": "publish/messages/dropped",
  "publish/received": "publish/messages/received",
  "publish/sent": "publish/messages/sent",
};

/** The counters, by the names of their averages. */
function totalsOf(stats: BrokerStats): Record<string, number> {
  const { "not-authorized": _, ...lost } = stats.dropped;
  const dropped = Object.values(lost).reduce((sum, count) => sum + count, 0);
  return {
    "messages/received": stats.messagesReceived + stats.controlPacketsReceived,
    "messages/sent": stats.messagesSent + stats.controlPacketsSent,
    "publish/dropped": dropped,
    "publish/received": stats.messagesReceived,
    "publish/sent": stats.messagesSent,
    "bytes/received": stats.bytesReceived,
    "bytes/sent": stats.bytesSent,
    "connections": stats.connectsAccepted,
    "sockets": stats.connectionsAccepted,
  };
}
