import { assertEquals } from "@std/assert";
import { type Packet, PacketType, ReasonCode } from "../../codec/mod.ts";
import { Commit } from "../base/commit.ts";
import { message } from "../testdata/messages.ts";
import { ackText, TestConnection } from "../testdata/test_connection.ts";
import { ack, ackAfter, reply, replyAfter, ResponseQueue, sendControl } from "./responses.ts";

/** A journal whose commits end when the test says so. */
class TestJournal {
  done = 0;
  gathering = new Commit(1);

  /** Begins another commit; returns the one before. */
  next(): Commit {
    const { gathering } = this;
    this.gathering = new Commit(gathering.number + 1);
    return gathering;
  }

  succeed(commit: Commit): void {
    this.done = commit.number;
    commit.succeed(fail);
  }

  fail(commit: Commit): void {
    commit.fail(new Error("the disk is full"), fail);
  }
}

function fail(error: unknown): void {
  throw error;
}

/** A connection whose answers wait for a journal. */
function withJournal(options: ConstructorParameters<typeof TestConnection>[0] = {}) {
  const connection = new TestConnection(options);
  const journal = new TestJournal();
  connection.acks = new ResponseQueue(connection.asClient, journal);
  return { connection, journal, client: connection.asClient };
}

const { puback, pubrec } = PacketType;
const { Success } = ReasonCode;

Deno.test("ack() has a reason code in 5.0 only, and there only if it is not 0", () => {
  for (const version of [4, 5] as const) {
    const connection = new TestConnection({ version });
    ack(connection.asClient, puback, 0x1234, Success);
    ack(connection.asClient, puback, 7, ReasonCode.NoMatchingSubscribers);
    const bytes = [...connection.outbox.takeControl()];
    const second = version === 5 ? [0x40, 3, 0, 7, 0x10] : [0x40, 2, 0, 7];
    assertEquals(bytes, [0x40, 2, 0x12, 0x34, ...second]);
    assertEquals(connection.context.stats.controlPacketsSent, 2);
  }
});

Deno.test("sendControl() sends nothing that is larger than the client takes", () => {
  const connection = new TestConnection({ packetBytesMax: 10 });
  const packet: Packet = { type: "suback", packetId: 1, reasonCodes: [0], properties: {} };
  assertEquals(sendControl(connection.asClient, packet), true);
  const long = { ...packet, reasonCodes: new Array(10).fill(0) };
  assertEquals(sendControl(connection.asClient, long), false);
  assertEquals(connection.sent().length, 1);
  assertEquals(connection.events, []);
});

Deno.test("reply() ends the connection of a client that does not take the answer", () => {
  const connection = new TestConnection({ packetBytesMax: 10 });
  const reasonCodes = new Array(10).fill(0);
  reply(connection.asClient, { type: "suback", packetId: 1, reasonCodes, properties: {} });
  assertEquals(connection.sent(), []);
  assertEquals(connection.events, [
    "Answer is larger than the client takes: suback",
    `disconnect ${ReasonCode.PacketTooLarge}`,
  ]);
});

Deno.test("ackAfter() answers at once what waits for nothing", () => {
  const { connection, client } = withJournal();
  ackAfter(client, null, puback, 1, Success);
  assertEquals(connection.sent().map(ackText), ["puback 1 0"]);
});

Deno.test("ackAfter() answers when the commit is on the disk, in order [MQTT-4.6.0-2]", () => {
  const { connection, journal, client } = withJournal();
  const [first, second] = [journal.next(), journal.next()];
  ackAfter(client, first, puback, 1, Success);
  ackAfter(client, second, pubrec, 2, Success);
  // This one waits for nothing on the disk, but must not overtake.
  ackAfter(client, null, puback, 3, Success);
  assertEquals(connection.sent(), []);
  journal.succeed(first);
  assertEquals(connection.sent().map(ackText), ["puback 1 0"]);
  journal.succeed(second);
  assertEquals(connection.sent().map(ackText), ["pubrec 2 0", "puback 3 0"]);
  assertEquals([client.acks!.isEmpty, client.acks!.bytes], [true, 0]);
});

Deno.test("replyAfter() keeps the order of other packets among the acknowledgements", () => {
  const { connection, journal, client } = withJournal();
  const commit = journal.next();
  const suback: Packet = { type: "suback", packetId: 2, reasonCodes: [1], properties: {} };
  ackAfter(client, commit, puback, 1, Success);
  replyAfter(client, commit, suback);
  ackAfter(client, commit, puback, 3, Success);
  journal.succeed(commit);
  assertEquals(connection.sent().map(({ type }) => type), ["puback", "suback", "puback"]);
  replyAfter(client, null, suback);
  assertEquals(connection.sent().map(({ type }) => type), ["suback"]);
});

Deno.test("ResponseQueue refuses a message whose commit has failed, and nobody gets it", () => {
  const { connection, journal, client } = withJournal();
  const commit = journal.next();
  const published = message("t", "x");
  published.place = { isRevoked: false };
  ackAfter(client, commit, puback, 1, Success, published);
  // The session's own changes are tried again with the next commit.
  ackAfter(client, commit, PacketType.pubcomp, 2, Success);
  journal.fail(commit);
  assertEquals(connection.sent().map(ackText), [`puback 1 ${ReasonCode.QuotaExceeded}`]);
  assertEquals(published.place.isRevoked, true);
  assertEquals(connection.context.stats.messagesRefused, 1);
  journal.succeed(journal.next());
  assertEquals(connection.sent().map(ackText), ["pubcomp 2 0"]);
});

Deno.test("ResponseQueue frees the identifier of a QoS 2 message that it refuses", () => {
  const released: number[] = [];
  const session = { inbound: { release: (packetId: number) => released.push(packetId) } };
  const { connection, journal, client } = withJournal({ session });
  const commit = journal.next();
  ackAfter(client, commit, pubrec, 9, Success, message("t", "x", { qos: 2 }));
  journal.fail(commit);
  assertEquals(released, [9]);
  assertEquals(connection.sent().map(ackText), [`pubrec 9 ${ReasonCode.QuotaExceeded}`]);
});

Deno.test("ResponseQueue ends a 3.x connection whose message it refuses: no code says it", () => {
  const { connection, journal, client } = withJournal({ version: 4 });
  const commit = journal.next();
  ackAfter(client, commit, puback, 1, Success, message("t", "x"));
  journal.fail(commit);
  assertEquals([connection.sent(), connection.events], [
    [],
    [`disconnect ${ReasonCode.QuotaExceeded}`],
  ]);
});

Deno.test("ResponseQueue says nothing to a client that is gone, and forgets what waits", () => {
  const { connection, journal, client } = withJournal();
  const commit = journal.next();
  ackAfter(client, commit, puback, 1, Success);
  connection.isOpen = false;
  journal.succeed(commit);
  assertEquals([connection.sent(), client.acks!.isEmpty, client.acks!.bytes], [[], true, 0]);
});

Deno.test("ResponseQueue.fewer closes when some have left", async () => {
  const { journal, client } = withJournal();
  const [first, second] = [journal.next(), journal.next()];
  ackAfter(client, first, puback, 1, Success);
  ackAfter(client, second, puback, 2, Success);
  const { fewer, bytes } = client.acks!;
  assertEquals(fewer.isClosed, false);
  journal.succeed(first);
  await fewer;
  assertEquals(client.acks!.bytes, bytes / 2);
  assertEquals(client.acks!.fewer.isClosed, false);
});
