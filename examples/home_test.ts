/**
 * The settings for Home Assistant and Zigbee2MQTT: the files are valid, start the broker, and what
 * the two programs do with a broker is replayed by clients.
 */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { parse } from "npm:yaml@2.9.1";
import { type Client, connect } from "@fairway/mqtt/client";
import { Child } from "../tests/harness/child.ts";
import { JsClient } from "../tests/harness/mqttjs_client.ts";
import { CONFIG_PERMISSIONS, startServer } from "../tests/harness/broker_process.ts";
import { Thermometer } from "./home_assistant/device.ts";

const HERE = new URL("./", import.meta.url).pathname;
const DEADLINE_MS = 60_000;
const PASSWORD = "sesame";

/** A broker that runs with one of the configurations, in a folder of its own. */
class Site implements AsyncDisposable {
  readonly #folder: string;
  #server: Child | null = null;
  port = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(name: string, users: readonly string[]): Promise<Site> {
    const site = new Site(await Deno.makeTempDir());
    for await (const { name: file } of Deno.readDir(`${HERE}${name}`)) {
      await Deno.copyFile(`${HERE}${name}/${file}`, `${site.#folder}/${file}`);
    }
    const path = `${site.#folder}/fairway.conf`;
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(
      path,
      text.replaceAll(`examples/${name}`, site.#folder)
        .replace("data_dir fairway-data", `data_dir ${site.#folder}/data`)
        .replace(/^listener 1883.*$/m, "listener 0 127.0.0.1"),
    );
    for (const [i, user] of users.entries()) {
      const flags = ["-b", ...i === 0 ? ["-c"] : [], `${site.#folder}/passwd`, user, PASSWORD];
      const passwd = new URL("../cli/passwd.ts", import.meta.url).pathname;
      await using child = new Child(Deno.execPath(), ["run", "-A", "--no-check", passwd, ...flags]);
      const { code, stderr } = await child.outcome(DEADLINE_MS);
      assertEquals(code, 0, stderr);
    }
    await site.start();
    return site;
  }

  async start(): Promise<void> {
    this.#server = startServer(["-c", `${this.#folder}/fairway.conf`], CONFIG_PERMISSIONS);
    const [, port] = await this.#server.waitFor(
      /mqtt:\/\/127\.0\.0\.1:(\d+) for users of the password file/,
      "stderr",
      DEADLINE_MS,
    );
    this.port = Number(port);
  }

  /** Ends the broker at once, as a power failure does. */
  async crash(): Promise<void> {
    await this.#server!.kill();
  }

  url(user: string): string {
    return `mqtt://${user}:${PASSWORD}@127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Connects as Home Assistant does: MQTT 3.1.1, with a will, and then a birth message. */
async function homeAssistant(site: Site): Promise<Client> {
  const will = {
    topic: "homeassistant/status",
    payload: "offline",
    qos: 0,
    retain: false,
  } as const;
  return await connect(site.url("homeassistant"), { protocolVersion: 4, will });
}

async function next(
  subscription: AsyncIterator<{ topic: string; payload: Uint8Array }, unknown>,
): Promise<string> {
  const { value } = await subscription.next();
  const { topic, payload } = value as { topic: string; payload: Uint8Array };
  return `${topic} ${new TextDecoder().decode(payload)}`;
}

Deno.test("the YAML of the examples is YAML, and names what the broker offers", async () => {
  const home = parse(await Deno.readTextFile(`${HERE}home_assistant/configuration.yaml`));
  assertEquals(home.mqtt.sensor[0].state_topic, "home/cellar/temperature");
  const zigbee = parse(await Deno.readTextFile(`${HERE}zigbee2mqtt/configuration.yaml`));
  assertEquals(zigbee.mqtt.server, "mqtt://127.0.0.1:1883");
  assertEquals([zigbee.mqtt.user, zigbee.mqtt.version], ["zigbee2mqtt", 5]);
});

Deno.test("Home Assistant finds a device, hears that it is gone, and finds it after a crash of the broker", async () => {
  await using site = await Site.make("home_assistant", ["homeassistant", "thermometer"]);
  const config = /^homeassistant\/sensor\/thermometer\/temperature\/config \{.*"state_topic"/;
  {
    await using home = await homeAssistant(site);
    const found = home.subscribe("homeassistant/+/+/+/config");
    const states = home.subscribe("home/thermometer/#");
    await Promise.all([found.ready, states.ready]);
    {
      await using device = await Thermometer.start(site.url("thermometer"));
      assertMatch(await next(found), config);
      assertEquals(await next(states), "home/thermometer/available online");
      await device.tell(21.53);
      assertEquals(await next(states), "home/thermometer/temperature 21.5");
      // Home Assistant has started: the device announces itself again.
      await home.publish("homeassistant/status", "online");
      assertMatch(await next(found), config);
      assertEquals(await next(states), "home/thermometer/available online");
    }
    assertEquals(await next(states), "home/thermometer/available offline");
  }
  await site.crash();
  await site.start();
  await using home = await homeAssistant(site);
  assertMatch(await next(home.subscribe("homeassistant/+/+/+/config")), config);
  assertEquals(
    await next(home.subscribe("home/thermometer/temperature")),
    "home/thermometer/temperature 21.5",
  );
});

Deno.test("a device that loses its power is offline by its will, and may not speak for others", async () => {
  await using site = await Site.make("home_assistant", ["homeassistant", "thermometer"]);
  await using home = await homeAssistant(site);
  const states = home.subscribe("home/thermometer/available");
  await states.ready;
  const power = new AbortController();
  const will = { topic: "home/thermometer/available", payload: "offline", retain: true } as const;
  const device = await connect(site.url("thermometer"), { will, signal: power.signal });
  await assertRejects(() => device.publish("home/cellar/temperature", "9", { qos: 1 }).completed);
  const all = device.subscribe("#");
  await all.ready;
  await home.publish("home/cellar/temperature", "9", { qos: 1 });
  await home.publish("home/thermometer/period", "60", { qos: 1 });
  assertEquals(await next(all), "home/thermometer/period 60");
  power.abort();
  assertEquals(await next(states), "home/thermometer/available offline");
  await assertRejects(() =>
    connect(site.url("thermometer").replace(PASSWORD, "wrong"), {
      reconnect: false,
    })
  );
});

Deno.test("Zigbee2MQTT: its library, state with a will, devices retained, retention by expiry", async () => {
  await using site = await Site.make("zigbee2mqtt", ["zigbee2mqtt"]);
  const state = "zigbee2mqtt/bridge/state";
  const zigbee = await JsClient.connect(site.port, {
    protocolVersion: 5,
    username: "zigbee2mqtt",
    password: PASSWORD,
    will: { topic: state, payload: bytes('{"state":"offline"}'), qos: 1, retain: true },
  });
  await zigbee.mqtt.publishAsync(state, '{"state":"online"}', { qos: 0, retain: true });
  // The list of a net of 300 devices.
  const devices = JSON.stringify(Array(300).fill({ definition: "x".repeat(10_000) }));
  await zigbee.mqtt.publishAsync("zigbee2mqtt/bridge/devices", devices, { qos: 1, retain: true });
  await zigbee.mqtt.publishAsync("zigbee2mqtt/lamp", '{"state":"ON"}', {
    qos: 1,
    retain: true,
    properties: { messageExpiryInterval: 600 },
  });
  await using late = await connect(site.url("zigbee2mqtt"));
  const states = late.subscribe(state);
  assertEquals(await next(states), `${state} {"state":"online"}`);
  assertEquals((await next(late.subscribe("zigbee2mqtt/bridge/devices"))).length > 3e6, true);
  const lamp = await late.subscribe("zigbee2mqtt/lamp").next();
  assertEquals(lamp.value!.properties.messageExpiryInterval! <= 600, true);
  await zigbee.drop();
  assertEquals(await next(states), `${state} {"state":"offline"}`);
});

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
