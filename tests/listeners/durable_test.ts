/** What the rules of listeners mean for sessions that survive a restart. */
import { assertEquals } from "@std/assert";
import { Broker, connect } from "../../mod.ts";
import { MemoryStore } from "../../store/mod.ts";

const session = { clientId: "s", sessionExpirySeconds: 1000 };
const decoder = new TextDecoder();

Deno.test("QoS 0 messages wait through a restart, and for a session that was restored", async () => {
  const rules = { queueQoS0: true, mountPoint: "m/" };
  const store = new MemoryStore();
  {
    await using broker = await Broker.open(store, { rules });
    const { port } = await broker.listen({ port: 0 });
    const away = await connect(`mqtt://127.0.0.1:${port}`, session);
    await away.subscribe("a", { qos: 1 });
    await away.close();
    broker.publish("m/a", "before");
    broker.publish("m/a", "acknowledged", { qos: 1 });
  }
  await using broker = await Broker.open(MemoryStore.from(store.snapshot()), { rules });
  broker.publish("m/a", "after");
  const { port } = await broker.listen({ port: 0 });
  await using back = await connect(`mqtt://127.0.0.1:${port}`, { ...session, cleanStart: false });
  assertEquals(back.server.sessionPresent, true);
  const got: string[] = [];
  for await (const { topic, qos, payload } of await back.subscribe("a", { qos: 1 })) {
    got.push(`${topic} ${qos} ${decoder.decode(payload)}`);
    if (got.length === 3) broker.publish("m/a", "live");
    if (got.length === 4) break;
  }
  assertEquals(got, ["a 0 before", "a 1 acknowledged", "a 0 after", "a 0 live"]);
});
