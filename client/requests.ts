/** Requests and their responses over MQTT (5.0 §4.10). */
import { ReasonCode } from "../codec/mod.ts";
import type { Clock } from "../transport/clock.ts";
import { Answer, type Attention } from "./answer.ts";
import { asError, DisconnectedError, QueueFullError, TimeoutError } from "./errors.ts";
import type { ClientLimits } from "./limits.ts";
import type { ClientMessage } from "./message.ts";
import type { ClientPublishOptions, PublishReceipt } from "./publish.ts";
import type { ClientSubscription } from "./subscription.ts";

/** Settings of a request. */
export interface RequestOptions extends Omit<ClientPublishOptions, "retain"> {
  /** How long the response may take, in milliseconds; 5,000 by default. */
  timeoutMs?: number;
}

/** What requests need of a client. */
export interface Requester {
  /** As `Client.publish`. */
  publish(
    topic: string,
    payload: Uint8Array | string,
    options: ClientPublishOptions,
  ): PublishReceipt;
  /** As `Client.subscribe`. */
  subscribe(filter: string): ClientSubscription;
}

/** Requests and their responses (MQTT 5 §4.10): one topic for all responses of a client. */
export class Requests {
  readonly #requester: Requester;
  readonly #limits: ClientLimits;
  readonly #clock: Clock;
  readonly #attention: Attention;
  readonly #topic: string;
  /** Requests that wait, by their Correlation Data. */
  readonly #waiting = new Map<number, Answer<ClientMessage>>();
  #responses: ClientSubscription | null = null;
  #number = 0;

  /** @param topic The response topic, which only this client uses. */
  constructor(
    requester: Requester,
    limits: ClientLimits,
    clock: Clock,
    attention: Attention,
    topic: string,
  ) {
    this.#requester = requester;
    this.#attention = attention;
    this.#limits = limits;
    this.#clock = clock;
    this.#topic = topic;
  }

  /** Publishes a request and waits for its response. */
  async request(
    topic: string,
    payload: Uint8Array | string,
    options: RequestOptions,
  ): Promise<ClientMessage> {
    const { timeoutMs = 5000, signal, properties, qos = 1 } = options;
    signal?.throwIfAborted();
    if (this.#waiting.size >= this.#limits.requestsMax) {
      throw new QueueFullError(`Cannot send a request: ${this.#waiting.size} wait`);
    }
    const number = this.#number = (this.#number + 1) >>> 0;
    const response = new Answer<ClientMessage>(this.#attention);
    this.#waiting.set(number, response);
    const cancel = this.#clock.schedule(this.#clock.now() + timeoutMs, () => {
      response.reject(new TimeoutError(`No response from "${topic}" within ${timeoutMs} ms`));
    });
    const asked = { ...properties, responseTopic: this.#topic, correlationData: bytesOf(number) };
    try {
      await Promise.race([this.#listen(), response.wait(signal)]);
      const receipt = this.#requester.publish(topic, payload, {
        qos,
        properties: asked,
        ...(signal === undefined ? {} : { signal }),
      });
      this.#watch(receipt, topic, response);
      return await response.wait(signal);
    } finally {
      cancel();
      this.#waiting.delete(number);
      // The wait has ended.
      response.reject(null);
    }
  }

  /** Ends the wait if the request was not published, or had no matching subscribers. */
  #watch(receipt: PublishReceipt, topic: string, response: Answer<ClientMessage>): void {
    receipt.then(({ reasonCode }) => {
      if (reasonCode !== ReasonCode.NoMatchingSubscribers) return;
      response.reject(new TimeoutError(`Nobody listens to "${topic}"`, { reasonCode }));
    }, (error) => response.reject(error));
  }

  /** Waits until the subscription to the response topic is granted. */
  async #listen(): Promise<void> {
    if (this.#responses === null) {
      const responses = this.#responses = this.#requester.subscribe(this.#topic);
      void this.#take(responses);
    }
    await this.#responses.ready;
  }

  async #take(responses: ClientSubscription): Promise<void> {
    let end: Error = new DisconnectedError("The client is closed");
    try {
      for await (const message of responses) {
        const number = numberOf(message.properties.correlationData);
        if (number !== null) this.#waiting.get(number)?.resolve(message);
      }
    } catch (error) {
      end = asError(error);
    }
    // The next request tries again.
    this.#responses = null;
    for (const response of this.#waiting.values()) response.reject(end);
  }
}

function bytesOf(number: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

function numberOf(bytes: Uint8Array | undefined): number | null {
  if (bytes?.length !== 4) return null;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}
