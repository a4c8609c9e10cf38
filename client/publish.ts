import { type Properties, type QoS, ReasonCode } from "../codec/mod.ts";
import { Answer, type Attention } from "./answer.ts";
import type { Departure } from "./connection.ts";

/** How a client publishes. */
export interface ClientPublishOptions {
  /** 0 by default. */
  qos?: QoS;
  /** Whether the server retains the message; false by default. */
  retain?: boolean;
  /** Message expiry, content type, response topic and so on; MQTT 5 only. */
  properties?: Properties;
  /** Takes the message back, if it was not sent yet; else only ends the wait for it. */
  signal?: AbortSignal;
}

/** What the server said to a message. */
export interface PublishResult {
  /** `ReasonCode.Success`, or `NoMatchingSubscribers`. */
  readonly reasonCode: number;
  /** Said for people to read; `null` if nothing was. */
  readonly reasonString: string | null;
  /** Name and value pairs that came with it. */
  readonly userProperties: readonly (readonly [string, string])[];
}

/** The result of a message that the server does not answer. */
const UNANSWERED: PublishResult = {
  reasonCode: ReasonCode.Success,
  reasonString: null,
  userProperties: [],
};

/**
 * How far a message has got. To await it is to await {@linkcode completed}.
 *
 * An error that nobody waits for is dropped: who must know awaits the receipt.
 */
export class PublishReceipt implements PromiseLike<PublishResult> {
  readonly #message: OutgoingMessage;

  /** Use `Client.publish`. */
  constructor(message: OutgoingMessage) {
    this.#message = message;
  }

  /** Resolves when the bytes have left: the pace at which to publish at QoS 0. */
  get left(): Promise<void> {
    return this.#message.hasLeft.wait();
  }

  /**
   * Resolves when the server has taken the message over: with PUBACK or PUBREC;
   * at QoS 0 when the bytes have left.
   */
  get acknowledged(): Promise<PublishResult> {
    return this.#message.acknowledged.wait();
  }

  /**
   * Resolves when all is done: with PUBACK or PUBCOMP; at QoS 0 when the bytes
   * have left.
   */
  get completed(): Promise<PublishResult> {
    return this.#message.completed.wait();
  }

  /** Whether all is done, well or not. */
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

/** A message on its way to the server, and what is told of it. */
export class OutgoingMessage implements Departure {
  /** Settles when the bytes have left. */
  readonly hasLeft: Answer<void>;
  /** Settles with PUBACK or PUBREC. */
  readonly acknowledged: Answer<PublishResult>;
  /** Settles with PUBACK or PUBCOMP. */
  readonly completed: Answer<PublishResult>;
  readonly #signal: AbortSignal | null;
  readonly #abort = () => this.fail(this.#signal!.reason);

  /**
   * @param payload Unchanged until the message is settled.
   * @param atMs When it was published, on the client's clock.
   */
  constructor(
    readonly topic: string,
    readonly payload: Uint8Array,
    readonly qos: QoS,
    readonly retain: boolean,
    readonly properties: Properties,
    readonly atMs: number,
    attention: Attention,
    signal: AbortSignal | undefined,
  ) {
    this.hasLeft = new Answer(attention);
    this.acknowledged = new Answer(attention);
    this.completed = new Answer(attention);
    this.#signal = signal ?? null;
    if (signal?.aborted) this.#abort();
    else signal?.addEventListener("abort", this.#abort, { once: true });
  }

  /** Whether nobody wants it sent any more. */
  get isWithdrawn(): boolean {
    return this.completed.isSettled;
  }

  /** The bytes have left. */
  left(): void {
    this.hasLeft.resolve();
    if (this.qos === 0) this.complete(UNANSWERED);
  }

  /** The connection was lost; what has an acknowledged QoS is sent again. */
  lost(error: Error): void {
    if (this.qos === 0) this.fail(error);
  }

  /** The server has taken it over. */
  acknowledge(result: PublishResult): void {
    this.hasLeft.resolve();
    this.acknowledged.resolve(result);
  }

  /** All is done. */
  complete(result: PublishResult): void {
    this.acknowledge(result);
    this.completed.resolve(result);
    this.#signal?.removeEventListener("abort", this.#abort);
  }

  /** It will get no further. */
  fail(error: unknown): void {
    this.hasLeft.reject(error);
    this.acknowledged.reject(error);
    this.completed.reject(error);
    this.#signal?.removeEventListener("abort", this.#abort);
  }
}
