/** DISCONNECT is the last word, whatever else waits to be written (MQTT 5 §3.14.4). */
import { assert, assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import { Broker } from "../../../mod.ts";
import { VirtualClock } from "../../harness/virtual_clock.ts";
import { connect, frame, subscribe } from "./packets.ts";

/** A client whose network takes no bytes until it is told to. */
class HeldClient {
  readonly #clock: VirtualClock;
  readonly written: Uint8Array[] = [];
  #held: PromiseWithResolvers<void> | null = null;
  #incoming: PromiseWithResolvers<Uint8Array | null> = Promise.withResolvers();

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  hold(): void {
    this.#held = Promise.withResolvers();
  }

  letGo(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  /** Has the broker read these bytes, and do what it has to. */
  async send(...packets: Uint8Array[]): Promise<void> {
    const { resolve } = this.#incoming;
    this.#incoming = Promise.withResolvers();
    resolve(concat(packets));
    await this.#clock.settle();
  }

  async read(target: Uint8Array): Promise<number | null> {
    const bytes = await this.#incoming.promise;
    if (bytes === null) return null;
    target.set(bytes);
    return bytes.length;
  }

  async write(source: Uint8Array): Promise<number> {
    this.written.push(source.slice());
    await this.#held?.promise;
    return source.length;
  }

  close(): void {
    this.#incoming.resolve(null);
    this.letGo();
  }
}

for (const [what, fault] of Object.entries({ "a fault": frame(0x00), "QoS 3": frame(0x36) })) {
  Deno.test(`what is published after ${what} comes behind no DISCONNECT [MQTT-3.14.4-1]`, async () => {
    // However slow the machine is, what is sent is handled in one turn.
    const clock = new VirtualClock();
    await using broker = new Broker({ clock, limits: { turnMsMax: 60_000 } });
    const client = new HeldClient(clock);
    broker.accept(client);
    await client.send(connect(), subscribe({ a: 0, b: 1 }));
    client.hold();
    await broker.publish("a", "in flight");
    await clock.settle();
    await client.send(fault);
    await broker.publish("a", "too late");
    await broker.publish("b", "too late", { qos: 1 });
    await broker.publish("a", "too late", { properties: { contentType: "x" } });
    await clock.settle();
    client.letGo();
    await clock.settle();
    const last = client.written.at(-1)!;
    assertEquals([last[0], last[2]], [0xe0, 0x81]);
    assert(last.length === 2 + last[1]!, `More than a DISCONNECT: ${last.toHex()}`);
  });
}

Deno.test("nothing comes behind the DISCONNECT of a broker that closes [MQTT-3.14.4-1]", async () => {
  // However slow the machine is, what is sent is handled in one turn.
  const clock = new VirtualClock();
  await using broker = new Broker({ clock, limits: { turnMsMax: 60_000 } });
  const client = new HeldClient(clock);
  broker.accept(client);
  await client.send(connect(), subscribe({ a: 0 }));
  client.hold();
  await broker.publish("a", "in flight");
  await clock.settle();
  await broker.publish("a", "in time");
  const closing = broker.close();
  await clock.settle();
  await broker.publish("a", "too late");
  client.letGo();
  await clock.settle();
  client.close();
  await closing;
  const last = client.written.at(-1)!.toHex();
  assert(last.endsWith(new TextEncoder().encode("in time").toHex() + "e0018b"), last);
});
