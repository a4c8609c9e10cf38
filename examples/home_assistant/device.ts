/**
 * A thermometer that Home Assistant finds by itself (MQTT discovery): it announces what it is in a
 * retained message, has a will that says that it is gone, and announces itself again when Home
 * Assistant starts.
 *
 *     deno run --allow-net examples/home_assistant/device.ts mqtt://thermometer:PASSWORD@127.0.0.1
 *
 * @module
 */
import { type Client, connect } from "@fairway/mqtt/client";

/** The name of the device, which is its user name too: the rules of `acl` are about it. */
const NAME = "thermometer";

/** Where Home Assistant looks for devices by default: PREFIX/COMPONENT/NAME/OBJECT/config. */
const CONFIG_TOPIC = `homeassistant/sensor/${NAME}/temperature/config`;
/** Where Home Assistant says that it has started, or is gone. */
const STATUS_TOPIC = "homeassistant/status";
const AVAILABLE_TOPIC = `home/${NAME}/available`;
const STATE_TOPIC = `home/${NAME}/temperature`;

/** What Home Assistant needs to know of the sensor. */
const CONFIG = {
  name: "Temperature",
  unique_id: `${NAME}_temperature`,
  state_topic: STATE_TOPIC,
  unit_of_measurement: "°C",
  device_class: "temperature",
  availability_topic: AVAILABLE_TOPIC,
  device: { identifiers: [NAME], name: "Thermometer" },
};

/** A thermometer that is connected. */
export class Thermometer implements AsyncDisposable {
  readonly #client: Client;
  /** Settles when it is closed. */
  readonly ended: Promise<void>;

  private constructor(client: Client) {
    this.#client = client;
    this.ended = this.#followHomeAssistant();
  }

  /** Connects, and announces itself. */
  static async start(url: string): Promise<Thermometer> {
    const will = { topic: AVAILABLE_TOPIC, payload: "offline", qos: 1, retain: true } as const;
    const thermometer = new Thermometer(await connect(url, { clientId: NAME, will }));
    await thermometer.#announce();
    return thermometer;
  }

  /** Tells a temperature. It is retained: Home Assistant has it at once when it starts. */
  async tell(degrees: number): Promise<void> {
    await this.#client.publish(STATE_TOPIC, degrees.toFixed(1), { qos: 1, retain: true });
  }

  async #announce(): Promise<void> {
    const options = { qos: 1, retain: true } as const;
    await this.#client.publish(CONFIG_TOPIC, JSON.stringify(CONFIG), options);
    await this.#client.publish(AVAILABLE_TOPIC, "online", options);
  }

  /** Home Assistant has started: it may have forgotten everything. */
  async #followHomeAssistant(): Promise<void> {
    for await (const { payload } of this.#client.subscribe(STATUS_TOPIC, { qos: 1 })) {
      if (new TextDecoder().decode(payload) === "online") await this.#announce();
    }
  }

  /** Says that it goes, and goes: a will is for those that cannot say so. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.publish(AVAILABLE_TOPIC, "offline", { qos: 1, retain: true });
    await this.#client.close();
    await this.ended;
  }
}

if (import.meta.main) {
  const [url = "mqtt://127.0.0.1"] = Deno.args;
  await using thermometer = await Thermometer.start(url);
  const ending = Promise.withResolvers<void>();
  Deno.addSignalListener("SIGINT", ending.resolve);
  const timer = setInterval(() => thermometer.tell(20 + 2 * Math.random()), 10_000);
  await ending.promise;
  clearInterval(timer);
}
