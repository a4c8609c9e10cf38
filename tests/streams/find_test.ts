import { assert, assertEquals } from "@std/assert";
import { MemoryStore, type Store } from "../../store/mod.ts";
import { Streams } from "../../stream/mod.ts";

const MESSAGES = 100_000;
/** Between two messages, in milliseconds. */
const STEP_MS = 10;

/** A store that counts what is read of it. */
function counting(store: MemoryStore): { store: Store; reads: () => number } {
  let reads = 0;
  const counted = (name: "get" | "scan") => (...args: unknown[]) => {
    reads++;
    return (store[name] as (...args: unknown[]) => unknown)(...args);
  };
  const proxy = new Proxy(store, {
    get(target, name) {
      if (name === "get" || name === "scan") return counted(name);
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { store: proxy, reads: () => reads };
}

Deno.test("after, from and since find any of 100,000 messages with one read at most", async () => {
  const store = new MemoryStore();
  let nowMs = 0;
  const now = () => nowMs;
  {
    await using streams = await Streams.open(store, { now });
    const log = await streams.declare("log", { maxMessages: MESSAGES });
    let last: Promise<number> = Promise.resolve(0);
    for (let i = 1; i <= MESSAGES; i++) {
      nowMs = i * STEP_MS;
      last = log.append("t/1", `message ${i}`);
      if (i % 1000 === 0) await last;
    }
    await last;
  }
  const { store: counted, reads } = counting(MemoryStore.from(store.snapshot()));
  // Nothing is kept in memory: what was found is read anew each time.
  await using streams = await Streams.open(counted, { now, cacheBytesMax: 0 });
  const log = await streams.declare("log", { maxMessages: MESSAGES });
  const opening = reads();
  assert(opening < 20, `${opening} reads to open it`);
  let most = 0;
  for (let i = 1; i < 200; i++) {
    const seq = Math.floor(MESSAGES / 200 * i);
    const positions = [
      { after: seq - 1 },
      { from: seq },
      { since: seq * STEP_MS },
      { since: seq * STEP_MS - 3 },
    ];
    for (const position of positions) {
      const before = reads();
      for await (const message of log.read(position)) {
        assertEquals(message.seq, seq, JSON.stringify(position));
        break;
      }
      most = Math.max(most, reads() - before);
    }
  }
  assertEquals(most, 1);
});
