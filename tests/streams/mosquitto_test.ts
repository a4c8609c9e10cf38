/**
 * A stream as mosquitto's own clients see it, across a restart of `server.ts`.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { BrokerProcess } from "../harness/broker_process.ts";
import { publish, receive } from "../harness/external_clients.ts";
import { testWith } from "../harness/tools.ts";

const STREAM = ["--stream", "day=sensors/#"];

testWith(
  ["mosquitto_pub", "mosquitto_sub"],
  "who missed messages gets exactly those: by property in 5.0, by topic in 3.1.1, after a restart",
  async () => {
    const directory = await Deno.makeTempDir();
    try {
      {
        await using broker = await BrokerProcess.start("--data", directory, ...STREAM);
        await publish(broker.port, ["-t", "sensors/kitchen", "-q", "1", "-l"], "20\n21\n22\n");
        await publish(broker.port, ["-t", "other", "-q", "1", "-m", "no"]);
        await broker.stop();
      }
      await using broker = await BrokerProcess.start("--data", directory, ...STREAM);
      const filter = ["-t", "sensors/#", "-q", "1"];
      const property = (offset: string) => {
        return ["-D", "subscribe", "user-property", "stream-offset", offset];
      };
      const flags = ["-V", "mqttv5", ...filter, ...property("after=1")];
      const missed = await receive(broker.port, 2, ...flags);
      assertEquals(missed.map(({ topic, payload }) => `${topic} ${payload}`), [
        "sensors/kitchen 21",
        "sensors/kitchen 22",
      ]);
      const below = "$replay/day/since=1h/sensors/#";
      const all = await receive(broker.port, 3, "-V", "mqttv311", "-t", below);
      assertEquals(all.map(({ topic, payload, retain }) => `${topic} ${payload} ${retain}`), [
        "$replay/day/since=1h/sensors/kitchen 20 false",
        "$replay/day/since=1h/sensors/kitchen 21 false",
        "$replay/day/since=1h/sensors/kitchen 22 false",
      ]);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
);
