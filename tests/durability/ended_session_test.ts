/**
 * A client with very many subscriptions leaves: they are removed a part at a time, and until then
 * nothing of them is to be noticed by anybody.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Broker, type Clock } from "../../mod.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";

const COUNT = 3000;

/** A clock whose runtime never has its turn, until the test says so. */
class HeldClock extends VirtualClock implements Clock {
  readonly #held: (() => void)[] = [];

  soon(callback: () => void): void {
    this.#held.push(callback);
  }

  /** Lets everything happen that waits, and what follows from it. */
  release(): void {
    for (let next = this.#held.shift(); next !== undefined; next = this.#held.shift()) next();
  }
}

async function connect(
  port: number,
  clientId: string,
  { clean = true, isPresent = false } = {},
): Promise<RawClient> {
  const client = await RawClient.dial(port);
  await client.send(packets.connect({ clientId, clean }));
  await client.expect(isPresent ? "20 02 01 00" : "20 02 00 00");
  return client;
}

async function subscribe(client: RawClient, filterOf: (i: number) => string, count = COUNT) {
  const filters = Array.from({ length: count }, (_, i) => [filterOf(i), 1 as const] as const);
  await client.send(packets.subscribe(Object.fromEntries(filters)));
  assertEquals((await client.readFrame())[0], 0x90);
}

/** Says goodbye, and waits until the broker has heard it. */
async function leave(client: RawClient): Promise<void> {
  await client.send("e0 00");
  await client.expectClose();
}

Deno.test("a session that has ended takes nothing, though not all of it is removed", async () => {
  const clock = new HeldClock();
  await using broker = new Broker({ clock });
  const { port } = await broker.listen({ port: 0 });
  const many = await connect(port, "many");
  await subscribe(many, (i) => `own/${i}`);
  await subscribe(many, (i) => `$share/group/shared/${i}`);
  const away = await connect(port, "other", { clean: false });
  await subscribe(away, (i) => `$share/group/shared/${i}`);
  await leave(away);
  await leave(many);

  // Whatever is published for the group waits for the member that is left.
  for (let i = 0; i < COUNT; i++) broker.publish(`shared/${i}`, `${i}`, { qos: 1 });
  await using other = await connect(port, "other", { clean: false, isPresent: true });
  for (let i = 0; i < COUNT; i++) {
    const { packetId } = await expectPublish(other, `shared/${i}`);
    await other.send(packets.puback(packetId));
  }
  // A client of the same name has a session of its own, and keeps what is its own.
  await using next = await connect(port, "many");
  await subscribe(next, (i) => `own/${i * 100}`, COUNT / 100);
  const publishAll = () => {
    for (let i = 0; i < COUNT; i++) broker.publish(`own/${i}`, `${i}`);
  };
  const expectAll = async () => {
    for (let i = 0; i < COUNT; i += 100) await expectPublish(next, `own/${i}`);
    await next.expectSilence();
  };
  publishAll();
  await expectAll();
  clock.release();
  publishAll();
  await expectAll();
  const { dropped, internalErrors } = broker.stats;
  assertEquals([Object.values(dropped).every((count) => count === 0), internalErrors], [true, 0]);
});

async function expectPublish(client: RawClient, topic: string): Promise<{ packetId: number }> {
  const frame = await client.readFrame();
  const end = 4 + (frame[2]! << 8 | frame[3]!);
  assert(frame[0]! >> 4 === 3, `${frame[0]}`);
  assertEquals(new TextDecoder().decode(frame.subarray(4, end)), topic);
  return { packetId: frame[end]! << 8 | frame[end + 1]! };
}
