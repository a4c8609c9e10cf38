import { assertEquals } from "@std/assert";
import { Broker, connect } from "../../mod.ts";
import { MemoryStore } from "../../store/mod.ts";

/** So many sessions share logs; and more logs than pages stay in memory whatever they weigh. */
const SESSIONS = 9;
const TOPICS = 40;
const ROUNDS = 3;

Deno.test("sessions that return at once read from many logs, though no page fits into the memory", async () => {
  const limits = { storeCacheBytesMax: 0 };
  const first = new MemoryStore();
  const names = Array.from({ length: SESSIONS }, (_, i) => `away${i}`);
  {
    await using broker = await Broker.open(first, { limits });
    const { port } = await broker.listen({ port: 0 });
    const url = `mqtt://127.0.0.1:${port}`;
    for (const clientId of names) {
      const away = await connect(url, { clientId, sessionExpirySeconds: 1000 });
      // Each filter with a log of its own.
      for (let i = 0; i < TOPICS; i++) await away.subscribe(`t/${i}`, { qos: 1 });
      await away.close();
    }
    await using publisher = await connect(url);
    for (let i = 0; i < TOPICS * ROUNDS; i++) {
      await publisher.publish(`t/${i % TOPICS}`, `${i}`, { qos: 1 });
    }
  }
  await using broker = await Broker.open(MemoryStore.from(first.snapshot()), { limits });
  const { port } = await broker.listen({ port: 0 });
  const url = `mqtt://127.0.0.1:${port}`;
  const read = async (clientId: string) => {
    await using back = await connect(url, {
      clientId,
      cleanStart: false,
      sessionExpirySeconds: 1000,
    });
    const messages = await back.subscribe("t/#", { qos: 1, retainHandling: 2 });
    const text: string[] = [];
    for await (const message of messages) {
      text.push(new TextDecoder().decode(message.payload));
      if (text.length === TOPICS * ROUNDS) break;
    }
    return text;
  };
  const expected = Array.from({ length: TOPICS * ROUNDS }, (_, i) => `${i}`);
  for (const text of await Promise.all(names.map(read))) assertEquals(text, expected);
});
