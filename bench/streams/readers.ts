/** The memory of readers: each of them is a position, and the chunks are there once for all. */
import { encodePacket } from "../../codec/mod.ts";
import { Broker } from "../../mod.ts";
import { SqliteStore } from "../../store/mod.ts";
import { InstantPipe } from "../../tests/harness/instant_pipe.ts";

const READERS = 1000;
const MESSAGES = 1_000_000;
const PAYLOAD = new Uint8Array(100);

/** Measures what 1,000 readers at 1,000 positions take, beside clients that only subscribe. */
export async function readers(): Promise<string[]> {
  const directory = await Deno.makeTempDir();
  try {
    await using broker = await Broker.open(await SqliteStore.open(directory));
    const stream = await broker.declareStream({
      ...{ name: "day", filters: ["t/#"], maxMessages: MESSAGES },
    });
    let last: Promise<number> = Promise.resolve(0);
    for (let i = 0; i < MESSAGES; i++) {
      last = stream.append(`t/${i % 100}`, PAYLOAD);
      if (i % 10_000 === 0) await last;
    }
    await last;
    const start = await used(broker);
    const plain = await connect(broker, "plain", (i) => `other/${i}`);
    for (let i = 0; i < READERS; i++) broker.publish(`other/${i}`, PAYLOAD, { qos: 1 });
    const subscribed = await used(broker);
    const step = MESSAGES / READERS;
    const reading = await connect(broker, "reader", (i) => `$replay/day/from=${i * step + 1}/t/#`);
    const end = await used(broker);
    const each = (from: number, to: number) => `${((to - from) / READERS / 1024).toFixed(1)} KiB`;
    for (const pipe of [...plain, ...reading]) pipe.cut();
    return [
      `${READERS} clients with a subscription: ${each(start.heap, subscribed.heap)} each, ` +
      "with one message in flight",
      `${READERS} readers at as many positions of ${MESSAGES} messages: ` +
      `${each(subscribed.heap, end.heap)} each, with one message in flight`,
      `messages in memory for all of them: ${(end.pages / 1024 ** 2).toFixed(1)} MiB`,
    ];
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function used(broker: Broker): Promise<{ heap: number; pages: number }> {
  for (let round = 0; round < 5; round++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    (globalThis as { gc?: () => void }).gc?.();
  }
  const { heapUsed, external } = Deno.memoryUsage();
  const { pages } = broker.stats.memory;
  return { heap: heapUsed + external - pages, pages };
}

/** Connects clients that take one message and never acknowledge it. */
async function connect(
  broker: Broker,
  name: string,
  filter: (i: number) => string,
): Promise<InstantPipe[]> {
  const pipes: InstantPipe[] = [];
  for (let i = 0; i < READERS; i++) {
    const pipe = new InstantPipe(Infinity, () => {});
    broker.accept(pipe, { address: "192.0.2.1" });
    pipe.feed(encodePacket({
      ...{ type: "connect", protocolVersion: 5, clientId: `${name}${i}`, cleanStart: true },
      ...{ keepAlive: 0, properties: { receiveMaximum: 1 }, will: null },
      ...{ username: null, password: null },
    }, 5));
    const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    const subscriptions = [{ filter: filter(i), qos: 1, ...options } as const];
    pipe.feed(encodePacket({ type: "subscribe", packetId: 1, properties: {}, subscriptions }, 5));
    pipes.push(pipe);
    // Each has its message before the next one comes.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return pipes;
}
