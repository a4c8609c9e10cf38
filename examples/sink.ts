/**
 * A sink of a stream: a loop that hands messages on in batches, and stores how far it has come. What
 * was not handed on is tried again, so a sink that is down loses nothing as long as the stream keeps
 * it. [Webhook](./webhook_sink.ts) and [database](./database_sink.ts) use it.
 *
 * @module
 */
import type { Stream, StreamMessage } from "@fairway/mqtt/stream";

/** Where messages go, and where it is stored how far they have gone. */
export interface Sink {
  /** The sequence of the last message that was handed on; 0 at first. */
  progress(): Promise<number>;
  /** Hands a batch on, and stores the sequence of its last message. Throws if it has to try again. */
  take(batch: readonly StreamMessage[]): Promise<void>;
}

/** How a sink is fed. */
export interface SinkOptions {
  /** What topics match; `#` by default. */
  readonly filter?: string;
  /** Messages of a batch at most; 100 by default. */
  readonly batchMax?: number;
  /** How long the first message of a batch waits for others, in milliseconds; 200 by default. */
  readonly waitMs?: number;
  /** How long it waits before it tries again, doubled up to a minute each time; 500 by default. */
  readonly retryMs?: number;
  /** Told why a batch is tried again; by default nobody is. */
  readonly failed?: (error: unknown) => void;
  /** Ends the loop. */
  readonly signal: AbortSignal;
}

const RETRY_MS_MAX = 60_000;

/** Feeds a sink with everything after what it has, until the signal aborts. */
export async function feed(stream: Stream, sink: Sink, options: SinkOptions): Promise<void> {
  const { filter = "#", batchMax = 100, waitMs = 200, signal } = options;
  try {
    const after = Math.min(await sink.progress(), stream.last);
    const messages = stream.read({ after, filter, signal });
    for await (const batch of batches(messages, batchMax, waitMs)) {
      await untilTaken(sink, batch, options);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Gathers messages: a batch is complete when it is full, or when its first one has waited. */
async function* batches(
  messages: AsyncGenerator<StreamMessage>,
  batchMax: number,
  waitMs: number,
): AsyncGenerator<StreamMessage[]> {
  for (let next = messages.next();;) {
    const first = await next;
    if (first.done) return;
    const batch = [first.value];
    const { promise: isLate, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(() => resolve(null), waitMs);
    next = messages.next();
    while (batch.length < batchMax) {
      const found = await Promise.race([next, isLate]);
      if (found === null || found.done) break;
      batch.push(found.value);
      next = messages.next();
    }
    clearTimeout(timer);
    // If the reading ends meanwhile, the next turn finds out.
    next.catch(() => {});
    yield batch;
  }
}

async function untilTaken(
  sink: Sink,
  batch: readonly StreamMessage[],
  { signal, retryMs = 500, failed = () => {} }: SinkOptions,
): Promise<void> {
  for (let waitMs = retryMs;; waitMs = Math.min(2 * waitMs, RETRY_MS_MAX)) {
    try {
      return await sink.take(batch);
    } catch (error) {
      signal.throwIfAborted();
      failed(error);
      await wait(waitMs, signal);
    }
  }
}

/** @throws The reason of the signal, if it aborts. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
