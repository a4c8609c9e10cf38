/** What clients may do, wherever a message or a subscription takes its way. */
import { assertEquals } from "@std/assert";
import type { Authorizer, ClientInfo, PublishRequest, SubscribeRequest } from "../../auth/mod.ts";
import { type Conversation, type SpecClient, testsFor } from "../spec/harness.ts";
import { auth, properties, puback, publish, subscribe } from "../spec/v5/packets.ts";
import { subscriber } from "../spec/v5/steps.ts";

const { specTest, timeTest } = testsFor(5);

/** So many members make an audience a wide one. */
const WIDE = 12;
const LASTING = { clean: false, properties: properties.sessionExpiry(1000) };

/** Denies what it is told to, as `clientId topic` or `clientId filter`. */
class Rules implements Authorizer {
  readonly unreadable = new Set<string>();
  readonly unwritable = new Set<string>();
  readonly unsubscribable = new Set<string>();
  /** Whether answers come later. */
  isSlow = false;
  /** How often it was asked for a delivery. */
  asked = 0;

  /** Forgets everything: each test runs twice. */
  reset(): this {
    for (const set of [this.unreadable, this.unwritable, this.unsubscribable]) set.clear();
    this.isSlow = false;
    this.asked = 0;
    return this;
  }

  mayPublish({ clientId }: ClientInfo, { topic }: PublishRequest): boolean | Promise<boolean> {
    return this.#answer(!this.unwritable.has(`${clientId} ${topic}`));
  }

  maySubscribe({ clientId }: ClientInfo, { filter, group }: SubscribeRequest) {
    const name = group === null ? filter : `${group}:${filter}`;
    return this.#answer(!this.unsubscribable.has(`${clientId} ${name}`));
  }

  mayReceive({ clientId }: ClientInfo, topic: string): boolean {
    this.asked++;
    return !this.unreadable.has(`${clientId} ${topic}`);
  }

  #answer(may: boolean): boolean | Promise<boolean> {
    return this.isSlow ? Promise.resolve(may) : may;
  }
}

/** Registers a test with rules of its own. */
function rulesTest(name: string, body: (t: Conversation, rules: Rules) => Promise<void>): void {
  const rules = new Rules();
  specTest(name, { broker: { authorizer: rules } }, (t) => body(t, rules.reset()));
}

const denied = (t: Conversation) => t.broker.stats.dropped["read-denied"];

async function crowd(t: Conversation, filter: string, options = 0): Promise<SpecClient[]> {
  const crowd: SpecClient[] = [];
  for (let n = 0; n < WIDE; n++) {
    crowd.push(await subscriber(t, filter, options, { clientId: `c${n}` }));
  }
  return crowd;
}

rulesTest(
  "a subscriber gets what it may receive, whatever it is subscribed to",
  async (t, rules) => {
    const publisher = await t.connect();
    const client = await subscriber(t, "#", 2, { clientId: "c" });
    rules.unreadable.add("c secret");
    for (const qos of [0, 1] as const) {
      for (const topic of ["secret", "open", "secret", "open"]) {
        await publisher.send(publish(topic, `${qos}`, { qos }));
        if (qos > 0) await publisher.readAck();
        if (topic === "secret") continue;
        const { packetId } = await client.expectPublish(topic, `${qos}`);
        if (qos > 0) await client.send(puback(packetId));
      }
    }
    await client.expectSilence();
    assertEquals(denied(t), 4);
  },
);

rulesTest("in a wide audience one is left out, and the others miss nothing", async (t, rules) => {
  const publisher = await t.connect();
  const clients = await crowd(t, "#");
  rules.unreadable.add("c3 secret");
  const send = async (topic: string, payload: string, except: number[] = []) => {
    await publisher.send(publish(topic, payload));
    for (const [n, client] of clients.entries()) {
      if (!except.includes(n)) await client.expectPublish(topic, payload);
    }
  };
  await send("open", "1");
  await send("secret", "2", [3]);
  await send("open", "3");
  await send("secret", "4", [3]);
  rules.unreadable.add("c4 secret");
  rules.unreadable.add("c5 open");
  rules.unreadable.delete("c3 secret");
  await t.broker.reauthorize();
  await send("secret", "5", [4]);
  await send("open", "6", [5]);
  await send("secret", "7", [4]);
  for (const client of clients) await client.expectSilence();
  assertEquals(denied(t), 5);
});

rulesTest("in a wide audience the answers are remembered for each topic", async (t, rules) => {
  const publisher = await t.connect();
  const clients = await crowd(t, "#");
  const count = 20;
  for (let n = 0; n < count; n++) {
    await publisher.send(publish(`topic/${n % 2}`, `${n}`));
    for (const client of clients) await client.expectPublish(`topic/${n % 2}`, `${n}`);
  }
  assertEquals(rules.asked, 2 * WIDE);
  const late = await subscriber(t, "#", 0, { clientId: "late" });
  await publisher.send(publish("topic/0", "late"), publish("topic/0", "later"));
  for (const client of [...clients, late]) {
    await client.expectPublish("topic/0", "late");
    await client.expectPublish("topic/0", "later");
  }
  assertEquals(rules.asked, 2 * WIDE + 1, "Only whoever is new is asked about");
});

for (const qos of [0, 1] as const) {
  rulesTest(
    `acknowledged messages of QoS ${qos} subscribers, in a wide audience`,
    async (t, rules) => {
      const publisher = await t.connect();
      const clients = await crowd(t, "#", qos);
      rules.unreadable.add("c3 secret");
      for (const topic of ["open", "secret", "open"]) {
        await publisher.send(publish(topic, "x", { qos: 1 }));
        await publisher.readAck();
        for (const [n, client] of clients.entries()) {
          if (n === 3 && topic === "secret") continue;
          const { packetId } = await client.expectPublish(topic, "x");
          if (qos === 1) await client.send(puback(packetId));
        }
      }
      for (const client of clients) await client.expectSilence();
      assertEquals(denied(t), 1);
    },
  );
}

rulesTest("retained messages are sent as far as a client may receive them", async (t, rules) => {
  const publisher = await t.connect();
  for (const topic of ["a", "secret", "z"]) {
    await publisher.send(publish(topic, "kept", { qos: 1, retain: true }));
    await publisher.readAck();
  }
  rules.unreadable.add("c secret");
  const client = await subscriber(t, "+", 0, { clientId: "c" });
  const topics = [(await client.readPublish()).topic, (await client.readPublish()).topic];
  assertEquals(topics.sort(), ["a", "z"]);
  await client.expectSilence();
  assertEquals(denied(t), 1);
});

rulesTest(
  "what waits for a session is not sent once its client may not receive it",
  async (t, rules) => {
    const publisher = await t.connect();
    const client = await subscriber(t, "#", 1, { clientId: "c", ...LASTING });
    await t.leave(client);
    for (const topic of ["secret", "open", "secret"]) {
      await publisher.send(publish(topic, "waits", { qos: 1 }));
      await publisher.readAck();
    }
    rules.unreadable.add("c secret");
    await t.broker.reauthorize();
    const again = await t.connect({ clientId: "c", ...LASTING });
    await again.expectPublish("open", "waits");
    await again.expectSilence();
    assertEquals(denied(t), 2);
  },
);

rulesTest(
  "what was in flight is not sent again once its client may not receive it",
  async (t, rules) => {
    const publisher = await t.connect();
    const client = await subscriber(t, "#", 2, { clientId: "c", ...LASTING });
    await publisher.send(publish("one", "x", { qos: 1 }));
    await publisher.send(publish("two", "x", { qos: 2, packetId: 2 }));
    await client.expectPublish("one", "x");
    const { packetId } = await client.expectPublish("two", "x");
    await t.drop(client);
    rules.unreadable.add("c one").add("c two");
    await t.broker.reauthorize();
    const again = await t.connect({ clientId: "c", ...LASTING });
    // The identifier of a QoS 2 message may be known to the client: it is released.
    const pubrel = await again.readAck();
    assertEquals([pubrel.type, pubrel.packetId], [6, packetId]);
    await again.expectSilence();
    assertEquals(denied(t), 2);
  },
);

rulesTest("a shared subscription passes over who may not receive", async (t, rules) => {
  const publisher = await t.connect();
  const one = await subscriber(t, "$share/g/#", 1, { clientId: "one" });
  const two = await subscriber(t, "$share/g/#", 1, { clientId: "two" });
  rules.unreadable.add("one secret");
  for (let n = 0; n < 4; n++) {
    await publisher.send(publish("secret", `${n}`, { qos: 1 }));
    assertEquals((await publisher.readAck()).reasonCodes, [0]);
    await two.send(puback((await two.expectPublish("secret", `${n}`)).packetId));
  }
  await one.expectSilence();
  assertEquals(denied(t), 0);
});

rulesTest("what waits in a shared subscription goes to who may receive it", async (t, rules) => {
  const publisher = await t.connect();
  const away = await subscriber(t, "$share/g/#", 1, { clientId: "away", ...LASTING });
  await t.leave(away);
  await publisher.send(publish("secret", "x", { qos: 1 }));
  await publisher.readAck();
  const other = await subscriber(t, "$share/g/#", 1, { clientId: "other" });
  rules.unreadable.add("away secret");
  await t.broker.reauthorize();
  const again = await t.connect({ clientId: "away", ...LASTING });
  await other.expectPublish("secret", "x");
  await again.expectSilence();
});

for (const isSlow of [false, true]) {
  const when = isSlow ? "later" : "at once";
  rulesTest(
    `a live subscription ends when it is allowed no more, answered ${when}`,
    async (t, rules) => {
      rules.isSlow = isSlow;
      const publisher = await t.connect({ clientId: "p" });
      const client = await t.connect({ clientId: "c" });
      await client.subscribe(subscribe({ "a": 1, "b": 0, "$share/g/a": 0 }));
      rules.unsubscribable.add("c a").add("c g:a");
      assertEquals(await t.broker.reauthorize(), 2);
      assertEquals(await t.broker.reauthorize(), 0);
      await publisher.send(publish("a", "x"), publish("b", "x"));
      await client.expectPublish("b", "x");
      await client.expectSilence();
      assertEquals(t.broker.stats.subscriptionsRevoked, 2);
    },
  );

  rulesTest(
    `a session that returns is asked about what it has, answered ${when}`,
    async (t, rules) => {
      const publisher = await t.connect({ clientId: "p" });
      const client = await t.connect({ clientId: "c", ...LASTING });
      await client.subscribe(subscribe({ "a": 1, "b": 1 }));
      await t.leave(client);
      rules.unsubscribable.add("c a");
      rules.isSlow = isSlow;
      const again = await t.connect({ clientId: "c", ...LASTING });
      assertEquals(again.connack!.flags, 1, "The session is there still");
      await publisher.send(publish("a", "x"), publish("b", "x"));
      await again.expectPublish("b", "x");
      await again.expectSilence();
      assertEquals(t.broker.stats.subscriptionsRevoked, 1);
    },
  );

  rulesTest(`a will is asked about when it is published, answered ${when}`, async (t, rules) => {
    rules.isSlow = isSlow;
    const client = await subscriber(t, "will/+", 0, { clientId: "c" });
    for (const clientId of ["one", "two"]) {
      const will = { topic: `will/${clientId}`, payload: "lost", retain: true };
      const lost = await t.connect({ clientId, will });
      if (clientId === "one") rules.unwritable.add("one will/one");
      await t.drop(lost);
    }
    await client.expectPublish("will/two", "lost");
    await client.expectSilence();
    assertEquals(t.broker.stats.dropped["not-authorized"], 1);
    assertEquals(t.broker.stats.retainedMessages, 1);
  });
}

rulesTest("of many that return at once under one name, one is left", async (t, rules) => {
  const first = await t.connect({ clientId: "c", ...LASTING });
  await first.subscribe(subscribe({ a: 0 }));
  rules.isSlow = true;
  const others = await Promise.all(
    Array.from({ length: 4 }, () => t.dial({ clientId: "c", ...LASTING })),
  );
  for (const other of others) assertEquals((await other.expectWelcome()).flags, 1);
  const publisher = await t.connect({ clientId: "p" });
  await publisher.send(publish("a", "x"));
  const types: number[] = [];
  for (const client of [first, ...others]) types.push((await client.readFrame())[0]!);
  assertEquals(types.sort((a, b) => a - b), [0x30, 0xe0, 0xe0, 0xe0, 0xe0]);
});

const unanswered: Authorizer = {
  mayPublish: (_, { topic }) => topic === "now" ? true : new Promise(() => {}),
  maySubscribe: () => true,
};
let isConnecting = true;
specTest(
  "wills that wait for an answer are limited",
  {
    broker: {
      authorizer: {
        ...unanswered,
        mayPublish: (client, request) => isConnecting || unanswered.mayPublish(client, request),
      },
      limits: { willsAskedMax: 2 },
    },
  },
  async (t) => {
    isConnecting = true;
    const clients: SpecClient[] = [];
    for (let n = 0; n < 3; n++) {
      clients.push(await t.connect({ clientId: `c${n}`, will: { topic: "later", payload: "" } }));
    }
    isConnecting = false;
    for (const [n, client] of clients.entries()) {
      assertEquals(t.broker.stats.dropped["not-authorized"], 0, `${n}`);
      await t.drop(client);
    }
    assertEquals(t.broker.stats.dropped["not-authorized"], 1);
  },
);

timeTest(
  "a great many sessions are asked about page by page",
  { broker: { authorizer: new Rules() } },
  async (t) => {
    const client = await t.connect({ clientId: "c" });
    const filters = Array.from({ length: 1500 }, (_, n) => [`filter/${n}`, 0] as const);
    await client.subscribe(subscribe(Object.fromEntries(filters)));
    let ended = -1;
    t.broker.reauthorize().then((count) => ended = count);
    await t.until(() => ended === 0);
  },
);

const renewing = new Rules();
const stages: Authorizer[] = [];
specTest(
  "a client that authenticates anew may do what it is granted then",
  {
    broker: {
      authenticator: {
        authenticate: () => ({ reasonCode: 0 }),
        begin: () => ({
          next: () => ({ kind: "success", authorizer: stages.shift() ?? renewing }),
        }),
      },
    },
  },
  async (t) => {
    renewing.reset();
    renewing.unsubscribable.add("c b");
    renewing.unreadable.add("c secret");
    stages.push({ mayPublish: () => true, maySubscribe: () => true });
    const method = properties.authenticationMethod("M");
    const client = await t.connect({ clientId: "c", properties: method });
    await client.subscribe(subscribe({ "a": 0, "b": 0, "secret": 0 }));
    const all = [publish("a", "x"), publish("b", "x"), publish("secret", "x")];
    await client.send(...all);
    for (const topic of ["a", "b", "secret"]) await client.expectPublish(topic, "x");
    await client.send(auth(0x19, method));
    assertEquals((await client.readAuth()).reasonCode, 0);
    await client.send(...all);
    await client.expectPublish("a", "x");
    await client.expectSilence();
    assertEquals([t.broker.stats.subscriptionsRevoked, denied(t)], [1, 1]);
  },
);

const gone = new Set<string>();
specTest(
  "a client whose account is gone is disconnected, and a session that is away stays",
  {
    broker: {
      authenticator: {
        authenticate: () => ({ reasonCode: 0 }),
        mayStay: ({ clientId }) => !gone.has(clientId),
      },
    },
  },
  async (t) => {
    gone.clear();
    const [one, two] = [await t.connect({ clientId: "one" }), await t.connect({ clientId: "two" })];
    await t.drop(await t.connect({ clientId: "away", ...LASTING }));
    gone.add("two").add("away");
    assertEquals(await t.broker.reauthorize(), 0);
    await two.expectDisconnect(0x87);
    await one.ping();
    assertEquals(t.broker.stats.sessions, 2);
  },
);
