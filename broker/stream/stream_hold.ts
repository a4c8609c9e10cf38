/** Finds a message that was in flight when the broker ended, in its stream. */
import { Deadline } from "../base/scheduler.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Message } from "../base/message.ts";

/** The time before a failed read is retried, in milliseconds. */
const RETRY_MS = 1000;
/** A message of a stream is given to readers when it is stored, so it is never revoked. */
const STORED = { isRevoked: false };

/**
 * A message that was in flight when the broker ended, in its stream. A durable queue treats it like
 * an entry of a log (`MessageHold`), but the stream does not keep it longer because of that.
 */
export class StreamHold {
  /** The entry; `null` while it is not loaded. */
  entry: { readonly place: { readonly isRevoked: boolean }; readonly message: Message } | null =
    null;
  /** Whether the stream no longer has the message. */
  isRemoved = false;
  readonly #context: BrokerContext;
  readonly #find: () => Promise<Message | null>;

  /** @param find Reads the message; `null` if the stream no longer has it. */
  constructor(context: BrokerContext, find: () => Promise<Message | null>) {
    this.#context = context;
    this.#find = find;
  }

  /** Reads the message, and calls `done`. A read that fails is repeated. */
  load(done: () => void): void {
    const { stats, scheduler, clock } = this.#context;
    this.#find().then((message) => {
      if (message === null) {
        this.isRemoved = true;
        stats.dropped["stream-gap"]++;
      } else this.entry = { place: STORED, message };
      done();
    }, (error) => {
      this.#context.reportError(error);
      scheduler.set(new Deadline(() => this.load(done)), clock.now() + RETRY_MS);
    });
  }

  /** The message was acknowledged. */
  release(): void {}
}
