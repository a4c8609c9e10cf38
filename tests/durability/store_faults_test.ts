import { assert, assertEquals } from "@std/assert";
import { Broker } from "../../mod.ts";
import { MemoryStore, type Store, StoreError, StoreFullError } from "../../store/mod.ts";
import { uint16At, Wire } from "../crash/wire.ts";
import { FaultyStore, type StoreCall, type StoreFault } from "../harness/faulty_store.ts";
import { within } from "../harness/deadline.ts";
import { connect, puback, publish, subscribe, uint32 } from "../harness/packets.ts";

const PUBLISH = 3;
const PUBACK = 4;
const SUBACK = 9;
const MESSAGES = 6;
const QUOTA_EXCEEDED = 0x97;
const DURABLE = Uint8Array.of(0x11, ...uint32(1000));
/** Where the last call is that a test makes, at most. */
const CALLS_MAX = 40;
const DEADLINE_MS = 20_000;

/** A client with a session that survives, once the broker lets it in; refused, it tries again. */
async function comeIn(port: number, clientId: string): Promise<Wire> {
  for (;;) {
    const wire = (await Wire.dial(port))!;
    wire.send(connect({ level: 5, clientId, clean: false, properties: DURABLE }));
    const answer = await wire.next();
    if (answer?.body[1] === 0) return wire;
    assertEquals(answer?.body[1], QUOTA_EXCEEDED);
    wire.close();
  }
}

/** What the broker has acknowledged and refused, while its store fails at one call. */
async function play(store: FaultyStore): Promise<{ kept: string[]; refused: string[] }> {
  const kept: string[] = [];
  const refused: string[] = [];
  await using broker = await Broker.open(store);
  const { port } = await broker.listen({ port: 0 });
  const away = await comeIn(port, "away");
  away.send(subscribe({ "t/#": 1 }, { level: 5 }));
  while ((await away.next())!.type !== SUBACK);
  away.close();
  const publisher = await comeIn(port, "publisher");
  for (let i = 1; i <= MESSAGES; i++) {
    publisher.send(publish("t/x", `message ${i}`, { level: 5, qos: 1, packetId: i }));
    const { type, body } = (await publisher.next())!;
    assertEquals([type, uint16At(body, 0)], [PUBACK, i]);
    const isRefused = (body[2] ?? 0) >= 0x80;
    if (isRefused) assertEquals(body[2], QUOTA_EXCEEDED);
    (isRefused ? refused : kept).push(`message ${i}`);
  }
  publisher.close();
  return { kept, refused };
}

/** What the session gets when it returns, up to a last message. */
async function received(store: Store): Promise<string[]> {
  await using broker = await Broker.open(store);
  const { port } = await broker.listen({ port: 0 });
  const wire = await comeIn(port, "away");
  broker.publish("t/last", "the last", { qos: 1 });
  const texts: string[] = [];
  for (let frame = await wire.next(); frame !== null; frame = await wire.next()) {
    if (frame.type !== PUBLISH) continue;
    const topicEnd = 2 + uint16At(frame.body, 0);
    wire.send(puback(uint16At(frame.body, topicEnd)));
    const text = new TextDecoder().decode(frame.body.subarray(topicEnd + 3));
    if (text === "the last") break;
    texts.push(text);
  }
  wire.close();
  return texts;
}

/** Has the session return while the store fails at one call. Returns how often it did. */
async function failuresOfReturn(
  disk: MemoryStore,
  kept: string[],
  fault: StoreFault,
): Promise<number> {
  const store = new FaultyStore(MemoryStore.from(disk.snapshot()), fault);
  try {
    assertEquals(await within("all is received", received(store), DEADLINE_MS), kept);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
  return store.failures;
}

for (const call of ["commit", "get", "scan"] as const satisfies readonly StoreCall[]) {
  for (const [name, make] of Object.entries({ StoreFullError, StoreError })) {
    Deno.test(`broker keeps what it acknowledged when any ${call} fails with ${name}`, async () => {
      for (let at = 1; at <= CALLS_MAX; at++) {
        const disk = new MemoryStore();
        const error = () => new make("by the test");
        const store = new FaultyStore(disk, { call, at, error });
        let outcome: Awaited<ReturnType<typeof play>>;
        try {
          outcome = await within(`${call} ${at} is got over`, play(store), DEADLINE_MS);
        } catch (error) {
          // The broker does not start on what it cannot read.
          assert(error instanceof StoreError && call !== "commit", `${call} ${at}: ${error}`);
          continue;
        }
        const { kept } = outcome;
        const texts = await within("all is received", received(MemoryStore.from(disk.snapshot())));
        assertEquals(texts, kept, `${call} ${at}: what was refused is not sent, all else is`);
        const failures = store.failures +
          (call === "commit" ? 0 : await failuresOfReturn(disk, kept, { call, at, error }));
        if (failures === 0) return;
      }
      throw new Error(`More than ${CALLS_MAX} calls of ${call}`);
    });
  }
}
