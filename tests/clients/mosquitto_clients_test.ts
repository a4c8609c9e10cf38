/**
 * Fairway as mosquitto's own clients see it.
 *
 * @module
 */
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { withBroker } from "../harness/broker_process.ts";
import {
  publish,
  receive,
  type Received,
  subscribe,
  Subscriber,
} from "../harness/external_clients.ts";
import { testWith } from "../harness/tools.ts";

const VERSIONS = ["mqttv31", "mqttv311", "mqttv5"] as const;

/** A test of both clients with a broker of its own. */
function clientsTest(name: string, fn: (port: number) => Promise<void>): void {
  testWith(["mosquitto_pub", "mosquitto_sub"], name, () => withBroker(({ port }) => fn(port)));
}

/** For messages of several topics, whose order MQTT leaves open. */
function sorted(messages: Received[]): string[] {
  return payloads(messages).sort();
}

function payloads(messages: Received[]): string[] {
  return messages.map(({ payload }) => payload);
}

for (const version of VERSIONS) {
  for (const qos of [0, 1, 2]) {
    clientsTest(`mosquitto clients exchange QoS ${qos} messages over ${version}`, async (port) => {
      const flags = ["-V", version, "-q", `${qos}`, "-t", "sea/wind"];
      await using subscriber = await Subscriber.ready(port, "-C", "3", ...flags);
      await publish(port, [...flags, "-l"], "calm\nbreeze\ngale\n");
      assertEquals(await subscriber.outcome(), [
        { topic: "sea/wind", payload: "calm", qos, retain: false },
        { topic: "sea/wind", payload: "breeze", qos, retain: false },
        { topic: "sea/wind", payload: "gale", qos, retain: false },
      ]);
    });
  }

  clientsTest(`a mosquitto session over ${version} receives what came meanwhile`, async (port) => {
    const session = ["-V", version, "-c", "-i", "keeper", "-t", "away/#", "-q", "2"];
    await subscribe(port, ...session);
    await publish(port, ["-V", version, "-t", "away/1", "-m", "once", "-q", "1"]);
    await publish(port, ["-V", version, "-t", "away/2", "-m", "twice", "-q", "2"]);
    const received = await receive(port, 2, ...session);
    const came = received.map(({ payload, qos }) => `${payload} at QoS ${qos}`).sort();
    assertEquals(came, ["once at QoS 1", "twice at QoS 2"]);
    await publish(port, ["-V", version, "-t", "away/3", "-m", "thrice", "-q", "1"]);
    assertEquals(payloads(await receive(port, 1, ...session)), ["thrice"]);
  });

  clientsTest(
    `the will of a mosquitto client killed over ${version} is published`,
    async (port) => {
      const watch = ["-V", version, "-t", "wills/+", "-q", "2"];
      await using watcher = await Subscriber.ready(port, "-C", "1", ...watch);
      const will = ["--will-topic", "wills/a", "--will-payload", "gone", "--will-qos", "1"];
      const mortal = ["-V", version, "-i", "mortal", "-t", "any", ...will, "--will-retain"];
      await using subscriber = await Subscriber.ready(port, ...mortal);
      await subscriber.kill();
      const gone = { topic: "wills/a", payload: "gone", qos: 1 };
      assertEquals(await watcher.outcome(), [{ ...gone, retain: false }]);
      assertEquals(await receive(port, 1, ...watch), [{ ...gone, retain: true }]);
    },
  );
}

clientsTest("a message arrives with the lower of both QoS", async (port) => {
  const granted = await Promise.all(
    ["0", "1", "2"].map((qos) => Subscriber.ready(port, "-t", "level", "-q", qos)),
  );
  await using _cleanup = disposeAll(granted);
  for (const qos of ["0", "1", "2"]) await publish(port, ["-t", "level", "-m", qos, "-q", qos]);
  await Subscriber.together(granted, 9);
  const arrived = granted.map(({ messages }) => messages.map(({ qos }) => qos).sort());
  assertEquals(arrived, [[0, 0, 0], [0, 1, 1], [0, 1, 2]]);
});

clientsTest("a client that says farewell leaves no will", async (port) => {
  await using watcher = await Subscriber.ready(port, "-C", "1", "-t", "wills/#", "-t", "fence");
  const will = ["--will-topic", "wills/b", "--will-payload", "gone"];
  await publish(port, ["-t", "any", "-m", "x", ...will]);
  await publish(port, ["-t", "fence", "-m", "no will came"]);
  assertEquals(payloads(await watcher.outcome()), ["no will came"]);
});

clientsTest("a retained message greets later subscribers, the latest one only", async (port) => {
  await publish(port, ["-t", "state", "-m", "old", "-r", "-q", "1"]);
  await publish(port, ["-t", "state", "-m", "new", "-r", "-q", "1"]);
  await using subscriber = await Subscriber.ready(port, "-C", "2", "-t", "state", "-q", "1");
  await publish(port, ["-t", "state", "-m", "newest", "-r", "-q", "1"]);
  assertEquals(await subscriber.outcome(), [
    { topic: "state", payload: "new", qos: 1, retain: true },
    { topic: "state", payload: "newest", qos: 1, retain: false },
  ]);
});

clientsTest("an empty retained message clears the topic", async (port) => {
  for (const topic of ["state/kept", "state/cleared"]) {
    await publish(port, ["-t", topic, "-m", "here", "-r", "-q", "1"]);
  }
  await publish(port, ["-t", "state/cleared", "-n", "-r", "-q", "1"]);
  await using subscriber = await Subscriber.ready(port, "-C", "2", "-t", "state/#", "-t", "fence");
  await publish(port, ["-t", "fence", "-m", "end"]);
  assertEquals((await subscriber.outcome()).map(({ topic }) => topic), ["state/kept", "fence"]);
});

clientsTest("wildcards match whole levels, and $-topics only when named", async (port) => {
  const filters = ["+/b/c", "a/+/c", "a/b/#", "#", "$own/#"];
  const subscribers = await Promise.all(
    filters.map((filter) => Subscriber.ready(port, "-t", filter, "-t", "$fence/end")),
  );
  await using _cleanup = disposeAll(subscribers);
  const topics = ["a/b/c", "a/b", "a//c", "/b/c", "$own/b/c", "abc"];
  for (const topic of topics) await publish(port, ["-t", topic, "-m", topic]);
  await publish(port, ["-t", "$fence/end", "-m", "end"]);
  await Subscriber.together(subscribers, 2 + 2 + 2 + 5 + 1 + filters.length);
  assertEquals(subscribers.map(({ messages }) => sorted(messages)), [
    ["/b/c", "a/b/c", "end"],
    ["a//c", "a/b/c", "end"],
    ["a/b", "a/b/c", "end"],
    ["/b/c", "a//c", "a/b", "a/b/c", "abc", "end"],
    ["$own/b/c", "end"],
  ]);
});

clientsTest("a burst of 1,000 QoS 2 messages arrives once each, in order", async (port) => {
  const lines = Array.from({ length: 1_000 }, (_, number) => `${number}`);
  await using subscriber = await Subscriber.ready(port, "-C", "1000", "-t", "burst", "-q", "2");
  await publish(port, ["-t", "burst", "-q", "2", "-l"], lines.join("\n"));
  assertEquals(payloads(await subscriber.outcome()), lines);
});

clientsTest("a payload of 1 MB arrives whole at every QoS", async (port) => {
  const payload = Array.from({ length: 100_000 }, (_, line) => `${line} `.padEnd(10, ".")).join("");
  for (const qos of ["0", "1", "2"]) {
    await using subscriber = await Subscriber.ready(port, "-C", "1", "-t", "large", "-q", qos);
    await publish(port, ["-t", "large", "-s", "-q", qos], payload);
    const [message] = await subscriber.outcome();
    // Not assertEquals(): its report would be as large.
    assert(message?.payload === payload, `${message?.payload.length} bytes came at QoS ${qos}`);
  }
});

clientsTest("properties of an MQTT 5 message reach an MQTT 5 subscriber", async (port) => {
  const properties = [
    ["user-property", "ship", "Fairway"],
    ["user-property", "port", "Deno"],
    ["content-type", "text/plain"],
    ["payload-format-indicator", "1"],
    ["response-topic", "answers/here"],
    ["correlation-data", "42"],
  ].flatMap((property) => ["-D", "publish", ...property]);
  const id = ["-D", "subscribe", "subscription-identifier", "7"];
  await using modern = await Subscriber.ready(port, "-V", "5", "-C", "1", "-t", "told", ...id);
  await using old = await Subscriber.ready(port, "-V", "311", "-C", "1", "-t", "told");
  await publish(port, ["-V", "5", "-t", "told", "-m", "hello", ...properties]);
  assertEquals((await modern.outcome())[0]?.properties, {
    "user-properties": { ship: "Fairway", port: "Deno" },
    "content-type": "text/plain",
    "payload-format-indicator": 1,
    "response-topic": "answers/here",
    "correlation-data": "42",
    "subscription-identifier": 7,
  });
  assertEquals(await old.outcome(), [{ topic: "told", payload: "hello", qos: 0, retain: false }]);
});

clientsTest("a message that expires while its session is away is not delivered", async (port) => {
  const session = ["-V", "5", "-c", "-i", "keeper", "-t", "news", "-q", "1"];
  await subscribe(port, ...session);
  for (const seconds of ["1", "1000"]) {
    const expiry = ["-D", "publish", "message-expiry-interval", seconds];
    await publish(port, ["-V", "5", "-t", "news", "-m", seconds, "-q", "1", ...expiry]);
  }
  await passSeconds(port, 2);
  const [message, ...others] = await receive(port, 1, ...session);
  assertEquals([message?.payload, others], ["1000", []]);
  assertLessOrEqual(Number(message?.properties?.["message-expiry-interval"]), 999);
});

clientsTest("each message of a shared subscription goes to one of its members", async (port) => {
  const member = ["-V", "5", "-q", "1", "-t", "$share/crew/work"];
  await using first = await Subscriber.ready(port, ...member);
  await using second = await Subscriber.ready(port, ...member);
  await using loner = await Subscriber.ready(port, "-V", "5", "-C", "20", "-t", "work");
  const jobs = Array.from({ length: 20 }, (_, job) => `job ${job}`);
  await publish(port, ["-V", "5", "-t", "work", "-q", "1", "-l"], jobs.join("\n"));
  const done = await Subscriber.together([first, second], 20);
  assertEquals(sorted(done), jobs.toSorted());
  // Of several workers, the members on the worker of the publisher come first.
  const isOne = Deno.env.get("FAIRWAY_TEST_WORKERS") === undefined;
  const isShared = first.messages.length > 0 && second.messages.length > 0;
  assert(isShared || !isOne, "one member did all the work");
  assertEquals(payloads(await loner.outcome()), jobs);
});

clientsTest("an MQTT 5 subscriber may see messages as retained as they were sent", async (port) => {
  const flags = ["-V", "5", "-C", "1", "-t", "state", "--retain-as-published"];
  await using subscriber = await Subscriber.ready(port, ...flags);
  await publish(port, ["-V", "5", "-t", "state", "-m", "on", "-r"]);
  assertEquals((await subscriber.outcome())[0]?.retain, true);
});

/** Waits for the broker's own clock: a will that it delays by `seconds`. */
async function passSeconds(port: number, seconds: number): Promise<void> {
  await using watcher = await Subscriber.ready(port, "-C", "1", "-t", "hourglass");
  const will = ["--will-topic", "hourglass", "--will-payload", "empty"];
  const delay = ["-x", "60", "-D", "will", "will-delay-interval", `${seconds}`];
  await using subscriber = await Subscriber.ready(port, "-V", "5", "-t", "any", ...will, ...delay);
  await subscriber.kill();
  await watcher.outcome();
}

function disposeAll(all: AsyncDisposable[]): AsyncDisposable {
  const stack = new AsyncDisposableStack();
  for (const one of all) stack.use(one);
  return stack;
}
