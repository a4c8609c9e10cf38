import { assertEquals } from "@std/assert";
import { Broker, connect } from "../../mod.ts";
import type { Authorizer } from "../../auth/mod.ts";
import { MemoryStore, SqliteStore, type Store } from "../../store/mod.ts";

/** Makes a store, and opens again what it has left behind. */
interface Place {
  open(): Promise<Store>;
  [Symbol.asyncDispose](): Promise<void>;
}

function inMemory(): Place {
  let last: MemoryStore | null = null;
  return {
    open() {
      last = last === null ? new MemoryStore() : MemoryStore.from(last.snapshot());
      return Promise.resolve(last);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function onDisk(): Promise<Place> {
  const directory = await Deno.makeTempDir();
  return {
    open: () => SqliteStore.open(directory),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

for (const [name, place] of [["MemoryStore", inMemory], ["SqliteStore", onDisk]] as const) {
  for (const qos of [1, 2] as const) {
    Deno.test(`broker with ${name} keeps QoS ${qos} messages for a session that is away`, async () => {
      await using where = await place();
      const text: string[] = [];
      {
        await using broker = await Broker.open(await where.open());
        const { port } = await broker.listen({ port: 0 });
        const url = `mqtt://127.0.0.1:${port}`;
        const away = await connect(url, { clientId: "away", sessionExpirySeconds: 1000 });
        await away.subscribe("news/#", { qos });
        await away.close();
        await using publisher = await connect(url, { clientId: "publisher" });
        for (let i = 0; i < 300; i++) {
          await publisher.publish(`news/${i % 3}`, `${i}`, { qos, retain: i === 7 });
        }
      }
      await using broker = await Broker.open(await where.open());
      assertEquals(broker.stats.sessions, 1);
      assertEquals(broker.stats.retainedMessages, 1);
      const { port } = await broker.listen({ port: 0 });
      const url = `mqtt://127.0.0.1:${port}`;
      await using back = await connect(url, {
        clientId: "away",
        cleanStart: false,
        sessionExpirySeconds: 1000,
      });
      assertEquals(back.server.sessionPresent, true);
      const messages = await back.subscribe("news/#", { qos, retainHandling: 2 });
      for await (const message of messages) {
        text.push(new TextDecoder().decode(message.payload));
        if (text.length === 300) break;
      }
      assertEquals(text, Array.from({ length: 300 }, (_, i) => `${i}`));
    });
  }
}

Deno.test("a will that was stored is asked about when it is published after a restart", async () => {
  await using where = await inMemory();
  const asked: string[] = [];
  const rules = (denied: string): Authorizer => ({
    mayPublish({ username }, { topic }) {
      asked.push(`${username} ${topic}`);
      return username !== denied;
    },
    maySubscribe: () => true,
  });
  {
    await using broker = await Broker.open(await where.open(), { authorizer: rules("") });
    const { port } = await broker.listen({ port: 0 });
    for (const username of ["ann", "bob"]) {
      const properties = { willDelayInterval: 1000 };
      const will = { topic: `will/${username}`, payload: "lost", retain: true, properties };
      const options = { clientId: username, username, sessionExpirySeconds: 2000, will };
      const client = await connect(`mqtt://127.0.0.1:${port}`, options);
      await client.close({ withWill: true });
    }
  }
  assertEquals(asked.splice(0), ["ann will/ann", "bob will/bob"]);
  const dropped = Promise.withResolvers<string | null>();
  await using broker = await Broker.open(await where.open(), {
    authorizer: rules("bob"),
    // Both are due by now.
    wallClock: () => Date.now() + 1_500_000,
    hooks: { dropped: ({ topic }) => dropped.resolve(topic) },
  });
  assertEquals(await dropped.promise, "will/bob");
  assertEquals(asked.sort(), ["ann will/ann", "bob will/bob"]);
  assertEquals(broker.stats.retainedMessages, 1);
});
