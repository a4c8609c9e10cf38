/** What a program publishes, and the receipt that tells how far it has got. */
import { type Properties, type QoS, ReasonCode } from "../codec/mod.ts";
import { Answer, type Attention } from "./answer.ts";
import type { Departure } from "./connection.ts";

/** How a client publishes. */
export interface ClientPublishOptions {
  /** The QoS; 0 by default. */
  qos?: QoS;
  /** RETAIN: whether the server retains the message; false by default. */
  retain?: boolean;
  /**
   * The properties: Message Expiry Interval, Content Type, Response Topic and so on; MQTT 5 only.
   */
  properties?: Properties;
  /** Withdraws the message if it was not sent yet. Otherwise it only ends the wait. */
  signal?: AbortSignal;
}

/** The server's answer to a message. */
export interface PublishResult {
  /** `ReasonCode.Success`, or `NoMatchingSubscribers`. */
  readonly reasonCode: number;
  /** The Reason String; `null` if there is none. */
  readonly reasonString: string | null;
  /** The User Properties of the answer, as pairs of name and value. */
  readonly userProperties: readonly (readonly [string, string])[];
}

/** The result of a message that the server does not answer. */
const UNANSWERED: PublishResult = {
  reasonCode: ReasonCode.Success,
  reasonString: null,
  userProperties: [],
};

/**
 * How far a message has got. `await` on it waits for {@linkcode completed}.
 *
 * An error that the program does not await is ignored. Await the receipt to see errors.
 */
export class PublishReceipt implements PromiseLike<PublishResult> {
  readonly #message: OutgoingMessage;

  /** Use `Client.publish`. */
  constructor(message: OutgoingMessage) {
    this.#message = message;
  }

  /**
   * Resolves when the bytes were written. Await it from time to time while publishing many
   * messages.
   */
  get left(): Promise<void> {
    return this.#message.hasLeft.wait();
  }

  /**
   * Resolves when the server has accepted the message: with PUBACK or PUBREC; at QoS 0 when the
   * bytes were written.
   */
  get acknowledged(): Promise<PublishResult> {
    return this.#message.acknowledged.wait();
  }

  /**
   * Resolves when the exchange is complete: with PUBACK or PUBCOMP; at QoS 0 when the bytes were
   * written.
   */
  get completed(): Promise<PublishResult> {
    return this.#message.completed.wait();
  }

  /** Whether it has succeeded or failed. */
  get isSettled(): boolean {
    return this.#message.completed.isSettled;
  }

  /** Waits for {@linkcode completed}. */
  then<A = PublishResult, B = never>(
    onfulfilled?: ((value: PublishResult) => A | PromiseLike<A>) | null,
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.completed.then(onfulfilled, onrejected);
  }
}

/** What a client publishes, and when. */
export interface OutgoingParts {
  readonly topic: string;
  /** It must not change until the message is settled. */
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: Properties;
  /** When it was published, on the client's clock. */
  readonly atMs: number;
}

/** A message on its way to the server, with the promises of its receipt. */
export class OutgoingMessage implements Departure {
  /** Settles when the bytes were written. */
  readonly hasLeft: Answer<void>;
  /** Settles with PUBACK or PUBREC. */
  readonly acknowledged: Answer<PublishResult>;
  /** Settles with PUBACK or PUBCOMP. */
  readonly completed: Answer<PublishResult>;
  readonly #signal: AbortSignal | null;
  readonly #abort = () => this.fail(this.#signal!.reason);

  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: Properties;
  readonly atMs: number;

  /** Makes a message that has not left. */
  constructor(parts: OutgoingParts, attention: Attention, signal: AbortSignal | undefined) {
    this.topic = parts.topic;
    this.payload = parts.payload;
    this.qos = parts.qos;
    this.retain = parts.retain;
    this.properties = parts.properties;
    this.atMs = parts.atMs;
    this.hasLeft = new Answer(attention);
    this.acknowledged = new Answer(attention);
    this.completed = new Answer(attention);
    this.#signal = signal ?? null;
    if (signal?.aborted) this.#abort();
    else signal?.addEventListener("abort", this.#abort, { once: true });
  }

  /** Whether the program has withdrawn it. */
  get isWithdrawn(): boolean {
    return this.completed.isSettled;
  }

  /** The bytes were written. */
  onLeft(): void {
    this.hasLeft.resolve();
    if (this.qos === 0) this.complete(UNANSWERED);
  }

  /** The connection was lost. A QoS 1 or 2 message is sent again. */
  onLost(error: Error): void {
    if (this.qos === 0) this.fail(error);
  }

  /** The server has accepted it. */
  acknowledge(result: PublishResult): void {
    this.hasLeft.resolve();
    this.acknowledged.resolve(result);
  }

  /** The exchange is complete. */
  complete(result: PublishResult): void {
    this.acknowledge(result);
    this.completed.resolve(result);
    this.#signal?.removeEventListener("abort", this.#abort);
  }

  /** The message has failed. */
  fail(error: unknown): void {
    this.hasLeft.reject(error);
    this.acknowledged.reject(error);
    this.completed.reject(error);
    this.#signal?.removeEventListener("abort", this.#abort);
  }
}
