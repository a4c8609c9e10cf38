/** The client as a program uses it. */
import type { Properties } from "../codec/mod.ts";
import { topicNameFault } from "../router/topic.ts";
import { endpointOf } from "./endpoint.ts";
import { ClientError } from "./errors.ts";
import { type CloseOptions, Lifecycle } from "./lifecycle.ts";
import type { ClientMessage } from "./message.ts";
import { bytesOf, type ConnectOptions, type Settings, settingsOf } from "./options.ts";
import { type ClientPublishOptions, OutgoingMessage, PublishReceipt } from "./publish.ts";
import { type RequestOptions, Requests } from "./requests.ts";
import type { ServerInfo } from "./server_info.ts";
import { Session } from "./session.ts";
import type { ClientState } from "./state.ts";
import { type ClientSubscribeOptions, ClientSubscription } from "./subscription.ts";

/**
 * An MQTT client, made by `connect()`. It stays connected until it is closed. When a connection is
 * lost, the client opens another one, and continues what was in progress.
 */
export class Client implements AsyncDisposable {
  readonly #settings: Settings;
  readonly #session: Session;
  readonly #lifecycle: Lifecycle;
  #requests: Requests | null = null;

  /** Use `connect()`. */
  constructor(url: string | URL, options: ConnectOptions) {
    const endpoint = endpointOf(url);
    this.#settings = settingsOf(endpoint, options);
    this.#session = new Session(this.#settings);
    this.#lifecycle = new Lifecycle(endpoint, this.#settings, this.#session);
  }

  /** The state of the connection. */
  get state(): ClientState {
    return this.#lifecycle.state;
  }

  /** What the last CONNACK said about the server. */
  get server(): ServerInfo {
    const { server } = this.#lifecycle;
    if (server === null) throw new ClientError("The client was never connected");
    return server;
  }

  /** How many messages wait to be sent. */
  get waiting(): number {
    return this.#session.outgoing.waiting;
  }

  /** How many messages were dropped because no subscription matched them. */
  get dropped(): number {
    return this.#session.incoming.dropped;
  }

  /** Connects for the first time; `connect()` does. */
  open(): Promise<void> {
    return this.#lifecycle.open();
  }

  /**
   * The states, from the current one until the client is closed. A reader that is more than
   * `statesMax` states late misses some.
   *
   * @param signal Ends the iteration.
   */
  async *states(signal?: AbortSignal): AsyncGenerator<ClientState, void, void> {
    const { statesMax } = this.#settings.limits;
    const cursor = this.#lifecycle.states.cursor({ lagMax: statesMax });
    const { state } = this;
    yield state;
    if (state.kind === "closed") return;
    for await (const next of cursor.follow(signal)) {
      yield next;
      if (next.kind === "closed") return;
    }
  }

  /**
   * Publishes a message. Without a connection it waits for one.
   *
   * @param payload Bytes, which are copied, or text.
   * @returns A receipt that says how far the message has got. Await it to know that the message was
   * delivered.
   * @throws {TypeError | RangeError} If the topic is not valid, or something is too long. The
   * receipt reports errors of the server or the connection.
   */
  publish(
    topic: string,
    payload: Uint8Array | string,
    options: ClientPublishOptions = {},
  ): PublishReceipt {
    const fault = topicNameFault(topic);
    if (fault !== null) throw new TypeError(`Cannot publish to "${topic}": topic ${fault}`);
    const { qos = 0, retain = false, properties = {}, signal } = options;
    checkProperties(properties);
    const parts = {
      topic,
      payload: typeof payload === "string" ? bytesOf(payload) : payload.slice(),
      qos,
      retain,
      properties,
      atMs: this.#settings.clock.now(),
    };
    const message = new OutgoingMessage(parts, this.#session.readPause, signal);
    const error = this.#lifecycle.closedError;
    if (error !== null) message.fail(error);
    else this.#session.outgoing.publish(message);
    return new PublishReceipt(message);
  }

  /**
   * Subscribes. The subscription takes messages from now on. `ready` resolves when the server has
   * granted it.
   *
   * @returns An iterator; leaving a `for await` ends the subscription.
   * @throws {TypeError} If a filter is not valid.
   * @throws {SubscribeError} If there are `subscriptionsMax` subscriptions already.
   * @throws {DisconnectedError} If the client is closed.
   */
  subscribe(
    filters: string | readonly string[],
    options: ClientSubscribeOptions = {},
  ): ClientSubscription {
    const error = this.#lifecycle.closedError;
    if (error !== null) throw error;
    const { signal } = options;
    signal?.throwIfAborted();
    const { subscriptions } = this.#session;
    const wanted = typeof filters === "string" ? [filters] : [...filters];
    const record = subscriptions.add(wanted, options);
    const abort = () => subscriptions.end(record, signal!.reason);
    signal?.addEventListener("abort", abort, { once: true });
    // The signal may live as long as the program, so the listener must be removed.
    if (signal) record.gone.then(() => signal.removeEventListener("abort", abort));
    return new ClientSubscription(record, async () => {
      subscriptions.end(record, null);
      await record.gone;
    });
  }

  /**
   * Unsubscribes from filters that an earlier program has subscribed to in this session. To end a
   * subscription of this client, leave its iterator instead. Messages that have arrived for these
   * filters and match no subscription are discarded. Without a connection it waits for one.
   *
   * @returns The Reason Code of each filter: 0, 0x11 if the session had no such subscription, or
   * 0x80 and above if the server refuses. In 3.1.1 always 0.
   * @throws {TypeError} If a filter is not valid, or a subscription of this client has it.
   * @throws {SubscribeError} If there are `subscriptionsMax` subscriptions already.
   * @throws {DisconnectedError} If the client is closed.
   */
  async unsubscribe(filters: string | readonly string[]): Promise<readonly number[]> {
    const error = this.#lifecycle.closedError;
    if (error !== null) throw error;
    const ended = typeof filters === "string" ? [filters] : [...filters];
    return await this.#session.subscriptions.unsubscribe(ended);
  }

  /**
   * Publishes a request and waits for its response (MQTT 5 §4.10). The client keeps one
   * subscription for all responses. The responder must publish to the `responseTopic` of the
   * request, with its `correlationData`.
   *
   * @returns The response.
   * @throws {TimeoutError} If no response arrives in time.
   * @throws {TypeError} If the client uses 3.1.1, which has no responses.
   */
  request(
    topic: string,
    payload: Uint8Array | string,
    options: RequestOptions = {},
  ): Promise<ClientMessage> {
    const { protocolVersion, limits, clock } = this.#settings;
    if (protocolVersion !== 5) {
      return Promise.reject(new TypeError("Cannot send a request: MQTT 3.1.1 has none"));
    }
    this.#requests ??= new Requests(
      this,
      limits,
      clock,
      this.#session.readPause,
      this.#responseTopic(),
    );
    return this.#requests.request(topic, payload, options);
  }

  /**
   * Authenticates again (MQTT 5 §4.12.1), with the `authentication` of `connect()`.
   *
   * @param signal Ends the wait, not the authentication.
   * @throws {TypeError} If `connect()` was called without `authentication`.
   * @throws {DisconnectedError} If there is no connection, or the server ends it.
   */
  reauthenticate(signal?: AbortSignal): Promise<void> {
    return this.#session.reauthenticate(signal);
  }

  /**
   * Closes the client. It waits up to `graceMs` for published messages, sends DISCONNECT, and
   * releases everything. Iterators end, and messages that were not sent are rejected. Closing again
   * waits for the same end.
   */
  close(options: CloseOptions = {}): Promise<void> {
    return this.#lifecycle.close(options);
  }

  /** Closes the client. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #responseTopic(): string {
    const { clientId, responseInformation } = this.server;
    return `${responseInformation ?? "responses"}/${clientId}`;
  }
}

/** Refuses properties that only the client or the server may set. */
function checkProperties({ topicAlias, subscriptionIdentifiers }: Properties): void {
  if (topicAlias !== undefined) throw new TypeError("Cannot publish with a topic alias of its own");
  if (subscriptionIdentifiers !== undefined) {
    throw new TypeError("Cannot publish with subscription identifiers");
  }
}
