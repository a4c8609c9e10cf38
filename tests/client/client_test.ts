/**
 * The client, with Fairway and with mosquitto: one suite for both.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { Broker } from "../../mod.ts";
import {
  type Client,
  type ClientSubscription,
  connect,
  type ConnectOptions,
  PublishError,
  TimeoutError,
} from "../../client/mod.ts";
import type { Transport } from "../../transport/mod.ts";
import { ReasonCode } from "../../codec/mod.ts";
import { BrokerProcess } from "../harness/broker_process.ts";
import { within } from "../harness/deadline.ts";
import { testWith } from "../harness/tools.ts";

const utf8 = new TextDecoder();

/** A TCP connection that a test can break. */
class Line {
  readonly #lines = new Set<Transport>();
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  readonly dial = async (): Promise<Transport> => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
    conn.setNoDelay(true);
    let isOpen = true;
    const line: Transport = {
      read: (target) => conn.read(target),
      write: (source) => conn.write(source),
      closeWrite: () => conn.closeWrite(),
      close: () => {
        this.#lines.delete(line);
        if (isOpen) conn.close();
        isOpen = false;
      },
    };
    this.#lines.add(line);
    return line;
  };

  /** Breaks all there are. */
  cut(): void {
    for (const line of this.#lines) line.close();
  }
}

/** What a test gets. */
interface Server {
  readonly port: number;
  /** Connects a client that the test's end closes. */
  connect(options?: ConnectOptions): Promise<Client>;
  /** Connects one whose connection `cut` breaks. */
  connectLine(options?: ConnectOptions): Promise<{ client: Client; line: Line }>;
}

async function withClients(
  port: number,
  version: 4 | 5,
  fn: (server: Server) => Promise<void>,
): Promise<void> {
  const clients: Client[] = [];
  const base: ConnectOptions = {
    protocolVersion: version,
    reconnect: { delayMsMin: 10, delayMsMax: 20 },
  };
  const server: Server = {
    port,
    async connect(options = {}) {
      const client = await connect(`mqtt://127.0.0.1:${port}`, { ...base, ...options });
      clients.push(client);
      return client;
    },
    async connectLine(options = {}) {
      const line = new Line(port);
      const client = await server.connect({ ...options, dial: line.dial });
      return { client, line };
    },
  };
  try {
    await within("the test itself", fn(server), 20_000);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

/** Registers a test for both servers, and for each version. */
function clientTest(
  name: string,
  versions: readonly (4 | 5)[],
  fn: (server: Server, version: 4 | 5) => Promise<void>,
): void {
  for (const version of versions) {
    const what = `client ${name} over version ${version}`;
    fairwayTest(what, version, fn);
    testWith(["mosquitto"], `${what}, with mosquitto`, async () => {
      await using broker = await BrokerProcess.startMosquitto(20);
      await withClients(broker.port, version, (server) => fn(server, version));
    });
  }
}

function fairwayTest(
  what: string,
  version: 4 | 5,
  fn: (server: Server, version: 4 | 5) => Promise<void>,
): void {
  Deno.test(`${what}, with Fairway`, async () => {
    await using broker = new Broker();
    const { port } = await broker.listen({ port: 0 });
    await withClients(port, version, (server) => fn(server, version));
  });
}

/** Takes so many messages, as texts. */
async function take(subscription: ClientSubscription, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const { value } = await within(
      () => `${count} messages, got ${texts.length}`,
      subscription.next(),
    );
    if (value === undefined) break;
    texts.push(utf8.decode(value.payload));
  }
  return texts;
}

async function subscribed(
  client: Client,
  ...args: Parameters<Client["subscribe"]>
): Promise<ClientSubscription> {
  const subscription = client.subscribe(...args);
  await subscription.ready;
  return subscription;
}

/** Waits until the client is connected again. */
async function reconnected(client: Client, act: () => void): Promise<boolean> {
  const states = client.states();
  await states.next();
  act();
  for await (const state of states) if (state.kind === "connected") return state.sessionPresent;
  throw new Error("The client was closed");
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index}`);
}

for (const qos of [0, 1, 2] as const) {
  clientTest(`publishes and receives at QoS ${qos}`, [4, 5], async (server) => {
    const client = await server.connect();
    const subscription = await subscribed(client, "sea/+", { qos });
    for (const text of ["calm", "breeze", "gale"]) {
      const receipt = client.publish("sea/wind", text, { qos });
      await receipt.left;
      assertEquals((await receipt.acknowledged).reasonCode, 0);
      assertEquals((await receipt).reasonCode, 0);
    }
    const { value } = await subscription.next();
    assertEquals([value!.topic, value!.qos, value!.retain], ["sea/wind", qos, false]);
    assertEquals(await take(subscription, 2), ["breeze", "gale"]);
  });

  clientTest(`gets a burst through at QoS ${qos}, in order`, [4, 5], async (server) => {
    const publisher = await server.connect();
    const client = await server.connect();
    const subscription = await subscribed(client, "burst", { qos });
    for (const text of numbers(3000)) void publisher.publish("burst", text, { qos });
    assertEquals(await take(subscription, 3000), numbers(3000));
  });
}

clientTest("waits for a program that takes slowly", [4, 5], async (server) => {
  const publisher = await server.connect();
  const limits = { subscriptionMessagesMax: 10, receiveMaximum: 5 };
  const client = await server.connect({ limits });
  const slow = await subscribed(client, "slow", { qos: 1 });
  for (const text of numbers(500)) void publisher.publish("slow", text, { qos: 1 });
  for (const text of numbers(500)) {
    assertEquals(await take(slow, 1), [text]);
    // The answer comes through though the subscription is full.
    if (Number(text) % 100 === 0) await client.publish("other", "x", { qos: 2 });
  }
  assertEquals(slow.dropped, 0);
});

clientTest("unsubscribes when a loop is left", [5], async (server) => {
  const client = await server.connect();
  await subscribed(client, "left/+", { qos: 1 });
  for (const filter of ["left/here", "left/here"]) {
    const subscription = await subscribed(client, filter, { qos: 1 });
    await client.publish("left/here", "bye", { qos: 1 });
    for await (const { payload } of subscription) {
      assertEquals(utf8.decode(payload), "bye");
      break;
    }
    assertEquals(await subscription.next(), { done: true, value: undefined });
  }
  const other = await server.connect();
  const again = await subscribed(other, "alone");
  await again.return();
  const { reasonCode } = await client.publish("alone", "", { qos: 1 });
  assertEquals(reasonCode, ReasonCode.NoMatchingSubscribers);
});

clientTest("gives each of two that overlap its own copy", [5], async (server) => {
  const client = await server.connect();
  const wide = await subscribed(client, "house/#", { qos: 1 });
  const narrow = await subscribed(client, "house/+/lamp", { qos: 1 });
  const twin = await subscribed(client, "house/+/lamp", { qos: 1 });
  await client.publish("house/1/lamp", "on", { qos: 1 });
  await client.publish("house/door", "shut", { qos: 1 });
  assertEquals(await take(wide, 2), ["on", "shut"]);
  assertEquals(await take(narrow, 1), ["on"]);
  assertEquals(await take(twin, 1), ["on"]);
  await twin.return();
  await client.publish("house/2/lamp", "off", { qos: 1 });
  assertEquals(await take(narrow, 1), ["off"]);
});

clientTest("gets what is retained, once for each subscription", [4, 5], async (server) => {
  const client = await server.connect();
  await client.publish("kept", "still here", { qos: 1, retain: true });
  const subscription = client.subscribe(["kept", "not/kept"], { qos: 1 });
  assertEquals(await subscription.ready, [1, 1]);
  const { value } = await subscription.next();
  assertEquals([utf8.decode(value!.payload), value!.retain], ["still here", true]);
});

clientTest("carries properties and large payloads", [5], async (server) => {
  const client = await server.connect();
  const subscription = await subscribed(client, "full", { qos: 2 });
  const payload = crypto.getRandomValues(new Uint8Array(60_000));
  const whole = new Uint8Array(600_000).map((_, index) => payload[index % 60_000]!);
  const correlationData = Uint8Array.of(1, 2, 3);
  const properties = {
    contentType: "x/y",
    responseTopic: "back",
    correlationData,
    userProperties: [["a", "1"], ["a", "2"]] as [string, string][],
  };
  await client.publish("full", whole, { qos: 2, properties });
  const { value } = await subscription.next();
  assertEquals(value!.payload, whole);
  const { subscriptionIdentifiers: _, ...rest } = value!.properties;
  assertEquals(rest.contentType, "x/y");
  assertEquals(rest.responseTopic, "back");
  assertEquals([...rest.correlationData!], [1, 2, 3]);
  assertEquals(rest.userProperties, properties.userProperties);
});

clientTest("names a topic once, and uses the alias from then on", [5], async (server) => {
  const client = await server.connect({ limits: { topicAliasMax: 2 } });
  const subscription = await subscribed(client, "a/long/topic/#", { qos: 1 });
  for (let round = 0; round < 3; round++) {
    for (const level of ["1", "2", "3", "3"]) {
      await client.publish(`a/long/topic/${level}`, level, { qos: 1 });
    }
  }
  for (let round = 0; round < 3; round++) {
    for (const level of ["1", "2", "3", "3"]) {
      const { value } = await subscription.next();
      assertEquals([value!.topic, utf8.decode(value!.payload)], [`a/long/topic/${level}`, level]);
    }
  }
});

clientTest("leaves its will when it is aborted, not when it is closed", [4, 5], async (server) => {
  const watcher = await server.connect();
  const wills = await subscribed(watcher, "wills/+", { qos: 1 });
  const will = (topic: string) => ({ will: { topic, payload: "gone", qos: 1 as const } });
  const polite = await server.connect(will("wills/polite"));
  await polite.close();
  const controller = new AbortController();
  await server.connect({ ...will("wills/aborted"), signal: controller.signal });
  controller.abort();
  const asked = await server.connect(will("wills/asked"));
  await asked.close({ withWill: true });
  const topics = [await wills.next(), await wills.next()].map(({ value }) => value!.topic);
  assertEquals(topics.sort(), ["wills/aborted", "wills/asked"]);
});

clientTest("goes on with its session after a connection is lost", [5], async (server) => {
  const { client, line } = await server.connectLine();
  const publisher = await server.connect();
  const subscription = await subscribed(client, "on/and/on", { qos: 2 });
  const receipts = [];
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 20; i++) {
      receipts.push(client.publish("on/and/on", `${round}.${i}`, { qos: 2 }));
    }
    if (round === 4) break;
    assertEquals(await reconnected(client, () => line.cut()), true);
  }
  await Promise.all(receipts);
  await publisher.publish("on/and/on", "last", { qos: 2 });
  const expected = [0, 1, 2, 3, 4].flatMap((round) => numbers(20).map((i) => `${round}.${i}`));
  const received = await take(subscription, 101);
  // Exactly once each; what was under way when the line was cut may come in another order.
  assertEquals(received.sort(), [...expected, "last"].sort());
});

clientTest("subscribes again when the session is lost", [4, 5], async (server) => {
  const { client, line } = await server.connectLine({ reconnect: { delayMsMin: 1 } });
  const { client: brief, line: briefLine } = await server.connectLine({ sessionExpirySeconds: 0 });
  const subscription = await subscribed(brief, "again/#", { qos: 1 });
  assertEquals(await reconnected(brief, () => briefLine.cut()), false);
  await reconnected(client, () => line.cut());
  await (await subscribed(brief, "marker")).return();
  await client.publish("again/1", "heard", { qos: 1 });
  assertEquals(await take(subscription, 1), ["heard"]);
});

clientTest("keeps messages that are published without a connection", [4, 5], async (server) => {
  const { client, line } = await server.connectLine();
  const other = await server.connect();
  const subscription = await subscribed(other, "queued/+", { qos: 2 });
  const states = client.states();
  line.cut();
  for await (const { kind } of states) if (kind === "waiting") break;
  const receipts = ([0, 1, 2] as const).map((qos) => {
    return client.publish(`queued/${qos}`, `${qos}`, { qos });
  });
  assertEquals(client.waiting, 3);
  assertEquals(await take(subscription, 3), ["0", "1", "2"]);
  await Promise.all(receipts);
});

clientTest("gets the messages of a session of an earlier program", [4, 5], async (server, v) => {
  const session: ConnectOptions = { clientId: `keeper${v}`, sessionExpirySeconds: 60 };
  const first = await server.connect({ ...session, cleanStart: v === 5 });
  await subscribed(first, "kept/for/me", { qos: 1 });
  await first.close();
  const publisher = await server.connect();
  await publisher.publish("kept/for/me", "one", { qos: 1 });
  await publisher.publish("kept/for/me", "two", { qos: 1 });
  const second = await server.connect({ ...session, cleanStart: false });
  assertEquals(second.server.sessionPresent, true);
  const subscription = second.subscribe("kept/for/me", { qos: 1 });
  assertEquals(await take(subscription, 2), ["one", "two"]);
});

clientTest("asks and is answered", [5], async (server) => {
  const server_ = await server.connect();
  const questions = await subscribed(server_, "$share/helpers/add", { qos: 1 });
  const answering = (async () => {
    for await (const { payload, properties } of questions) {
      const [a, b] = utf8.decode(payload).split("+").map(Number);
      const { responseTopic, correlationData } = properties;
      server_.publish(responseTopic!, `${a! + b!}`, {
        qos: 1,
        properties: { correlationData: correlationData! },
      });
    }
  })();
  const client = await server.connect();
  const answers = await Promise.all(
    [1, 2, 3].map(async (n) => utf8.decode((await client.request("add", `${n}+1`)).payload)),
  );
  assertEquals(answers, ["2", "3", "4"]);
  const error = await assertRejects(() => client.request("nobody", ""));
  assertInstanceOf(error, TimeoutError);
  assertEquals(error.reasonCode, ReasonCode.NoMatchingSubscribers);
  await server_.close();
  await answering;
});

clientTest("refuses what the server would not take", [5], async (server) => {
  const client = await server.connect();
  assert(client.server.maximumQoS === 2);
  const subscription = client.subscribe("x");
  await subscription.ready;
  const error = await assertRejects(async () => {
    const { maximumPacketSize } = client.server;
    const size = Math.min(maximumPacketSize, 268_435_455);
    await client.publish("large", new Uint8Array(size + 1), { qos: 1 });
  });
  assert(error instanceof PublishError || error instanceof RangeError);
  assertEquals((await client.publish("x", "small", { qos: 1 })).reasonCode, 0);
  assertEquals(await take(subscription, 1), ["small"]);
});

// A mosquitto 2.0 says nothing to a client that it drops for another.
fairwayTest("client is taken over by another of its name, and stays away", 5, async (server) => {
  const first = await server.connect({ clientId: "twin" });
  const states = first.states();
  await server.connect({ clientId: "twin" });
  let last;
  for await (const state of states) last = state;
  assert(last?.kind === "closed");
  assertEquals((last.error as PublishError).reasonCode, ReasonCode.SessionTakenOver);
});
