import { assertEquals } from "@std/assert";
import type { Opened, Opening } from "../../transport/opening.ts";
import type { PeerInfo, Transport } from "../../transport/transport.ts";
import type { BrokerLimits } from "../base/limits.ts";
import { testContext } from "../testdata/test_context.ts";
import { PendingHandshakes } from "./pending_handshakes.ts";

/** Connections beyond the limit that may be in a handshake. */
const SPARE = 32;

/** A transport with a name, which knows whether it was closed. */
class TestTransport implements Transport {
  isClosed = false;

  constructor(readonly name: string) {}

  read(): Promise<null> {
    return Promise.resolve(null);
  }

  write(source: Uint8Array): Promise<number> {
    return Promise.resolve(source.length);
  }

  close(): void {
    this.isClosed = true;
  }
}

/** A step of a handshake that ends when the test says so. */
class TestOpening {
  readonly #ended = Promise.withResolvers<Opened>();
  /** What it was given; `null` before. */
  given: { transport: Transport; peer: PeerInfo } | null = null;

  readonly opening: Opening = (transport, peer) => {
    this.given = { transport, peer };
    return this.#ended.promise;
  };

  succeed(transport: Transport, peer: PeerInfo): void {
    this.#ended.resolve({ transport, peer });
  }

  fail(error: Error): void {
    this.#ended.reject(error);
  }
}

/** Handshakes, and what became of them. */
class World {
  readonly clock;
  readonly context;
  readonly room = { pendingMax: 1000 };
  readonly handshakes: PendingHandshakes;
  /** Who has come in, and whose handshake has failed, in words. */
  readonly told: string[] = [];

  constructor(limits: Partial<BrokerLimits> = {}) {
    const { clock, context } = testContext(limits, {
      handshakeFailed: (address, error) => {
        this.told.push(`${address} failed: ${(error as Error).message}`);
      },
    });
    this.clock = clock;
    this.context = context;
    this.handshakes = new PendingHandshakes(context, this.room);
  }

  open(address: string, ...steps: TestOpening[]): TestTransport {
    const transport = new TestTransport(address);
    const openings = steps.map(({ opening }) => opening);
    this.handshakes.open(transport, { address }, openings, (entered, peer) => {
      this.told.push(`${peer.address} entered by ${(entered as TestTransport).name}`);
    });
    return transport;
  }

  get counts(): [pending: number, failed: number] {
    const { pendingHandshakes, handshakesFailed } = this.context.stats;
    return [pendingHandshakes, handshakesFailed];
  }
}

Deno.test("PendingHandshakes does the steps in order, each on what the one before has made", async () => {
  const world = new World();
  const [first, second] = [new TestOpening(), new TestOpening()];
  world.open("proxy", first, second);
  assertEquals([second.given, world.counts], [null, [1, 0]]);
  const decrypted = new TestTransport("TLS");
  first.succeed(decrypted, { address: "client" });
  await world.clock.settle();
  assertEquals(second.given, { transport: decrypted, peer: { address: "client" } });
  second.succeed(new TestTransport("WebSocket"), { address: "client" });
  await world.clock.settle();
  assertEquals([world.told, world.counts], [["client entered by WebSocket"], [0, 0]]);
});

Deno.test("PendingHandshakes passes a connection on that has nothing to do", async () => {
  const world = new World();
  world.open("a");
  await world.clock.settle();
  assertEquals([world.told, world.counts], [["a entered by a"], [0, 0]]);
});

Deno.test("PendingHandshakes closes a connection whose handshake fails, as far as it has come", async () => {
  const world = new World();
  const [first, second] = [new TestOpening(), new TestOpening()];
  const transport = world.open("a", first, second);
  const inner = new TestTransport("inner");
  first.succeed(inner, { address: "b" });
  await world.clock.settle();
  second.fail(new Error("No WebSocket"));
  await world.clock.settle();
  // The inner transport closes the outer one.
  assertEquals([transport.isClosed, inner.isClosed], [false, true]);
  assertEquals([world.told, world.counts], [["b failed: No WebSocket"], [0, 1]]);
});

Deno.test("PendingHandshakes closes a connection whose steps together take too long", async () => {
  const world = new World({ handshakeTimeoutMs: 1000 });
  const [first, second] = [new TestOpening(), new TestOpening()];
  const transport = world.open("a", first, second);
  await world.clock.advance(600);
  first.succeed(transport, { address: "a" });
  await world.clock.advance(399);
  assertEquals(transport.isClosed, false);
  await world.clock.advance(1);
  assertEquals(transport.isClosed, true);
  // The step finds the pipe closed.
  second.fail(new Error("The pipe is closed"));
  await world.clock.settle();
  assertEquals(world.told, ["a failed: Handshake is not over after 1000 ms"]);
});

Deno.test("PendingHandshakes does not go on with a connection that was closed during a step", async () => {
  const world = new World({ handshakeTimeoutMs: 1000 });
  const [first, second] = [new TestOpening(), new TestOpening()];
  const transport = world.open("a", first, second);
  await world.clock.advance(1000);
  first.succeed(transport, { address: "a" });
  await world.clock.settle();
  assertEquals([second.given, world.counts], [null, [0, 1]]);
  assertEquals(world.told, ["a failed: Handshake is not over after 1000 ms"]);
});

Deno.test("PendingHandshakes closes the oldest for one more than pendingHandshakesMax", async () => {
  const world = new World({ pendingHandshakesMax: 2 });
  const steps = Array.from({ length: 4 }, () => new TestOpening());
  const transports = steps.map((step, i) => world.open(`${i}`, step));
  assertEquals(transports.map(({ isClosed }) => isClosed), [true, true, false, false]);
  for (const step of steps.slice(0, 2)) step.fail(new Error("The pipe is closed"));
  steps[3]!.succeed(transports[3]!, { address: "3" });
  await world.clock.settle();
  assertEquals(world.told.sort(), [
    "0 failed: Too many handshakes at once",
    "1 failed: Too many handshakes at once",
    "3 entered by 3",
  ]);
});

Deno.test("PendingHandshakes leaves room for few beyond connectionsMax, and always for one", () => {
  const world = new World();
  world.room.pendingMax = SPARE;
  const open = () => world.open("a", new TestOpening());
  const within = Array.from({ length: SPARE }, open);
  assertEquals(within.filter(({ isClosed }) => isClosed), []);
  open();
  assertEquals(within.map(({ isClosed }) => isClosed).indexOf(false), 1);
  world.room.pendingMax = 0;
  const last = open();
  assertEquals([within.every(({ isClosed }) => isClosed), last.isClosed], [true, false]);
});

Deno.test("PendingHandshakes.close() closes all of them", async () => {
  const world = new World();
  const steps = [new TestOpening(), new TestOpening()];
  const transports = steps.map((step, i) => world.open(`${i}`, step));
  world.handshakes.close();
  assertEquals(transports.map(({ isClosed }) => isClosed), [true, true]);
  for (const step of steps) step.fail(new Error("The pipe is closed"));
  await world.clock.settle();
  assertEquals([world.told, world.context.scheduler.size], [
    ["0 failed: The broker is closing", "1 failed: The broker is closing"],
    0,
  ]);
});

Deno.test("PendingHandshakes is not stopped by a hook that throws", async () => {
  const errors: unknown[] = [];
  const { clock, context } = testContext({}, {
    handshakeFailed: () => {
      throw new Error("of the program");
    },
    failed: (error) => errors.push((error as Error).message),
  });
  const handshakes = new PendingHandshakes(context, { pendingMax: 1000 });
  const step = new TestOpening();
  const transport = new TestTransport("a");
  const opened = handshakes.open(transport, { address: "a" }, [step.opening], () => {});
  step.fail(new Error("No TLS"));
  await clock.settle();
  await opened;
  assertEquals([errors, context.stats.handshakesFailed], [["of the program"], 1]);
});
