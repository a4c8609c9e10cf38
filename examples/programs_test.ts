import { assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { Broker } from "@fairway/mqtt";
import { type Client, connect } from "@fairway/mqtt/client";
import { MemoryStore } from "@fairway/mqtt/store";
import { Devices } from "./authenticator.ts";
import { bridge, DatabaseSink } from "./database_sink.ts";
import { hotelBroker } from "./embedding.ts";
import { answer, LastValues } from "./http_and_mqtt.ts";
import type { Sink } from "./sink.ts";

/** The URL of a broker that listens on a free port. */
async function listen(broker: Broker, user = ""): Promise<string> {
  const { port } = await broker.listen({ hostname: "127.0.0.1", port: 0 });
  return `mqtt://${user}127.0.0.1:${port}`;
}

/** The next messages of a filter, as `topic payload`. */
async function* messages(client: Client, filter: string): AsyncGenerator<string, void> {
  for await (const { topic, payload } of client.subscribe(filter)) {
    yield `${topic} ${new TextDecoder().decode(payload)}`;
  }
}

Deno.test("embedding.ts: a hot thermometer raises an alarm, also for those who come later", async () => {
  const lines: string[] = [];
  await using broker = hotelBroker((line) => lines.push(line));
  const url = await listen(broker);
  {
    await using client = await connect(url, { clientId: "thermometer" });
    const alarms = messages(client, "alarms/#");
    const first = alarms.next();
    await client.publish("thermometers/hall", "18", { qos: 1 });
    await client.publish("thermometers/kitchen", "31", { qos: 1 });
    const found = [await first, await alarms.next()].map(({ value }) => value);
    assertEquals(found, ["alarms/hall ", "alarms/kitchen 31 degrees"]);
    await alarms.return();
  }
  await using late = await connect(url, { clientId: "late" });
  assertEquals((await messages(late, "alarms/#").next()).value, "alarms/kitchen 31 degrees");
  assertEquals(lines.slice(0, 3), [
    '"thermometer" is here',
    '"thermometer" has gone',
    '"late" is here',
  ]);
});

Deno.test("authenticator.ts: a device needs its key, and keeps to its own topics", async () => {
  const devices = new Devices();
  await devices.add("pump-7", "blue-heron");
  await using broker = new Broker({ authenticator: devices, authorizer: devices });
  const url = await listen(broker, "pump-7:blue-heron@");
  for (const wrong of ["pump-7:grey-heron@", "pump-8:blue-heron@", ""]) {
    await assertRejects(
      () => connect(url.replace("pump-7:blue-heron@", wrong), { reconnect: false }),
      Error,
    );
  }
  await using pump = await connect(url, { reconnect: false });
  const own = pump.subscribe("devices/pump-7/#");
  await own.ready;
  await pump.publish("devices/pump-7/pressure", "4.1", { qos: 1 });
  const { value } = await own.next();
  assertEquals(value!.topic, "devices/pump-7/pressure");
  await assertRejects(() => pump.publish("devices/pump-8/pressure", "9", { qos: 1 }).completed);
  await assertRejects(() => pump.subscribe("devices/#").ready);
  devices.remove("pump-7");
  await broker.reauthorize();
  await assertRejects(() => pump.publish("devices/pump-7/pressure", "4.2", { qos: 1 }).completed);
});

Deno.test("http_and_mqtt.ts: what is posted is published, what is published can be fetched", async () => {
  await using broker = new Broker();
  const values = new LastValues();
  values.follow(broker);
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => answer(broker, values, request),
  );
  const http = `http://127.0.0.1:${server.addr.port}`;
  await using client = await connect(await listen(broker));
  const kitchen = client.subscribe("rooms/kitchen");
  await kitchen.ready;
  const posted = await fetch(`${http}/rooms/kitchen`, { method: "POST", body: "21.5" });
  assertEquals(posted.status, 204);
  const { value } = await kitchen.next();
  assertEquals(new TextDecoder().decode(value!.payload), "21.5");
  await client.publish("rooms/hall", "18", { qos: 1 });
  const hall = await fetch(`${http}/rooms/hall`);
  assertEquals([hall.status, await hall.text()], [200, "18"]);
  const none = await fetch(`${http}/rooms/cellar`);
  assertEquals([none.status, await none.text()], [404, "nothing yet\n"]);
  for (const path of ["rooms/%2B", "rooms/%", "rooms/%ff"]) {
    const wrong = await fetch(`${http}/${path}`, { method: "POST", body: "x" });
    assertEquals(wrong.status, 400, path);
    await wrong.body?.cancel();
  }
});

Deno.test("database_sink.ts: what a client publishes at QoS 1 is a row, and nothing else is", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using broker = await Broker.open(new MemoryStore());
    await using client = await connect(await listen(broker));
    const file = `${folder}/readings.db`;
    const ending = new AbortController();
    {
      using database = new DatabaseSink(file);
      const sink: Sink = {
        progress: () => database.progress(),
        take: async (batch) => {
          await database.take(batch);
          if (batch.at(-1)!.topic === "sensors/last") ending.abort();
        },
      };
      const bridging = bridge(broker, sink, ending.signal);
      // The stream is declared when there is one.
      await broker.declareStream({
        name: "readings",
        filters: ["sensors/#"],
        maxAgeMs: 24 * 3_600_000,
        maxBytes: 1 << 30,
      });
      for (const topic of ["sensors/kitchen", "lamps/kitchen", "sensors/last"]) {
        await client.publish(topic, "21.5", { qos: 1 });
      }
      await bridging;
    }
    using database = new DatabaseSync(file);
    const rows = database.prepare("SELECT topic, value FROM readings ORDER BY seq").all();
    assertEquals(rows.map(({ topic, value }) => `${topic} ${value}`), [
      "sensors/kitchen 21.5",
      "sensors/last 21.5",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
