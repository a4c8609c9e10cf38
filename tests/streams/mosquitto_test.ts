/**
 * A stream as mosquitto's own clients see it, across a restart of `server.ts`.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Broker, connect } from "../../mod.ts";
import { BrokerProcess } from "../harness/broker_process.ts";
import { Child } from "../harness/child.ts";
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

testWith(
  ["mosquitto_pub", "mosquitto_sub"],
  "who has missed an hour of messages gets exactly those, in 5.0 and in 3.1.1",
  async () => {
    let nowMs = Date.UTC(2026, 10, 28, 12);
    await using broker = new Broker({ wallClock: () => nowMs });
    const { port } = await broker.listen({ port: 0 });
    const limits = { maxAgeMs: 7 * 24 * 3_600_000 };
    await broker.declareStream({ name: "day", filters: ["sensors/#"], ...limits });
    // One message in ten minutes, from noon to three o'clock.
    for (let minute = 0; minute <= 180; minute += 10) {
      await publish(port, ["-t", "sensors/kitchen", "-q", "1", "-m", `minute ${minute}`]);
      nowMs += 600_000;
    }
    // It is ten past three, and somebody has missed what came since ten past two.
    const missed = [130, 140, 150, 160, 170, 180].map((minute) => `minute ${minute}`);
    const property = ["-D", "subscribe", "user-property", "stream-offset", "since=1h"];
    const wanted = [
      ["-V", "mqttv5", "-t", "sensors/#", "-q", "1", ...property],
      ["-V", "mqttv311", "-t", "$replay/day/since=1h/sensors/#", "-q", "1"],
    ];
    for (const flags of wanted) {
      const got = await receive(port, missed.length, ...flags);
      assertEquals(got.map(({ payload }) => payload), missed);
    }
  },
);

testWith(
  ["mosquitto_pub", "mosquitto_sub"],
  "what docs/streams.md says first works, line by line",
  async () => {
    const page = await Deno.readTextFile(new URL("../../docs/streams.md", import.meta.url));
    const [, flags, lines] = /task start (--stream \S+) & .*\n([^`]*)```/.exec(page)!;
    await using broker = await BrokerProcess.start(...flags!.replaceAll("'", "").split(" "));
    for (const line of lines!.trim().split("\n")) {
      // They read for ever; the test is content with one message.
      const command = line.replace(/^mosquitto_pub/, `$& -p ${broker.port}`)
        .replace(/^mosquitto_sub/, `$& -p ${broker.port} -C 1 -W 20`);
      await using child = new Child("bash", ["-c", command]);
      const { code, stdout, stderr } = await child.outcome(30_000);
      const text = line.startsWith("mosquitto_pub")
        ? ""
        : line.includes(" -v ")
        ? "$replay/day/since=1h/sensors/kitchen 21.5\n"
        : "21.5\n";
      assertEquals([code, stdout, stderr], [0, text, ""], line);
    }
  },
);

testWith(
  ["mosquitto_pub", "mosquitto_sub"],
  "a group goes on where it was after the server was killed, by topic in 3.1.1 and by property in 5.0",
  async () => {
    const directory = await Deno.makeTempDir();
    const group = "$share/workers/$replay/day/earliest/sensors/#";
    try {
      {
        await using broker = await BrokerProcess.start("--data", directory, ...STREAM);
        await publish(broker.port, ["-t", "sensors/kitchen", "-q", "1", "-l"], "20\n21\n22\n");
        // mosquitto_sub may close its socket before its acknowledgements have left.
        const member = await connect(`mqtt://127.0.0.1:${broker.port}`, { protocolVersion: 4 });
        const first: string[] = [];
        for await (const { payload } of await member.subscribe(group, { qos: 1 })) {
          if (first.push(new TextDecoder().decode(payload)) === 3) break;
        }
        await member.close();
        assertEquals(first, ["20", "21", "22"]);
        // When this one is acknowledged, the disk holds the progress as well.
        await publish(broker.port, ["-t", "sensors/hall", "-q", "1", "-m", "23"]);
        await broker.kill();
      }
      await using broker = await BrokerProcess.start("--data", directory, ...STREAM);
      const filter = ["-t", "$share/workers/sensors/#", "-q", "1"];
      const position = ["-D", "subscribe", "user-property", "stream-offset", "earliest"];
      const [next] = await receive(broker.port, 1, "-V", "mqttv5", ...filter, ...position);
      assertEquals([next!.topic, next!.payload], ["sensors/hall", "23"]);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
);
