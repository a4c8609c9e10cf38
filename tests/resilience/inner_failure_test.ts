/**
 * Failures inside of the broker, or of what the program has given it: they end
 * one connection at most, are reported, and leave everybody else alone.
 *
 * @module
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import type { Broker, BrokerOptions } from "../../mod.ts";
import { brokers } from "../harness/brokers.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { Bystanders, join } from "./_clients.ts";

class Planned extends Error {}

function fail(): never {
  throw new Planned("as planned");
}

/** Runs a test in which some things fail, of which the broker tells. */
async function withFailures(
  options: BrokerOptions,
  fn: (port: number, broker: Broker) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const hooks = { ...options.hooks, failed: (error: unknown) => void failures.push(error) };
  await using broker = brokers.make({ ...options, hooks });
  const { port } = await broker.listen({ port: 0 });
  await fn(port, broker);
  assertGreater(failures.length, 0);
  assert(failures.every((error) => error instanceof Planned), `${failures}`);
  assertEquals(broker.stats.internalErrors, failures.length);
}

for (
  const [how, authenticate] of Object.entries({
    throws: () => fail(),
    rejects: () => Promise.reject(new Planned("as planned")),
  })
) {
  Deno.test(`an authenticator that ${how} keeps one client out`, async () => {
    const authenticator = {
      authenticate: ({ clientId }: { clientId: string }) =>
        clientId === "faulty" ? authenticate() : Promise.resolve({ reasonCode: 0 }),
    };
    await withFailures({ authenticator }, async (port) => {
      await using bystanders = await Bystanders.join(port);
      for (const level of [4, 5] as const) {
        await using client = await RawClient.dial(port);
        await client.send(packets.connect({ level, clientId: "faulty" }));
        const [, , , reason] = await client.readFrame();
        assertEquals(reason, level === 5 ? 0x88 : 3);
        await client.expectClose();
      }
      await bystanders.check();
    });
  });

  Deno.test(`an authorizer that ${how} ends one connection`, async () => {
    const answer = (name: string) => name === "faulty" ? authenticate() : true;
    const authorizer = {
      mayPublish: (_: unknown, { topic }: { topic: string }) => answer(topic),
      maySubscribe: (_: unknown, { filter }: { filter: string }) => answer(filter),
    };
    await withFailures({ authorizer }, async (port) => {
      await using bystanders = await Bystanders.join(port);
      for (
        const sends of [packets.publish("faulty", ""), packets.subscribe({ "faulty": 0 })]
      ) {
        await using client = await join(port, { level: 4 });
        await client.send(sends);
        await client.expectClose();
      }
      await bystanders.check();
    });
  });
}

Deno.test("an authorizer that throws for a delivery keeps one message from one client", async () => {
  const authorizer = {
    mayPublish: () => true,
    maySubscribe: () => true,
    mayReceive: ({ clientId }: { clientId: string }) => clientId === "faulty" ? fail() : true,
  };
  await withFailures({ authorizer }, async (port, broker) => {
    await using bystanders = await Bystanders.join(port);
    await using client = await join(port, { clientId: "faulty" });
    await client.send(packets.subscribe({ a: 0 }), packets.publish("a", ""));
    await client.expect("90 03 0001 00");
    await client.expectSilence();
    await bystanders.check();
    assertEquals(broker.stats.dropped["read-denied"], 1);
  });
});

for (
  const [how, maySubscribe] of Object.entries({
    throws: () => fail(),
    rejects: () => Promise.reject(new Planned("as planned")),
  })
) {
  Deno.test(`an authorizer that ${how} when asked again has the client come again`, async () => {
    let isFaulty = false;
    const authorizer = {
      mayPublish: () => true,
      maySubscribe: (_: unknown, { filter }: { filter: string }) =>
        isFaulty && filter === "faulty" ? maySubscribe() : true,
    };
    await withFailures({ authorizer }, async (port, broker) => {
      await using bystanders = await Bystanders.join(port);
      await using client = await join(port, { level: 4, clientId: "c", clean: false });
      await client.send(packets.subscribe({ faulty: 0 }));
      await client.expect("90 03 0001 00");
      isFaulty = true;
      assertEquals(await broker.reauthorize(), 0);
      await client.expectClose();
      // Whoever comes before it is known what it may do is not let in.
      await using early = await RawClient.dial(port);
      await early.send(packets.connect({ clientId: "c", clean: false }));
      await early.expect("20 02 00 03");
      await early.expectClose();
      isFaulty = false;
      await using late = await join(port, { level: 4, clientId: "c", clean: false });
      await late.send(packets.publish("faulty", "x"));
      await late.expect(packets.publish("faulty", "x"));
      await bystanders.check();
      assertEquals(broker.stats.subscriptionsRevoked, 0);
    });
  });
}

for (const how of ["throws", "rejects"]) {
  Deno.test(`an authorizer that ${how} when asked about a will keeps it back`, async () => {
    let isFaulty = false;
    const authorizer = {
      mayPublish: () => {
        if (!isFaulty) return true;
        return how === "throws" ? fail() : Promise.reject(new Planned("as planned"));
      },
      maySubscribe: () => true,
    };
    const dropped = Promise.withResolvers<string>();
    const hooks = { dropped: ({ reason }: { reason: string }) => dropped.resolve(reason) };
    await withFailures({ authorizer, hooks }, async (port) => {
      await using client = await join(port, { will: { topic: "will", payload: "" } });
      isFaulty = true;
      client.close();
      assertEquals(await dropped.promise, "not-authorized");
    });
  });
}

Deno.test("hooks that throw change nothing", async () => {
  const hooks = {
    connected: fail,
    disconnected: fail,
    refused: fail,
    published: fail,
    dropped: fail,
  };
  await withFailures({ hooks }, async (port) => {
    await using bystanders = await Bystanders.join(port);
    await using client = await join(port, { level: 5, clientId: "me" });
    await using _ = await join(port, { level: 5, clientId: "me" });
    await using refused = await RawClient.dial(port);
    await refused.send(packets.connect({ level: 3, clientId: "" }));
    await refused.expect("20 02 00 02");
    await bystanders.check();
    assertEquals((await client.readFrame())[0], 0xe0);
  });
});

Deno.test("a hook that throws when it is told of a failure changes nothing", async () => {
  const hooks = { connected: fail, failed: fail };
  await using broker = brokers.make({ hooks });
  const { port } = await broker.listen({ port: 0 });
  await using bystanders = await Bystanders.join(port);
  await bystanders.check();
  assertEquals(broker.stats.internalErrors, 2);
});

Deno.test("a failure in the middle of a write ends one connection", async () => {
  await withFailures({}, async (port, broker) => {
    await using bystanders = await Bystanders.join(port);
    const bytes = packets.connect({ clientId: "faulty" });
    const closed = Promise.withResolvers<null>();
    broker.accept({
      read(target) {
        if (broker.stats.connectsAccepted > 2) return closed.promise;
        target.set(bytes);
        return Promise.resolve(bytes.length);
      },
      // A number of bytes that cannot be counted.
      write: () => Promise.resolve({ valueOf: fail } as unknown as number),
      close: () => closed.resolve(null),
    });
    await closed.promise;
    await bystanders.check();
  });
});
