/** The messages of a group that are on their way to the dead letters. */
import type { PendingMessage, StreamGroup } from "../../stream/stream_group.ts";
import type { StreamLog } from "../../stream/stream_log.ts";
import type { BrokerContext } from "../base/context.ts";
import { Deadline } from "../base/scheduler.ts";
import type { DispatchHost } from "./dispatch_host.ts";
import type {
  DeadLetterKeeper,
  UndeliverableMessage,
  UndeliverableReason,
} from "./undeliverable_message.ts";
import type { MessageFinder } from "./message_finder.ts";

/** The time before a message that had to wait is tried again, in milliseconds. */
const RETRY_MS = 1000;

/**
 * The messages of a group that no member receives any more. Each stays pending until it is handled,
 * so `groupPendingMax` also limits these.
 */
export class UndeliverableMessages {
  readonly #context: BrokerContext;
  readonly #log: StreamLog;
  readonly #group: StreamGroup;
  readonly #deadLetters: DeadLetterKeeper;
  readonly #retry: Deadline;
  #queue: UndeliverableMessage[] = [];
  #mustWait = false;

  /** @param goOn Called when the next message can be tried again. */
  constructor(host: DispatchHost, log: StreamLog, group: StreamGroup, goOn: () => void) {
    this.#context = host.context;
    this.#deadLetters = host.deadLetters;
    this.#log = log;
    this.#group = group;
    this.#retry = new Deadline(() => {
      this.#mustWait = false;
      goOn();
    });
  }

  /** Whether there are none. */
  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** The maximum number of deliveries of a message to members. */
  get deliveriesMax(): number {
    return this.#deadLetters.deliveriesMax(this.#log);
  }

  /** Adds a message, unless it is already done. */
  add(pending: PendingMessage, reason: UndeliverableReason, clientId: string | null): void {
    if (!this.#group.isPending(pending)) return;
    this.#queue.push({ pending, reason, clientId, group: this.#group.name });
  }

  /** Forgets all of them. */
  clear(): void {
    this.#queue = [];
    this.#context.scheduler.clear(this.#retry);
    this.#mustWait = false;
  }

  /**
   * Handles the next message.
   *
   * @returns `"none"` if there is none, or it must wait; `"unloaded"` if it must be loaded first.
   */
  takeNext(finder: MessageFinder): "taken" | "gone" | "none" | "unloaded" {
    const dead = this.#mustWait ? undefined : this.#queue[0];
    if (dead === undefined) return "none";
    const found = finder.find(dead.pending.seq);
    if (found === "unloaded") return found;
    if (found === "message" && !this.#deadLetters.keep(this.#log, finder.cursor, dead)) {
      const { scheduler, clock } = this.#context;
      this.#mustWait = true;
      scheduler.set(this.#retry, clock.now() + RETRY_MS);
      return "none";
    }
    this.#queue.shift();
    this.#group.settle(dead.pending);
    return found === "gone" ? found : "taken";
  }
}
