import { assertEquals, assertRejects } from "@std/assert";
import type { UserProperty } from "../../codec/mod.ts";
import type { StreamOptions } from "../../mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import { ManualStore } from "../harness/manual_store.ts";
import { DAY, type Received, Scene, texts } from "./_scene.ts";

const GROUP = "$share/g/$replay/day/earliest/t/#";
const LOST: StreamOptions = { name: "lost", filters: [], maxMessages: 1000 };
const WITH_LOST = [LOST, { ...DAY, dead: "lost" }];

function textsOf(messages: readonly Received[]): string[] {
  return messages.map(({ payload }) => new TextDecoder().decode(payload));
}

/** The dead letters, as `topic payload`, and what they say of themselves. */
async function lettersOf(scene: Scene) {
  await scene.clock.settle();
  const letters: { message: string; user: readonly UserProperty[] }[] = [];
  for await (const one of scene.broker.stream("lost")!.read({ after: 0, isFinite: true })) {
    const message = `${one.topic} ${new TextDecoder().decode(one.payload)}`;
    letters.push({ message, user: one.properties.userProperties ?? [] });
  }
  return letters;
}

Deno.test("a message that is refused with 0x80 or more is a dead letter at once [MQTT-4.8.2-6]", async () => {
  await using scene = await Scene.open({}, WITH_LOST);
  const own: UserProperty[] = [["a", "1"], ["a", "2"]];
  await scene.fill(1);
  scene.broker.publish("t/2", "2", { properties: { userProperties: own, contentType: "text" } });
  await scene.fill(1, 3);
  const client = await scene.join("ann");
  client.answer = (payload) => payload === "2" ? 0x83 : 0;
  await client.subscribe(GROUP, { qos: 1 });
  assertEquals(await client.payloads(), texts(1, 3));
  assertEquals(await lettersOf(scene), [{
    message: "t/2 2",
    user: [
      ...own,
      ["dead-reason", "refused"],
      ["dead-client", "ann"],
      ["dead-group", "g"],
      ["dead-count", "1"],
      ["dead-stream", "day"],
      ["dead-seq", "2"],
    ],
  }]);
  assertEquals(scene.broker.stats.deadLetters, 1);
  await client.leave();
  const next = await scene.join("bob");
  await next.subscribe(GROUP, { qos: 1 });
  assertEquals(await next.payloads(), []);
});

Deno.test("a message whose members have died 5 times is a dead letter, and those beside it are not", async () => {
  await using scene = await Scene.open({}, WITH_LOST);
  await scene.fill(10);
  const done: string[] = [];
  let lives = 0;
  // Each dies of message 4, in the middle of what it was sent.
  for (; lives < 20; lives++) {
    const client = await scene.join(`worker-${lives}`);
    client.acknowledges = false;
    await client.subscribe(GROUP, { qos: 1 });
    let sent = await client.take("publish");
    let isDead = false;
    while (sent.length > 0 && !isDead) {
      const end = textsOf(sent).indexOf("4");
      const works = end < 0 ? sent : sent.slice(0, end);
      await client.acknowledge(works);
      done.push(...textsOf(works));
      isDead = end >= 0;
      sent = isDead ? [] : await client.take("publish");
    }
    await client.leave();
    if (!isDead) break;
  }
  assertEquals(lives, 5);
  assertEquals(done.toSorted((a, b) => Number(a) - Number(b)), [...texts(1, 3), ...texts(5, 10)]);
  const letters = await lettersOf(scene);
  assertEquals(letters.map(({ message }) => message), ["t/1 4"]);
  assertEquals(new Map(letters[0]!.user as [string, string][]).get("dead-reason"), "max-deliver");
  assertEquals(new Map(letters[0]!.user as [string, string][]).get("dead-client"), "worker-4");
  assertEquals(new Map(letters[0]!.user as [string, string][]).get("dead-count"), "5");
});

Deno.test("maxDeliver 1: what a member has not acknowledged is given to nobody else", async () => {
  await using scene = await Scene.open({}, [LOST, { ...DAY, dead: "lost", maxDeliver: 1 }]);
  await scene.fill(2);
  const client = await scene.join("ann");
  client.acknowledges = false;
  await client.subscribe(GROUP, { qos: 1 });
  await client.leave();
  assertEquals((await lettersOf(scene)).map(({ message }) => message), ["t/1 1", "t/1 2"]);
});

Deno.test("how often a message was delivered survives a restart", async () => {
  const store = new MemoryStore();
  const options = [LOST, { ...DAY, dead: "lost", maxDeliver: 2 }];
  {
    await using scene = await Scene.open({ store }, options);
    await scene.fill(1);
    const client = await scene.join("ann");
    client.acknowledges = false;
    await client.subscribe(GROUP, { qos: 1 });
    await client.leave();
  }
  const next = MemoryStore.from(store.snapshot());
  await using scene = await Scene.open({ store: next }, options);
  const client = await scene.join("bob");
  client.acknowledges = false;
  await client.subscribe(GROUP, { qos: 1 });
  const [again] = await client.take("publish");
  const marks = new Map(again!.properties.userProperties as [string, string][]);
  assertEquals(marks.get("stream-delivery"), "2");
  await client.leave();
  assertEquals((await lettersOf(scene)).length, 1);
});

Deno.test("without a stream for them dead letters are counted and gone", async () => {
  await using scene = await Scene.open();
  await scene.fill(3);
  const client = await scene.join("ann");
  client.answer = () => 0x80;
  await client.subscribe(GROUP, { qos: 1 });
  await scene.clock.settle();
  assertEquals(scene.broker.stats.dropped.undeliverable, 3);
  assertEquals(scene.broker.stats.deadLetters, 0);
});

Deno.test("a dead letter is never the reason for another one", async () => {
  const more = { ...LOST, name: "more" };
  await using scene = await Scene.open({}, [more, { ...LOST, dead: "more" }, WITH_LOST[1]!]);
  await scene.fill(1);
  const client = await scene.join("ann");
  client.answer = () => 0x80;
  await client.subscribe(GROUP, { qos: 1 });
  await client.subscribe("$share/g/$replay/lost/earliest/#", { qos: 1 });
  assertEquals((await client.take("publish")).map(({ topic }) => topic), [
    "$replay/day/earliest/t/1",
    "$replay/lost/earliest/t/1",
  ]);
  await scene.clock.settle();
  assertEquals(scene.broker.stream("more")!.messages, 0);
  assertEquals(scene.broker.stats.dropped.undeliverable, 1);
});

Deno.test("a message that is too large for every member is a dead letter", async () => {
  await using scene = await Scene.open({}, WITH_LOST);
  const small = await scene.join("ann", 5, { maximumPacketSize: 100 });
  await small.subscribe(GROUP, { qos: 1 });
  scene.broker.publish("t/1", "x".repeat(200));
  await scene.fill(1, 2);
  assertEquals(await small.payloads(), ["2"]);
  const [letter] = await lettersOf(scene);
  assertEquals(letter!.user[0], ["dead-reason", "too-large"]);
  const large = await scene.join("bob");
  await large.subscribe(GROUP, { qos: 1 });
  for (let i = 0; i < 2; i++) scene.broker.publish("t/1", "y".repeat(200));
  assertEquals((await large.take("publish")).length, 2);
  assertEquals((await lettersOf(scene)).length, 1);
});

Deno.test("deadReasons: what an ordinary client is not sent is kept, for the named reasons only", async () => {
  const day: StreamOptions = { ...DAY, dead: "lost", deadReasons: ["backlog"] };
  const options = { limits: { backlogMessagesMax: 2 }, overflow: "drop-newest" } as const;
  await using scene = await Scene.open(options, [LOST, day]);
  const away = await scene.join("ann", 5, { expiry: 3600 });
  await away.subscribe(["t/#", "other/#"], { qos: 1 });
  await away.leave();
  const publish = (topic: string, i: number) => scene.broker.publish(topic, `${i}`, { qos: 1 });
  for (let i = 1; i <= 4; i++) publish("t/1", i).catch(() => {});
  publish("other/1", 5).catch(() => {});
  const { backlog } = scene.broker.stats.dropped;
  assertEquals(backlog, 3);
  const letters = await lettersOf(scene);
  const user: UserProperty[] = [
    ["dead-reason", "backlog"],
    ["dead-client", "ann"],
    ["dead-stream", "day"],
  ];
  assertEquals(letters.map((letter) => letter.user), [user, user]);
  assertEquals(letters.every(({ message }) => message.startsWith("t/1 ")), true);
  const again = await scene.join("bob", 5, { maximumPacketSize: 60 });
  await again.subscribe("t/#");
  scene.broker.publish("t/1", "x".repeat(100));
  await scene.clock.settle();
  assertEquals(scene.broker.stats.dropped["too-large"], 1);
  const reasons = (await lettersOf(scene)).map(({ user }) => user[0]![1]);
  assertEquals(new Set(reasons), new Set(["backlog"]));
});

Deno.test("deadReasons expired: what a group passes is kept, and does not expire again", async () => {
  const day: StreamOptions = { ...DAY, dead: "lost", deadReasons: ["expired"] };
  await using scene = await Scene.open({}, [LOST, day]);
  scene.broker.publish("t/1", "1", { properties: { messageExpiryInterval: 10 } });
  await scene.clock.advance(60_000);
  const client = await scene.join("ann");
  await client.subscribe(GROUP, { qos: 1 });
  assertEquals(await client.payloads(), []);
  await scene.clock.advance(60_000);
  assertEquals((await lettersOf(scene)).map(({ message }) => message), ["t/1 1"]);
  assertEquals(scene.broker.stats.dropped.expired, 1);
});

Deno.test("deadLettersPerSecondMax: those of groups wait, and others are not kept", async () => {
  const day: StreamOptions = { ...DAY, dead: "lost", deadReasons: ["too-large"] };
  const limits = { deadLettersPerSecondMax: 2 };
  await using scene = await Scene.open({ limits }, [LOST, day]);
  await scene.fill(5);
  const client = await scene.join("ann");
  client.answer = () => 0x80;
  await client.subscribe(GROUP, { qos: 1 });
  assertEquals((await lettersOf(scene)).length, 2);
  assertEquals(scene.broker.stats.limited["dead-letters"], 1);
  await scene.clock.advance(1000);
  assertEquals((await lettersOf(scene)).length, 4);
  await scene.clock.advance(1000);
  assertEquals((await lettersOf(scene)).map(({ message }) => message), [
    ...texts(1, 5).map((payload) => `t/1 ${payload}`),
  ]);
  await client.leave();
  const small = await scene.join("bob", 5, { maximumPacketSize: 60 });
  await small.subscribe("t/#");
  for (let i = 0; i < 5; i++) scene.broker.publish("t/1", "x".repeat(100));
  await scene.clock.advance(10_000);
  assertEquals((await lettersOf(scene)).length, 7);
});

Deno.test("a group waits with its dead letters until their stream is declared", async () => {
  await using scene = await Scene.open({}, [WITH_LOST[1]!]);
  await scene.fill(1);
  const client = await scene.join("ann");
  client.answer = () => 0x80;
  await client.subscribe(GROUP, { qos: 1 });
  await scene.clock.advance(5000);
  assertEquals(scene.broker.stats.deadLetters, 0);
  await scene.broker.declareStream(LOST);
  await scene.clock.advance(2000);
  assertEquals((await lettersOf(scene)).length, 1);
});

Deno.test("dead letters are declared sensibly, or not at all", async () => {
  await using scene = await Scene.open({}, []);
  const wrong: [Partial<StreamOptions>, string][] = [
    [{ dead: "day" }, "it cannot be the stream itself"],
    [{ deadReasons: ["backlog"] }, "deadReasons needs a stream for dead letters"],
    [{ dead: "lost", deadReasons: ["lag" as "backlog"] }, '"lag" is none of backlog, expired'],
    [{ maxDeliver: 0 }, "maxDeliver must be a whole number from 1 on, not 0"],
    [{ exclusiveGroups: ["a/b"] }, '"a/b" cannot be a group'],
  ];
  for (const [options, text] of wrong) {
    await assertRejects(() => scene.broker.declareStream({ ...DAY, ...options }), RangeError, text);
  }
});

Deno.test("disk full: a dead letter waits, pending, until there is room", async () => {
  const store = new ManualStore();
  await using scene = await Scene.open({ store }, WITH_LOST);
  await scene.fill(2);
  const client = await scene.join("ann", 5, { acknowledges: false });
  await client.subscribe(GROUP, { qos: 1 });
  const [first, second] = await client.take("publish");
  store.mode = "fail";
  await client.acknowledge([first!]);
  await client.acknowledge([second!], 0x97);
  await scene.clock.advance(10_000);
  assertEquals(scene.broker.stats.deadLetters, 0);
  assertEquals(scene.broker.stream("day")!.groups()[0]!.pending, 1);
  store.mode = "succeed";
  await scene.clock.advance(5000);
  assertEquals((await lettersOf(scene)).map(({ message }) => message), ["t/1 2"]);
  assertEquals(scene.broker.stream("day")!.groups()[0]!.pending, 0);
});
