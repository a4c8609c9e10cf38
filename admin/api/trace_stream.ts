/**
 * A live trace of one client, or of publications to a topic filter: one JSON object per line, for a
 * limited time, at a limited rate.
 *
 * @module
 */
import type { BrokerHooks } from "../../broker/base/hooks.ts";
import type { Inspection } from "../../broker/inspection.ts";
import { TokenBucket } from "../../broker/limits/token_bucket.ts";
import { matchesFilter } from "../../router/topic.ts";

/** The maximum number of traces at the same time; past it: 429. */
export const TRACES_MAX = 4;
/** Bytes of lines that wait for their reader; past them events are counted as skipped. */
const WAITING_BYTES_MAX = 256 * 1024;
/** The interval of the lines that keep the connection alive, in milliseconds. */
const ALIVE_MS = 10_000;
/** Bytes of a payload that are shown. */
const PAYLOAD_BYTES_MAX = 4096;

/** The subject of a trace. */
export interface TraceOptions {
  /** The client; `null` for all. */
  readonly clientId: string | null;
  /** The topics of publications; `null` for all. */
  readonly filter: string | null;
  /** When it ends. */
  readonly seconds: number;
  /** The maximum rate of events, per second. Events beyond it are counted as skipped. */
  readonly rate: number;
  /** Whether payloads are shown. */
  readonly showsPayload: boolean;
}

/** One trace, as a stream of bytes. It ends after its time, or when its reader disconnects. */
export class TraceStream {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #inspection: Inspection;
  readonly #options: TraceOptions;
  readonly #onEnded: () => void;
  readonly #bucket: TokenBucket;
  readonly #encoder = new TextEncoder();
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #stopObserving: () => void = () => {};
  #cancelAlive: () => void = () => {};
  #cancelEnd: () => void = () => {};
  #skipped = 0;
  #hasEnded = false;

  /** @param onEnded Called once, when the trace has ended. */
  constructor(inspection: Inspection, options: TraceOptions, onEnded: () => void) {
    this.#inspection = inspection;
    this.#options = options;
    this.#onEnded = onEnded;
    const { clock } = inspection;
    this.#bucket = new TokenBucket(options.rate, options.rate, clock.now());
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
        this.#put({ event: "begin", seconds: options.seconds, rate: options.rate });
      },
      cancel: () => this.#stop(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: WAITING_BYTES_MAX }));
    this.#stopObserving = inspection.observe(this.#hooks());
    this.#cancelEnd = clock.schedule(clock.now() + options.seconds * 1000, () => this.end());
    this.#alive();
  }

  /** Writes the last line, and ends. */
  end(): void {
    if (this.#hasEnded) return;
    this.#put({ event: "end", skipped: this.#skipped });
    this.#stop();
    this.#controller.close();
  }

  #hooks(): BrokerHooks {
    const { clientId: wanted, filter, showsPayload } = this.#options;
    const isWanted = (clientId: string | null) => wanted === null || clientId === wanted;
    const isTopic = (topic: string | null) =>
      filter === null || (topic !== null && matchesFilter(filter, topic));
    return {
      published: ({ topic, payload, qos, retain, clientId }) => {
        if (!isWanted(clientId) || !isTopic(topic) || !this.#mayTell()) return;
        const shown = showsPayload
          ? { payload: payload.subarray(0, PAYLOAD_BYTES_MAX).toBase64() }
          : {};
        const bytes = payload.length;
        this.#tell({ event: "publish", clientId, topic, qos, retain, bytes, ...shown });
      },
      dropped: ({ reason, topic, clientId }) => {
        if (!isWanted(clientId) || !isTopic(topic) || !this.#mayTell()) return;
        this.#tell({ event: "drop", clientId, topic, reason });
      },
      ...filter === null ? this.#connectionHooks(isWanted) : {},
    };
  }

  #connectionHooks(isWanted: (clientId: string | null) => boolean): BrokerHooks {
    return {
      connected: ({ clientId, username, address, protocolVersion }) => {
        if (!isWanted(clientId) || !this.#mayTell()) return;
        this.#tell({ event: "connect", clientId, username, address, protocolVersion });
      },
      disconnected: ({ clientId }, { by, reasonCode, error }) => {
        if (!isWanted(clientId) || !this.#mayTell()) return;
        const text = error instanceof Error ? error.message.slice(0, 500) : null;
        this.#tell({ event: "disconnect", clientId, by, reasonCode, error: text });
      },
      refused: (address, clientId, reasonCode) => {
        if (!isWanted(clientId) || !this.#mayTell()) return;
        this.#tell({ event: "refuse", clientId, address, reasonCode });
      },
    };
  }

  /** Whether another event may be written now. If not, it is counted. */
  #mayTell(): boolean {
    const now = this.#inspection.clock.now();
    const isFull = (this.#controller.desiredSize ?? 0) <= 0;
    if (isFull || this.#bucket.tokens(now) < 1) {
      this.#skipped++;
      return false;
    }
    this.#bucket.spend(1, now);
    return true;
  }

  #tell(event: Readonly<Record<string, unknown>>): void {
    const { clock } = this.#inspection;
    this.#put({ time: this.#inspection.timeOf(clock.now()), ...event });
  }

  #put(line: Readonly<Record<string, unknown>>): void {
    this.#controller.enqueue(this.#encoder.encode(`${JSON.stringify(line)}\n`));
  }

  /** A connection on which nothing is sent would be closed as idle. */
  #alive(): void {
    const { clock } = this.#inspection;
    this.#cancelAlive = clock.schedule(clock.now() + ALIVE_MS, () => {
      if ((this.#controller.desiredSize ?? 0) > 0) {
        this.#tell({ event: "alive", skipped: this.#skipped });
      }
      this.#alive();
    });
  }

  #stop(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#stopObserving();
    this.#cancelAlive();
    this.#cancelEnd();
    this.#onEnded();
  }
}
