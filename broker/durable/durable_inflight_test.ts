import { assertEquals } from "@std/assert";
import { OutboundWindow, type PublishExchange } from "../../flow/outbound_window.ts";
import { Commit } from "../base/commit.ts";
import type { InflightMessage } from "../session/inflight_message.ts";
import { message, textOf, variant } from "../testdata/messages.ts";
import { TestLink } from "../testdata/test_queue_owner.ts";
import { DurableInflight } from "./durable_inflight.ts";
import { StoredInflight, storedOf } from "./stored_inflight.ts";

/** Messages in flight, and commits that end as the test says. */
class InflightWorld {
  readonly link = new TestLink();
  readonly journal = { gathering: new Commit(1), done: 0 };
  readonly session = {
    link: this.link.asLink as TestLink["asLink"] | null,
    inflightMessages: {
      transmit: (_link: unknown, exchange: PublishExchange<InflightMessage>) =>
        this.#transmit(exchange),
    },
  };
  readonly inflight = new DurableInflight(this.journal, this.session);
  /** What was sent. */
  readonly sent: string[] = [];
  /** Called with each message that is sent. */
  onSent: (exchange: PublishExchange<InflightMessage>) => void = () => {};
  readonly #window = new OutboundWindow<InflightMessage>(100);

  open(payload: string, qos: 1 | 2 = 1): PublishExchange<InflightMessage> {
    const stored = new StoredInflight(message("t", payload, { qos }).keep(), variant(), qos, null);
    return this.#window.open(qos, stored);
  }

  /** Ends the commit that gathers changes. */
  end(isDone: boolean): void {
    const commit = this.journal.gathering;
    this.journal.gathering = new Commit(commit.number + 1);
    if (isDone) this.journal.done = commit.number;
    const report = (error: unknown) => {
      throw error;
    };
    if (isDone) commit.succeed(report);
    else commit.fail(new Error("full"), report);
  }

  #transmit(exchange: PublishExchange<InflightMessage>): void {
    this.sent.push(exchange.phase === "pubcomp" ? "PUBREL" : textOf(exchange.message!.message!));
    this.onSent(exchange);
  }
}

Deno.test("DurableInflight sends what waits for no commit at once", () => {
  const { inflight, sent, ...world } = bound();
  inflight.send(world.open("x"));
  assertEquals(sent, ["x"]);
});

Deno.test("DurableInflight sends nothing before its commit, and nothing past what waits [MQTT-4.6.0-6]", () => {
  const { inflight, sent, ...world } = bound();
  const held = world.open("x", 2);
  inflight.holdForCommit(storedOf(held));
  inflight.send(held);
  inflight.send(world.open("y"));
  assertEquals(sent, []);
  world.end(true);
  assertEquals(sent, ["x", "y"]);
});

Deno.test("DurableInflight waits for the next commit after a failed one", () => {
  const { inflight, sent, journal, ...world } = bound();
  const held = world.open("x", 2);
  inflight.holdForCommit(storedOf(held));
  inflight.send(held);
  world.end(false);
  assertEquals([sent, journal.gathering.number], [[], 2]);
  world.end(true);
  assertEquals(sent, ["x"]);
});

Deno.test("DurableInflight sends up to the first message that still waits", () => {
  const { inflight, sent, ...world } = bound();
  const first = world.open("x", 2);
  inflight.holdForCommit(storedOf(first));
  inflight.send(first);
  world.end(false);
  const second = world.open("y", 2);
  // It waits for a later commit than the one that is gathering.
  storedOf(second).commit = 3;
  inflight.send(second);
  world.end(true);
  assertEquals(sent, ["x"]);
});

Deno.test("DurableInflight sends a PUBREL that a sent message becomes behind the others", () => {
  const { inflight, sent, ...world } = bound();
  const [first, second] = [world.open("x", 2), world.open("y")];
  world.onSent((exchange) => {
    if (exchange !== first || exchange.phase === "pubcomp") return;
    exchange.phase = "pubcomp";
    inflight.send(exchange);
  });
  inflight.holdForCommit(storedOf(first));
  inflight.send(first);
  inflight.send(second);
  world.end(true);
  assertEquals(sent, ["x", "y", "PUBREL"]);
});

Deno.test("DurableInflight.repeatPubrel() waits for the commit of the first PUBREL", () => {
  const { inflight, link, ...world } = bound();
  const exchange = world.open("x", 2);
  inflight.holdForCommit(storedOf(exchange));
  inflight.repeatPubrel(exchange);
  assertEquals(link.taken(), []);
  world.end(true);
  inflight.repeatPubrel(exchange);
  assertEquals(link.taken(), ["PUBREL #1"]);
});

Deno.test("DurableInflight sends nothing without a connection, nor what was cleared", () => {
  const { inflight, sent, session, link, ...world } = bound();
  session.link = null;
  inflight.send(world.open("x"));
  assertEquals(sent, []);
  inflight.clear();
  session.link = link.asLink;
  inflight.send(world.open("y"));
  assertEquals(sent, ["y"]);
});

/** The parts of a world, with methods that can be called on their own. */
function bound() {
  const world = new InflightWorld();
  const { inflight, sent, journal, session, link } = world;
  return {
    inflight,
    sent,
    journal,
    session,
    link,
    open: world.open.bind(world),
    end: world.end.bind(world),
    onSent: (call: InflightWorld["onSent"]) => void (world.onSent = call),
  };
}
