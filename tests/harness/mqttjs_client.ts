// @ts-types="./mqttjs.d.ts"
import mqtt from "npm:mqtt@^5.10";
import type { Connack, ConnectOptions, MqttClient } from "./mqttjs.d.ts";
import { within } from "./deadline.ts";

const utf8 = new TextDecoder();

/** A message as MQTT.js hands it over. */
export interface JsMessage {
  topic: string;
  payload: string;
  qos: number;
  retain: boolean;
  /** MQTT 5 only; the names are MQTT.js's, as in `userProperties`. */
  properties?: Record<string, unknown>;
}

/** Options of a {@linkcode JsClient}. */
export interface JsOptions extends ConnectOptions {
  /** Answers AUTH 0x18, which comes with data, in an enhanced authentication. */
  answerAuth?: (data: Uint8Array) => Uint8Array;
}

/** An MQTT.js client that remembers what it has received, and leaves with its block. */
export class JsClient implements AsyncDisposable {
  /** MQTT.js itself. */
  readonly mqtt: MqttClient;
  /** The broker's answer to CONNECT. */
  readonly connack: Promise<Connack>;
  /** What has come so far. */
  readonly messages: JsMessage[] = [];
  #grown: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #closed: Promise<void>;

  private constructor(port: number, { answerAuth, ...options }: JsOptions) {
    const connack = Promise.withResolvers<Connack>();
    this.connack = connack.promise;
    // A test wants to see a connection break, not have it mended; and timers without a worker.
    const base = { reconnectPeriod: 0, timerVariant: "native" } as const;
    const { protocol = "mqtt" } = options;
    this.mqtt = mqtt.connect(`${protocol}://127.0.0.1:${port}`, { ...base, ...options });
    if (answerAuth !== undefined) {
      this.mqtt.handleAuth = ({ properties }, callback) => {
        const authenticationData = answerAuth(properties.authenticationData);
        callback(null, {
          cmd: "auth",
          reasonCode: 0x18,
          properties: { ...properties, authenticationData },
        });
      };
    }
    this.mqtt.on("connect", connack.resolve);
    this.mqtt.on("error", connack.reject);
    this.#closed = new Promise((resolve) => this.mqtt.once("close", resolve));
    this.#closed.then(() => connack.reject(new Error("Closed without a CONNACK")));
    // From the first moment on: a session's messages follow at the heels of CONNACK.
    this.mqtt.on("message", (topic, payload, { qos, retain, properties }) => {
      const message = { topic, payload: utf8.decode(payload), qos, retain };
      this.messages.push(properties ? { ...message, properties: { ...properties } } : message);
      this.#grown.resolve();
      this.#grown = Promise.withResolvers();
    });
  }

  /** Connects and waits until the broker has welcomed the client. */
  static async connect(port: number, options: JsOptions = {}): Promise<JsClient> {
    const client = new JsClient(port, options);
    try {
      await within("a connection of MQTT.js", client.connack);
      return client;
    } catch (error) {
      await client.drop();
      throw error;
    }
  }

  /** Waits until at least `count` messages have come since the start. */
  async receive(count: number): Promise<JsMessage[]> {
    const all = async () => {
      while (this.messages.length < count) await this.#grown.promise;
    };
    await within(() => `${count} messages, got ${this.messages.length}`, all());
    return this.messages;
  }

  /** Breaks the connection without a DISCONNECT. */
  async drop(): Promise<void> {
    this.mqtt.stream.destroy();
    await within("the close of a connection of MQTT.js", this.#closed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.mqtt.connected) await within("a farewell of MQTT.js", this.mqtt.endAsync());
    else await this.drop();
  }
}
