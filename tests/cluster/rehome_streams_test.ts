/**
 * Sessions that read streams move to another number of nodes: to clients it is as if nothing had been.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { QoS } from "../../codec/mod.ts";
import { ownerOf } from "../../cluster/client_owner.ts";
import type { StoreSnapshot } from "../../store/mod.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import type { NodeClient, NodeClientOptions } from "./_client.ts";
import { move } from "./_move.ts";
import { Nodes, type NodesOptions } from "./_nodes.ts";

const CLIENTS = Array.from({ length: 6 }, (_, i) => `client ${i}`);
const DAY = { name: "day", filters: ["s/#"], maxMessages: 1000 };
const DISK = { commitMsMax: 2, isOwned: true, streams: [DAY] } as const;

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`);
}

function start(count: number, clock: VirtualClock, options: NodesOptions = {}): Promise<Nodes> {
  return Nodes.start(count, { ...DISK, clock, ...options });
}

/** Connects a client where it lives, with a session that lasts. */
function connect(nodes: Nodes, count: number, id: string, options: NodeClientOptions = {}) {
  return nodes.client(ownerOf(id, count), id, { isDurable: true, ...options });
}

/** Publishes numbers to the stream and to an ordinary topic, in turns at all nodes. */
async function publish(nodes: Nodes, count: number, from: number, to: number): Promise<void> {
  const publishers: NodeClient[] = [];
  for (let node = 0; node < count; node++) {
    publishers.push(await nodes.client(node, `publisher ${node} ${from}`));
  }
  for (const [i, text] of numbers(from, to).entries()) {
    const one = publishers[i % count]!;
    one.publish("s/x", text, 2);
    one.publish("plain/x", text, 2);
    await nodes.settle();
  }
}

/** What has come to topics that begin with a text: each with what it is sent again by. */
function got({ publishes, received }: NodeClient, topic: string, qos: QoS): string[] {
  return received.flatMap((message, i) => {
    if (!message.topic.startsWith(topic)) return [];
    return qos < 2 ? message.text : `${message.text} ${publishes[i]!.packetId}`;
  });
}

async function subscribe(nodes: Nodes, client: NodeClient, filter: string, qos: QoS) {
  const id = client.subscribe(filter, qos);
  await nodes.until(() => client.subacks.has(id), `${filter} is answered`);
  assertEquals(client.subacks.get(id), [qos]);
}

function killAll(nodes: Nodes, count: number): StoreSnapshot[] {
  for (let node = 0; node < count; node++) nodes.kill(node);
  return nodes.disks;
}

for (const qos of [1, 2] as const) {
  Deno.test(`positions and messages in flight move with a client, QoS ${qos}`, async () => {
    const clock = new VirtualClock();
    let disks: readonly StoreSnapshot[] | null = null;
    let last = 0;
    /** What each client has got and not acknowledged. */
    const inflight = new Map(CLIENTS.map((id) => [id, { stream: [""], plain: [""] }]));
    for (const count of [1, 2, 1, 2, 3, 2, 1]) {
      const isFirst: boolean = disks === null;
      if (disks !== null) disks = await move(disks, count, clock);
      await using nodes = await start(count, clock, disks === null ? {} : { disks });
      for (const id of CLIENTS) {
        const client = await connect(nodes, count, id);
        assertEquals(client.connack!.sessionPresent, !isFirst, id);
        if (isFirst) {
          await subscribe(nodes, client, "plain/#", 2);
          await subscribe(nodes, client, "$replay/day/latest/s/#", qos);
        }
        await nodes.settle();
        const found = [got(client, "$replay/", qos), got(client, "plain/", 2)] as const;
        if (!isFirst) {
          const { stream, plain } = inflight.get(id)!;
          assert(stream.length > 0 && plain.length > 0, "something was in flight");
          // With QoS 2 they have the same packet identifiers as before.
          assertEquals(found[0].slice(0, stream.length), stream, `${id} of ${count}`);
          assertEquals(found[1].slice(0, plain.length), plain, `${id} of ${count}`);
        }
        for (const texts of found) {
          const expected = isFirst ? [] : numbers(last - 4, last);
          assertEquals(texts.map((text) => text.split(" ")[0]), expected, `${id} of ${count}`);
        }
        client.cut();
      }
      await publish(nodes, count, last + 1, last + 5);
      last += 5;
      for (const id of CLIENTS) {
        const options = { acknowledges: false, receiveMaximum: 6 };
        const client = await connect(nodes, count, id, options);
        await nodes.settle();
        inflight.set(id, { stream: got(client, "$replay/", qos), plain: got(client, "plain/", 2) });
        const ids = client.publishes.map(({ packetId }) => packetId);
        assertEquals([ids.length, new Set(ids).size], [6, 6], `${id} of ${count}`);
        client.cut();
      }
      await nodes.settle();
      disks = killAll(nodes, count);
      assertEquals(nodes.errors, []);
    }
  });
}

Deno.test("what waits for the streams is in them after a move, once", async () => {
  const clock = new VirtualClock();
  for (const count of [1, 2, 3]) {
    await using nodes = await start(2, clock);
    nodes.kill(0);
    const publisher = await nodes.client(1, "publisher");
    for (const text of numbers(1, 20)) publisher.publish("s/x", text, 2);
    await nodes.settle();
    assertEquals(publisher.acked.size, 20);
    nodes.kill(1);
    const disks = await move(nodes.disks, count, clock);
    await using after = await start(count, clock, { disks });
    const reader = await connect(after, count, "reader");
    await subscribe(after, reader, "$replay/day/earliest/s/#", 1);
    await after.settle();
    assertEquals(reader.texts, numbers(1, 20), `${count} nodes`);
    // The limits are those of the declaration again.
    assertEquals(after.broker(0).stream("day")!.last, 20);
    assertEquals([...nodes.errors, ...after.errors], []);
  }
});

Deno.test("a group goes on where it was, wherever its members live", async () => {
  const clock = new VirtualClock();
  let disks: readonly StoreSnapshot[] | null = null;
  let last = 0;
  for (const count of [1, 2, 3, 2, 1]) {
    const isFirst: boolean = disks === null;
    if (disks !== null) disks = await move(disks, count, clock);
    await using nodes = await start(count, clock, disks === null ? {} : { disks });
    const members: NodeClient[] = [];
    for (const id of CLIENTS) {
      const member = await connect(nodes, count, id);
      if (isFirst) await subscribe(nodes, member, "$share/g/$replay/day/latest/s/#", 1);
      members.push(member);
    }
    await publish(nodes, count, last + 1, last + 12);
    // What was not acknowledged before the move, and what has come since.
    const texts = members.flatMap((member) => member.texts);
    assertEquals(
      texts.map(Number).toSorted((a, b) => a - b),
      numbers(Math.max(1, last - 5), last + 12).map(Number),
    );
    assert(members.every((member) => member.texts.length > 0), "all of them take part");
    last += 12;
    for (const member of members) member.cut();
    await publish(nodes, count, last + 1, last + 6);
    last += 6;
    const options = { acknowledges: false, receiveMaximum: 1 };
    for (const id of CLIENTS) await connect(nodes, count, id, options);
    await nodes.settle();
    const group = nodes.broker(0).stream("day")!.groups()[0]!;
    assertEquals([group.members.toSorted(), group.floor], [CLIENTS, last - 5]);
    disks = killAll(nodes, count);
    assertEquals(nodes.errors, []);
  }
});

Deno.test("a message in flight that its stream has lost is told of as a gap, also after a move", async () => {
  const clock = new VirtualClock();
  const streams = [{ ...DAY, maxMessages: 4 }];
  await using nodes = await start(1, clock, { streams });
  const ids = ["client 0", "client 1", "client 2"];
  for (const id of ids) {
    const options = { acknowledges: false, receiveMaximum: 3 };
    const client = await connect(nodes, 1, id, options);
    await subscribe(nodes, client, "$replay/day/latest/s/#", 2);
  }
  await publish(nodes, 1, 1, 10);
  const disks = await move(killAll(nodes, 1), 2, clock);
  await using after = await start(2, clock, { disks, streams });
  for (const id of ids) {
    const client = await connect(after, 2, id);
    await after.settle();
    const shown = client.publishes.map(({ properties }) =>
      properties.userProperties!.filter(([name]) => /seq|gap/.test(name)).map(([, value]) => value)
    );
    assertEquals(shown, [["7", "1..6"], ["8"], ["9"], ["10"]], id);
  }
  assertEquals(after.errors, []);
});

Deno.test("what is sent again after a move comes first, and does not stop what follows", async () => {
  const clock = new VirtualClock();
  await using nodes = await start(1, clock);
  for (const id of CLIENTS) {
    const options = { acknowledges: false, receiveMaximum: 3 };
    const client = await connect(nodes, 1, id, options);
    await subscribe(nodes, client, "$replay/day/latest/s/#", 2);
  }
  await publish(nodes, 1, 1, 10);
  const disks = await move(killAll(nodes, 1), 2, clock);
  await using after = await start(2, clock, { disks });
  for (const id of CLIENTS) {
    const client = await connect(after, 2, id, { acknowledges: false, receiveMaximum: 20 });
    await after.settle();
    assertEquals(client.texts, numbers(1, 10), id);
  }
  assertEquals([...nodes.errors, ...after.errors], []);
});

Deno.test("a client whose permissions came with its login is told that it cannot read from there", async () => {
  const clock = new VirtualClock();
  const authorizer = { mayPublish: () => true, maySubscribe: () => true };
  const options = {
    broker: { authenticator: { authenticate: () => ({ reasonCode: 0, authorizer }) } },
  };
  const id = CLIENTS.find((one) => ownerOf(one, 2) === 1)!;
  await using nodes = await start(1, clock, options);
  const client = await connect(nodes, 1, id);
  await subscribe(nodes, client, "$replay/day/latest/s/#", 1);
  client.cut();
  await publish(nodes, 1, 1, 3);
  let disks: readonly StoreSnapshot[] = killAll(nodes, 1);
  for (const count of [2, 1]) {
    disks = await move(disks, count, clock);
    await using after = await start(count, clock, { ...options, disks });
    const again = await connect(after, count, id);
    await after.settle();
    const codes = again.answers.map((answer) => answer.type === "disconnect" && answer.reasonCode);
    // Nothing is lost: it goes on where it can.
    assertEquals([codes, again.texts], count === 2 ? [[0x87], []] : [[], ["1", "2", "3"]]);
    disks = killAll(after, count);
  }
});
