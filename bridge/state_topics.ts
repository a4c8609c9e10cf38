/** Publishes how a bridge is, on its own broker. */
import type { BridgeHost } from "./host.ts";
import type { BridgeSettings } from "./options.ts";
import type { BridgeStatus } from "./status.ts";

/** The JSON of a bridge is below this topic, by its name. */
const STATUS_PREFIX = "$SYS/broker/bridges/";

/**
 * Publishes how a bridge is: `1` or `0` as mosquitto does, and all of it as JSON in
 * `$SYS/broker/bridges/{name}`; both retained, and only if they have changed.
 */
export class StateTopics {
  #settings: BridgeSettings;
  readonly #host: BridgeHost;
  #told = "";
  #status = "";

  constructor(host: BridgeHost, settings: BridgeSettings) {
    this.#host = host;
    this.#settings = settings;
  }

  /** Takes other options. */
  change(settings: BridgeSettings): void {
    const { notifications, notificationTopic } = this.#settings;
    const isTold = settings.notifications && settings.notificationTopic === notificationTopic;
    if (notifications && !isTold) this.#publish(notificationTopic, "");
    this.#settings = settings;
  }

  /** Publishes what has changed. */
  tell(isConnected: boolean, status: BridgeStatus): void {
    const { notifications, notificationTopic, name } = this.#settings;
    const told = `${notificationTopic} ${isConnected}`;
    if (notifications && told !== this.#told) {
      this.#told = told;
      this.#publish(notificationTopic, isConnected ? "1" : "0");
    }
    const text = JSON.stringify(status);
    if (text === this.#status) return;
    this.#status = text;
    this.#publish(STATUS_PREFIX + name, text);
  }

  /** Takes everything away again. */
  remove(): void {
    const { notifications, notificationTopic, name } = this.#settings;
    if (notifications) this.#publish(notificationTopic, "");
    this.#publish(STATUS_PREFIX + name, "");
  }

  #publish(topic: string, payload: string): void {
    // A broker that is full counts the refusal; the next change is published again. A topic can be
    // longer than the broker allows.
    this.#host.publish(topic, payload, { qos: 1, retain: true }).catch(() => {});
  }
}
