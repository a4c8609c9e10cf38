import { assert, assertEquals } from "@std/assert";
import type { QoS } from "../../codec/mod.ts";
import { OutboundWindow } from "../../flow/outbound_window.ts";
import { Batch } from "../../store/batch.ts";
import { MemoryStore } from "../../store/mod.ts";
import { ChunkCache } from "../../stream/chunk_cache.ts";
import { PendingMessage } from "../../stream/stream_group.ts";
import { StreamTable } from "../../stream/stream_table.ts";
import type { BrokerLimits } from "../base/limits.ts";
import type { Message } from "../base/message.ts";
import type { InflightMessage } from "../session/inflight_message.ts";
import { testContext } from "../testdata/test_context.ts";
import { GroupDispatch } from "./group_dispatch.ts";
import { GroupMember } from "./group_member.ts";
import { ReplayShare } from "./replay_share.ts";
import type { ReplayingSession } from "./replaying_session.ts";
import type { DeadLetterKeeper } from "./undeliverable_message.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A member with a client that takes everything, and what it was sent. */
class Client {
  readonly sent: string[] = [];
  readonly member: GroupMember;
  mayReceive = true;
  hasRoom = true;
  hasEnded = false;
  readonly #window = new OutboundWindow<InflightMessage>(65_535);
  readonly #link = {
    outbox: this,
    wire: { v5: false },
    sender: { isPlain: () => false },
    send: ({ payload }: Message) => {
      this.sent.push(decoder.decode(payload));
      return true;
    },
  };

  constructor(readonly clientId: string, qos: QoS = 1) {
    const session = {
      clientId,
      expirySeconds: 0,
      queue: { messages: 0, markChanged: () => {} },
      openInflight: () => ({ window: this.#window, mayOpen: this.#window.mayOpen }),
      mayReceive: () => this.mayReceive,
    };
    Object.defineProperty(session, "link", { get: () => this.hasEnded ? null : this.#link });
    Object.defineProperty(session, "hasEnded", { get: () => this.hasEnded });
    const request = { qos, identifier: 0, prefix: "", mountBytes: 0 };
    type Request = ConstructorParameters<typeof GroupMember>[1];
    this.member = new GroupMember(
      session as unknown as ReplayingSession,
      request as Request,
      () => {},
    );
  }

  /** The messages that it has not acknowledged. */
  get unacknowledged(): number[] {
    return [...this.member.exchanges.keys()].map(({ seq }) => seq);
  }

  /** Answers messages, all of them by default. */
  answer(reasonCode: number, ...seqs: number[]): void {
    for (const [{ seq }, exchange] of [...this.member.exchanges]) {
      if (seqs.length > 0 && !seqs.includes(seq)) continue;
      this.#window.close(exchange);
      exchange.message!.onFinished(reasonCode);
    }
  }
}

interface WorldOptions {
  readonly limits?: Partial<BrokerLimits>;
  readonly isExclusive?: boolean;
  readonly deliveriesMax?: number;
  /** What is pending when the group is read from the store. */
  readonly pending?: readonly PendingMessage[];
}

/** A group of a stream with messages, "1", "2" and so on. */
async function world(count: number, options: WorldOptions = {}) {
  const { limits, isExclusive = false, deliveriesMax = Infinity, pending = [] } = options;
  const reports: string[] = [];
  const hooks = { limited: ({ reason }: { reason: string }) => void reports.push(reason) };
  const { context, clock } = testContext(limits, hooks);
  const store = new MemoryStore();
  const table = await StreamTable.open({
    ...{ store, cache: new ChunkCache(store), commits: { markChanged: () => {} } },
    now: () => clock.now(),
    reportError: (error: unknown) => {
      throw error;
    },
    ...{
      pause: () => Promise.resolve(),
      references: null,
      topicsMax: () => 100,
      aheadBytesMax: () => 0,
    },
  });
  const log = table.declare("day", "", { maxMessages: 1_000_000 });
  for (let i = 1; i <= count; i++) {
    const buffer = encoder.encode(`${i}`);
    log.append({
      topic: encoder.encode("t/1"),
      buffer,
      ...{ propertiesStart: 0, propertiesEnd: 0, payloadStart: 0, payloadEnd: buffer.length },
      ...{ qos: 0, retain: false, expirySeconds: -1, publisher: null, isRevoked: false },
    });
  }
  log.write(new Batch());
  log.onCommitted();
  const next = (pending.at(-1)?.seq ?? 0) + 1;
  const group = log.groups.add({ name: "g", filter: "t/#", isExclusive, next, pending });
  const dead: [seq: number, reason: string, clientId: string | null][] = [];
  const deadLetters: DeadLetterKeeper = {
    keep: (_log, { seq }, { reason, clientId }) => dead.push([seq, reason, clientId]) > 0,
    deliveriesMax: () => deliveriesMax,
  };
  const share = new ReplayShare(context);
  const dispatch = new GroupDispatch({ context, share, deadLetters }, log, group);
  group.distributor = dispatch;
  const join = (clientId: string, qos?: QoS) => {
    const client = new Client(clientId, qos);
    dispatch.join(client.member);
    return client;
  };
  /** The connection of a client, and its session, are gone. */
  const end = (client: Client) => {
    client.hasEnded = true;
    dispatch.leave(client.member, null);
  };
  return { context, log, group, dispatch, join, end, dead, reports };
}

Deno.test("GroupDispatch gives each message to one member, in turn", async () => {
  const { dispatch, join } = await world(5);
  const [ann, bob] = [join("ann"), join("bob")];
  assertEquals([dispatch.pump(), ann.sent, bob.sent], [true, ["1", "3", "5"], ["2", "4"]]);
  assertEquals(dispatch.pump(), false);
});

Deno.test("GroupDispatch keeps a message pending until its member acknowledges it, in any order", async () => {
  const { dispatch, group, join } = await world(4);
  const ann = join("ann");
  dispatch.pump();
  ann.answer(0, 2, 4);
  assertEquals([...group.pending()].map(({ seq }) => seq), [1, 3]);
  ann.answer(0);
  assertEquals([group.size, group.next], [0, 5]);
});

Deno.test("GroupDispatch is done with a QoS 0 message when it is sent", async () => {
  const { dispatch, group, join } = await world(3);
  const ann = join("ann", 0);
  dispatch.pump();
  assertEquals([ann.sent, ann.unacknowledged, group.size], [["1", "2", "3"], [], 0]);
});

Deno.test("GroupDispatch sends what a member that is gone has not acknowledged to others, before new messages", async () => {
  const { dispatch, group, join, end } = await world(6, { limits: { groupPendingMax: 4 } });
  const [ann, bob] = [join("ann"), join("bob")];
  dispatch.pump();
  assertEquals([ann.unacknowledged, bob.unacknowledged], [[1, 3], [2, 4]]);
  bob.answer(0, 2);
  end(ann);
  dispatch.pump();
  assertEquals(bob.sent, ["2", "4", "1", "3", "5"]);
  assertEquals([...group.pending()].map(({ deliveries }) => deliveries), [2, 2, 1, 1]);
});

Deno.test("GroupDispatch lets a member that has left acknowledge what it has [MQTT-3.10.4-3]", async () => {
  const { dispatch, group, join } = await world(4);
  const [ann, bob] = [join("ann"), join("bob")];
  dispatch.pump();
  dispatch.leave(ann.member, null);
  dispatch.pump();
  assertEquals(bob.sent, ["2", "4"]);
  ann.answer(0);
  assertEquals([...group.pending()].map(({ seq }) => seq), [2, 4]);
});

Deno.test("GroupDispatch gives others nothing that a member has again after it has returned", async () => {
  const { dispatch, group, join } = await world(4);
  const ann = join("ann");
  dispatch.pump();
  ann.hasEnded = true;
  dispatch.passOn(ann.member, false);
  ann.hasEnded = false;
  dispatch.onReturned(ann.member);
  const bob = join("bob");
  assertEquals([dispatch.pump(), bob.sent, ann.unacknowledged], [false, [], [1, 2, 3, 4]]);
  // Its session sends them again, which counts.
  assertEquals([...group.pending()].map(({ deliveries }) => deliveries), [2, 2, 2, 2]);
});

Deno.test("GroupDispatch gives up a message that a member refuses, with 0x80 or more [MQTT-4.8.2-6]", async () => {
  const { dispatch, group, join, dead } = await world(3);
  const ann = join("ann");
  dispatch.pump();
  ann.answer(0x80, 2);
  dispatch.pump();
  assertEquals(dead, [[2, "refused", "ann"]]);
  assertEquals([...group.pending()].map(({ seq }) => seq), [1, 3]);
});

Deno.test("GroupDispatch gives up a message whose members have gone too often", async () => {
  const { dispatch, group, join, end, dead } = await world(1, { deliveriesMax: 2 });
  for (const name of ["ann", "bob"]) {
    const client = join(name);
    dispatch.pump();
    assertEquals(client.sent, ["1"]);
    end(client);
  }
  dispatch.pump();
  assertEquals([dead, group.size], [[[1, "max-deliver", "bob"]], 0]);
});

Deno.test("GroupDispatch gives up a message that no connected member may receive, and goes on with the next", async () => {
  const { dispatch, join, dead } = await world(2);
  const ann = join("ann");
  ann.mayReceive = false;
  dispatch.pump();
  assertEquals(dead, [[1, "read-denied", "ann"], [2, "read-denied", "ann"]]);
});

Deno.test("GroupDispatch sends nothing new while groupPendingMax messages are pending, and says so once", async () => {
  const { dispatch, join, reports } = await world(5, { limits: { groupPendingMax: 2 } });
  const ann = join("ann");
  dispatch.pump();
  dispatch.pump();
  assertEquals([ann.sent, reports], [["1", "2"], ["group-pending"]]);
  ann.answer(0, 1);
  dispatch.pump();
  assertEquals([ann.sent, reports], [["1", "2", "3"], ["group-pending", "group-pending"]]);
});

Deno.test("GroupDispatch waits for a member with room", async () => {
  const { dispatch, join } = await world(2);
  const ann = join("ann");
  ann.hasRoom = false;
  assertEquals([dispatch.pump(), ann.sent], [false, []]);
  ann.hasRoom = true;
  assertEquals([dispatch.pump(), ann.sent], [true, ["1", "2"]]);
});

Deno.test("GroupDispatch of an exclusive group gives everything to one member, and what it had to the next", async () => {
  const { dispatch, join, end } = await world(3, { isExclusive: true });
  const [ann, bob] = [join("ann"), join("bob")];
  dispatch.pump();
  assertEquals([ann.sent, bob.sent], [["1", "2", "3"], []]);
  end(ann);
  dispatch.pump();
  assertEquals(bob.sent, ["1", "2", "3"]);
});

Deno.test("GroupDispatch begins where the group is moved to", async () => {
  const { dispatch, group, join } = await world(5);
  const ann = join("ann");
  dispatch.pump();
  group.moveTo(5, [2]);
  dispatch.pump();
  assertEquals(ann.sent.slice(5), ["2", "5"]);
});

Deno.test("GroupDispatch looks at no more than the logarithm of the waiting messages for each that it passes on", async () => {
  let looks = 0;
  /** A message that counts how often its sequence is looked at. */
  class Counted extends PendingMessage {
    constructor(seq: number) {
      super(seq, 0);
      Object.defineProperty(this, "seq", {
        get: () => {
          looks++;
          return seq;
        },
      });
    }
  }
  const looksAt = async (count: number) => {
    const pending = Array.from({ length: count }, (_, i) => new Counted(i + 1));
    const { dispatch, join, dead } = await world(count, { pending });
    // Each message is tried with the member, waits again, and is given up.
    join("ann").mayReceive = false;
    looks = 0;
    for (let pumps = 0; dead.length < count && pumps < count; pumps++) dispatch.pump();
    assertEquals(dead.length, count);
    return looks / count;
  };
  const [few, many] = [await looksAt(100), await looksAt(3200)];
  // Each of the searches takes five more steps among 32 times as many messages.
  assert(many <= few + 8 * 5, `${few} and then ${many} looks for each message`);
});
