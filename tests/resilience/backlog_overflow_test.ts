/**
 * Sessions that acknowledge nothing, or are away, up to the limit of their
 * backlog and past it: with each policy, for an audience that gets copies and
 * for one that shares a log.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Broker, OverflowPolicy } from "../../mod.ts";
import { eventually } from "../harness/eventually.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { expectDisconnect, greet, join, joinSubscribed, withHost } from "./_clients.ts";

const BACKLOG = 5;
/** Publishers wait for a session that is half full; not for long, if it is stalled. */
const LIMITS = { backlogMessagesMax: BACKLOG, stallMs: 10 };
/** One message is sent and waits for its acknowledgement, and so is not in the backlog. */
const RECEIVE_MAXIMUM_1 = "21 0001";
const EXPIRY_1_HOUR = "11 00000e10";

type Where = "online" | "offline";
interface Case {
  readonly overflow: OverflowPolicy;
  readonly where: Where;
  readonly sessions: number;
}

/** How the sessions come back. */
const BACK = { level: 5, clean: false, properties: EXPIRY_1_HOUR } as const;

/** Sessions of which none acknowledges; each has room for {@linkcode BACKLOG} and not one more. */
async function fillers(port: number, { where, sessions }: Case): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let i = 0; i < sessions; i++) {
    const properties = `${EXPIRY_1_HOUR} ${where === "online" ? RECEIVE_MAXIMUM_1 : ""}`;
    const fields = { level: 5, clientId: `full${i}`, clean: false, properties } as const;
    const client = await joinSubscribed(port, { "fill": 2 }, fields);
    clients.push(client);
    if (where === "online") continue;
    await client.send(packets.disconnect());
    await client.expectClose();
  }
  return clients;
}

/** A publisher that knows how each of its messages was answered. */
class Publisher {
  #packetId = 0;

  constructor(readonly client: RawClient) {}

  /** Publishes, and returns the reason code of the answer. */
  async publish(payload: string, qos: 1 | 2): Promise<number> {
    const packetId = ++this.#packetId;
    await this.client.send(packets.publish("fill", payload, { level: 5, qos, packetId }));
    const answer = await this.client.readFrame();
    assertEquals([answer[0], uint16At(answer, 2)], [qos === 1 ? 0x40 : 0x50, packetId]);
    return answer[4] ?? 0;
  }

  /** Publishes `count` messages numbered from `first` on, all of which are accepted. */
  async fill(first: number, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      assertEquals(await this.publish(`${first + i}`, i % 2 === 0 ? 1 : 2), 0, `message ${i}`);
    }
  }
}

/** Fills the backlogs to the brim: nothing has happened to anybody yet. */
async function fill(
  broker: Broker,
  publisher: Publisher,
  { where, sessions }: Case,
): Promise<void> {
  await publisher.fill(0, BACKLOG + (where === "online" ? 1 : 0));
  assertEquals(broker.stats.sessions, sessions + 1);
  assertEquals(broker.stats.dropped["backlog"], 0);
  assertEquals(broker.stats.dropped["session-ended"], 0);
  assertEquals(broker.stats.messagesRefused, 0);
}

/** Takes `count` messages as a client that is well, makes sure there is no more, and tells the payloads. */
async function take(client: RawClient, count: number): Promise<string[]> {
  const payloads: string[] = [];
  for (let releases = 0; payloads.length < count || releases > 0;) {
    const frame = await client.readFrame();
    const type = frame[0]! >> 4;
    if (type === 6) {
      await client.send(packets.pubcomp(uint16At(frame, 2)));
      releases--;
      continue;
    }
    assertEquals(type, 3);
    const packetId = uint16At(frame, 8);
    payloads.push(new TextDecoder().decode(frame.subarray(11)));
    const qos = frame[0]! >> 1 & 3;
    await client.send(qos === 1 ? packets.puback(packetId) : packets.pubrec(packetId));
    releases += qos - 1;
  }
  // What the last acknowledgement made room for would come after the first answer.
  await client.expectSilence();
  await client.expectSilence();
  return payloads;
}

function uint16At(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 8 | bytes[at + 1]!;
}

/** What each session has got in the end. */
async function expectPayloads(port: number, test: Case, clients: RawClient[], numbers: number[]) {
  for (let i = 0; i < test.sessions; i++) {
    const client = test.where === "online"
      ? clients[i]!
      : await greet(await RawClient.dial(port), { ...BACK, clientId: `full${i}` });
    assertEquals((await take(client, numbers.length)).map(Number), numbers);
    client.close();
  }
}

function overflowTest(
  policy: OverflowPolicy,
  words: string,
  check: (
    port: number,
    broker: Broker,
    publisher: Publisher,
    clients: RawClient[],
    test: Case,
  ) => Promise<void>,
): void {
  for (const where of ["online", "offline"] as const) {
    for (const sessions of [1, 10]) {
      const name = `${policy}: ${words} (${sessions} ${where})`;
      const test = { overflow: policy, where, sessions };
      Deno.test(name, async () => {
        await withHost({ limits: LIMITS, overflow: policy }, async (port, broker) => {
          const clients = await fillers(port, test);
          await using client = await join(port, { level: 5, clientId: "publisher" });
          const publisher = new Publisher(client);
          await fill(broker, publisher, test);
          await check(port, broker, publisher, clients, test);
          for (const client of clients) client.close();
        });
      });
    }
  }
}

/** What was sent, and then what fits the backlog. */
function numbers({ where }: Case): number[] {
  return Array.from({ length: BACKLOG + (where === "online" ? 1 : 0) }, (_, i) => i);
}

/** Waits until so many messages were dropped: another node than the publisher's is a moment later. */
async function dropped({ stats }: Broker, count: number): Promise<void> {
  await eventually(`${count} messages are dropped`, () => stats.dropped["backlog"] >= count);
  assertEquals(stats.dropped["backlog"], count);
}

overflowTest("end-session", "a full session ends, and its client is told", async (
  port,
  broker,
  publisher,
  clients,
  { where, sessions },
) => {
  assertEquals(await publisher.publish("one too many", 1), 0);
  // Answered after the delivery was done with; another node is a moment later.
  await publisher.client.expectSilence();
  await eventually("the sessions end", () => broker.stats.sessions === 1);
  assertEquals(broker.stats.dropped["session-ended"], sessions * (BACKLOG + 1));
  for (let i = 0; i < sessions; i++) {
    if (where === "online") {
      assertEquals((await clients[i]!.readFrame())[0]! >> 4, 3);
      await expectDisconnect(clients[i]!, 0x97);
    }
    await using client = await RawClient.dial(port);
    await client.send(packets.connect({ ...BACK, clientId: `full${i}` }));
    const connack = await client.readFrame();
    assertEquals([...connack.subarray(2, 4)], [0, 0], "Session Present is 0");
  }
});

overflowTest("refuse-publisher", "the publisher is told, and nobody gets the message", async (
  port,
  broker,
  publisher,
  clients,
  test,
) => {
  for (let i = 0; i < 300; i++) assertEquals(await publisher.publish("refused", 1), 0x97);
  assertEquals(await publisher.publish("refused", 2), 0x97);
  assertEquals(broker.stats.messagesRefused, 301);
  await using old = await join(port, { clientId: "old" });
  await old.send(packets.publish("fill", "refused", { qos: 1 }));
  await old.expectClose();
  assertEquals(broker.stats.messagesRefused, 302);
  assertEquals(broker.stats.dropped["backlog"], 0);
  await expectPayloads(port, test, clients, numbers(test));
  assertEquals(await publisher.publish("welcome again", 1), 0);
});

overflowTest("drop-oldest", "the oldest that wait make room", async (
  port,
  broker,
  publisher,
  clients,
  test,
) => {
  const all = numbers(test);
  await publisher.fill(all.length, 3);
  await dropped(broker, 3 * test.sessions);
  // What is in flight to a client has been sent, and waits no more.
  const kept = [...all, all.length, all.length + 1, all.length + 2].slice(-BACKLOG);
  await expectPayloads(port, test, clients, test.where === "online" ? [0, ...kept] : kept);
});

overflowTest("drop-newest", "what does not fit is dropped", async (
  port,
  broker,
  publisher,
  clients,
  test,
) => {
  await publisher.fill(100, 30);
  await dropped(broker, 30 * test.sessions);
  await expectPayloads(port, test, clients, numbers(test));
});
