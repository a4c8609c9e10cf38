/**
 * What a program's authenticator or authorizer must return is checked: the program is told, in a
 * `TypeError` that says what would be right; the one client is refused; nobody else notices.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Broker, connect } from "../../mod.ts";
import type { Authenticator, Authorizer } from "../../auth/mod.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";

const METHOD_A = "15 0001 41";

/** A broker that is told how wrong its program is. */
function broken(options: { authenticator?: unknown; authorizer?: unknown }) {
  const failures: unknown[] = [];
  const broker = new Broker({
    ...(options as { authenticator?: Authenticator; authorizer?: Authorizer }),
    hooks: { failed: (error) => failures.push(error) },
  });
  return { broker, failures };
}

function assertTold(failures: unknown[], message: RegExp, count: number): void {
  assertEquals(failures.length, count);
  for (const error of failures) {
    assert(error instanceof TypeError);
    assertMatch(error.message, message);
  }
}

/** What is wrong, and how it is named. */
const WRONG: readonly [unknown, string][] = [
  [true, "true"],
  [false, "false"],
  [undefined, "undefined"],
  [null, "null"],
  [{}, "an object with nothing"],
  [{ reasonCode: true }, "an object with reasonCode"],
  [{ reasonCode: 256 }, "an object with reasonCode"],
  [{ reasonCode: 0, username: 7 }, "an object with reasonCode, username"],
  [{ allow: true }, "an object with allow"],
  ["yes", "string"],
];

for (const [answer, named] of WRONG) {
  Deno.test(`an authenticator that returns ${JSON.stringify(answer)} is told of; nobody is let in`, async () => {
    const authenticator = {
      authenticate: ({ clientId }: { clientId: string }) =>
        clientId === "good"
          ? { reasonCode: 0 }
          : clientId === "later"
          ? Promise.resolve(answer)
          : answer,
    };
    const { broker, failures } = broken({ authenticator });
    await using _broker = broker;
    const { port } = await broker.listen({ port: 0 });
    await using good = await connect(`mqtt://127.0.0.1:${port}`, { clientId: "good" });
    for (const [level, reason] of [[4, 3], [5, 0x88]] as const) {
      for (const clientId of ["now", "later"]) {
        await using client = await RawClient.dial(port);
        await client.send(packets.connect({ level, clientId }));
        const connack = await client.readFrame();
        assertEquals([connack[0], connack[3]], [0x20, reason]);
        await client.expectClose();
      }
    }
    await good.publish("a", "b", { qos: 1 });
    assertTold(failures, /^authenticate\(\) must return \{ reasonCode: 0 \} to let a client in/, 4);
    assert((failures[0] as Error).message.endsWith(`, not ${named}`));
  });
}

for (const exchange of [true, {}, { next: () => true }, { next: () => ({ kind: "yes" }) }]) {
  Deno.test(`an exchange that is wrong is told of: ${JSON.stringify(exchange)} ${typeof (exchange as { next?: unknown }).next}`, async () => {
    const authenticator = { authenticate: () => ({ reasonCode: 0 }), begin: () => exchange };
    const { broker, failures } = broken({ authenticator });
    await using _broker = broker;
    const { port } = await broker.listen({ port: 0 });
    await using client = await RawClient.dial(port);
    await client.send(packets.connect({ level: 5, clientId: "c", properties: METHOD_A }));
    assertEquals((await client.readFrame())[3], 0x88);
    await client.expectClose();
    assertTold(failures, /^(begin|next)\(\) must return \{/, 1);
  });
}

for (const answer of [undefined, null, 1, "no", {}]) {
  Deno.test(`an authorizer that returns ${JSON.stringify(answer)} is told of; nothing is allowed`, async () => {
    const answers = (name: string) =>
      name === "good" ? true : name === "later" ? Promise.resolve(answer) : answer;
    const authorizer = {
      mayPublish: (_: unknown, { topic }: { topic: string }) => answers(topic),
      maySubscribe: (_: unknown, { filter }: { filter: string }) => answers(filter),
      mayReceive: (_: unknown, topic: string) => topic === "good" || answer,
    };
    const { broker, failures } = broken({ authorizer });
    await using _broker = broker;
    const { port } = await broker.listen({ port: 0 });
    await using good = await connect(`mqtt://127.0.0.1:${port}`);
    const messages = await good.subscribe("good");
    for (const name of ["now", "later"]) {
      for (
        const packet of [
          packets.publish(name, "x", { level: 5, qos: 1, packetId: 1 }),
          packets.subscribe({ [name]: 0 }, { level: 5, packetId: 1 }),
        ]
      ) {
        await using client = await RawClient.dial(port);
        await client.send(packets.connect({ level: 5, clientId: "c" }));
        assertEquals((await client.readFrame())[3], 0);
        await client.send(packet);
        // DISCONNECT, unspecified error: the program has failed, and not the client.
        const farewell = await client.readFrame();
        assertEquals([farewell[0], farewell[2]], [0xe0, 0x80]);
        await client.expectClose();
      }
    }
    await good.publish("good", "still", { qos: 1 });
    assertEquals(new TextDecoder().decode((await messages.next()).value!.payload), "still");
    assertTold(failures, /^may(Publish|Subscribe)\(\) must return true or false, not /, 4);
  });
}
