/** The MQTT connection of the page, its subscriptions, and the messages that have come. */
import { session } from "./api.js";

/** Messages that are kept, and the bytes of their payloads; past it the oldest ones go. */
const MESSAGES_MAX = 1000;
const BYTES_MAX = 8 * 1024 * 1024;
/** How often those who look are told, in milliseconds: messages may come faster than one reads. */
const TELL_MS = 200;
/** Seconds of silence after which the connection is tried: the listener closes quiet ones later. */
const KEEP_ALIVE_SECONDS = 20;

/** What the pane for messages shows; it goes on while another view is shown. */
class MqttPane {
  /** `"closed"`, `"connecting"`, `"connected"` or `"lost"`. */
  state = "closed";
  /** Why the last connection or subscription has ended. @type {any} */
  error = null;
  /** The client, while it is connected for the first time, or again. */
  clientId = "";
  subscriptions = [];
  /** The latest first. */
  messages = [];
  /** Messages that came while the list was held. */
  held = 0;
  isPaused = false;
  received = 0;
  #bytes = 0;
  #number = 0;
  /** @type {import("./client.js").Client | null} */
  #client = null;
  /** Counts connections, so that one that was given up changes nothing. */
  #attempt = 0;
  #listeners = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** Connects, if it is not. */
  async open() {
    if (this.#client !== null || this.state === "connecting") return;
    const attempt = ++this.#attempt;
    this.#become("connecting");
    this.error = null;
    this.clientId = `page-${Math.random().toString(36).slice(2, 8)}`;
    try {
      const { connect } = await import("./client.js");
      const client = await connect(`${location.origin.replace(/^http/, "ws")}/mqtt`, {
        ...session.mqtt,
        clientId: this.clientId,
        keepAliveSeconds: KEEP_ALIVE_SECONDS,
        onState: (state) => {
          if (attempt !== this.#attempt) return;
          if (state.kind === "connected") this.#become("connected");
          else if (state.kind === "closed") this.#ended(state.error);
          else this.#become(this.#client === null ? "connecting" : "lost");
        },
      });
      if (attempt !== this.#attempt) return await client.close();
      this.#client = client;
      this.#become("connected");
    } catch (error) {
      if (attempt === this.#attempt) this.#ended(error);
    }
  }

  /** Ends the connection and all subscriptions. */
  async close() {
    const client = this.#client;
    this.#attempt++;
    this.#client = null;
    this.subscriptions = [];
    this.#become("closed");
    await client?.close();
  }

  /** Subscribes. Throws if the server refuses it. */
  async subscribe(filter, options) {
    if (this.subscriptions.some((one) => one.filter === filter)) {
      throw new Error(`There is a subscription to ${filter} already`);
    }
    const messages = this.#connected.subscribe(filter, { ...options, overflow: "drop-oldest" });
    const [qos] = await messages.ready;
    const subscription = { filter, qos, messages, count: 0 };
    this.subscriptions = [...this.subscriptions, subscription];
    this.#tell();
    this.#read(subscription);
  }

  /** Ends a subscription. */
  async unsubscribe(subscription) {
    this.subscriptions = this.subscriptions.filter((one) => one !== subscription);
    this.#tell();
    await subscription.messages.return();
  }

  /** Publishes, and waits until the server has acknowledged it. */
  async publish(topic, payload, options) {
    await this.#connected.publish(topic, payload, options);
  }

  /** Holds the list as it is, or goes on. */
  pause(isPaused) {
    this.isPaused = isPaused;
    this.held = 0;
    this.#tell();
  }

  /** Forgets the messages. */
  clear() {
    this.messages = [];
    this.#bytes = 0;
    this.held = 0;
    this.#tell();
  }

  /** Calls back after changes; returns what ends that. */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get #connected() {
    if (this.#client === null) throw new Error("There is no connection");
    return this.#client;
  }

  async #read(subscription) {
    try {
      for await (const message of subscription.messages) this.#take(message, subscription);
    } catch (error) {
      this.error = error;
    }
    this.subscriptions = this.subscriptions.filter((one) => one !== subscription);
    this.#tell();
  }

  #take({ topic, payload, qos, retain, properties }, subscription) {
    this.received++;
    subscription.count++;
    if (this.isPaused) this.held++;
    else {
      const number = ++this.#number;
      const { filter } = subscription;
      this.messages.unshift({
        number,
        time: Date.now(),
        topic,
        payload,
        qos,
        retain,
        properties,
        filter,
      });
      this.#bytes += payload.length;
      while (
        this.messages.length > MESSAGES_MAX || (this.#bytes > BYTES_MAX && this.messages.length > 1)
      ) {
        this.#bytes -= this.messages.pop().payload.length;
      }
    }
    this.#tellSoon();
  }

  #ended(error) {
    this.#client = null;
    this.subscriptions = [];
    this.error = error ?? null;
    this.#become("closed");
  }

  #become(state) {
    this.state = state;
    this.#tell();
  }

  #tellSoon() {
    this.#timer ??= setTimeout(() => this.#tell(), TELL_MS);
  }

  #tell() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const listener of this.#listeners) listener();
  }
}

/** The one pane. */
export const pane = new MqttPane();

/** Messages as a file that other programs read: JSON, the oldest first. */
export function exportOf(messages) {
  const all = messages.toReversed().map(({ number: _, time, payload, properties, ...rest }) => ({
    time: new Date(time).toISOString(),
    ...rest,
    properties: readable(properties),
    payload: btoa(Array.from(payload, (byte) => String.fromCharCode(byte)).join("")),
  }));
  return JSON.stringify(all, null, 2);
}

/** Properties without bytes, and without what the client has added. */
export function readable({ subscriptionIdentifiers: _, ...properties }) {
  const { correlationData } = properties;
  if (correlationData === undefined) return properties;
  const hex = Array.from(correlationData, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { ...properties, correlationData: `0x${hex}` };
}
