/**
 * The directory of a running server, or its files, are removed, moved away or replaced: nothing is
 * acknowledged that would be lost, and what was is there when the files are.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect } from "../../client/mod.ts";
import { uint16At, Wire } from "../crash/wire.ts";
import { BrokerProcess } from "../harness/broker_process.ts";
import { within } from "../harness/deadline.ts";
import { eventually } from "../harness/eventually.ts";
import * as packets from "../harness/packets.ts";

const PUBACK = 4;
const QUOTA_EXCEEDED = 0x97;
const SUCCESS = 0x00;
const DEADLINE_MS = 30_000;

/** A server with a session that is away, and what was acknowledged for it. */
class Scene implements AsyncDisposable {
  readonly kept: string[] = [];
  #broker: BrokerProcess;
  readonly #parent: string;
  #published = 0;

  private constructor(broker: BrokerProcess, parent: string) {
    this.#broker = broker;
    this.#parent = parent;
  }

  static async make(): Promise<Scene> {
    const parent = await Deno.makeTempDir();
    const scene = new Scene(await BrokerProcess.start("--data", `${parent}/data`), parent);
    const away = await connect(`mqtt://127.0.0.1:${scene.#broker.port}`, {
      clientId: "away",
      sessionExpirySeconds: 1000,
    });
    await away.subscribe("t", { qos: 1 });
    await away.close();
    return scene;
  }

  get broker(): BrokerProcess {
    return this.#broker;
  }

  get directory(): string {
    return `${this.#parent}/data`;
  }

  /** Publishes so many messages with QoS 1 in 5.0; the reason codes, all of which are the same. */
  async publish(messages: number): Promise<number> {
    const codes = new Set<number>();
    const wire = (await Wire.dial(this.#broker.port))!;
    wire.send(packets.connect({ level: 5 }));
    await wire.next();
    for (let id = 1; id <= messages; id++) {
      const payload = `${++this.#published}`;
      wire.send(packets.publish("t", payload, { level: 5, qos: 1, packetId: id }));
      const { type, body } = (await within("PUBACK", wire.next()))!;
      assertEquals([type, uint16At(body, 0)], [PUBACK, id]);
      codes.add(body[2] ?? SUCCESS);
      if ((body[2] ?? SUCCESS) < 0x80) this.kept.push(payload);
    }
    wire.close();
    assertEquals(codes.size, 1);
    return [...codes][0]!;
  }

  /** In 3.1.1 there is no word for it: no acknowledgement, and a close. */
  async assertOldIsClosed(): Promise<void> {
    const wire = (await Wire.dial(this.#broker.port))!;
    wire.send(packets.connect());
    await wire.next();
    wire.send(packets.publish("t", "old", { qos: 1, packetId: 1 }));
    assertEquals(await within("the close", wire.next()), null);
  }

  /** Nothing is acknowledged, which is told once, with what has happened. */
  async assertRefuses(what: RegExp): Promise<void> {
    assertEquals(await this.publish(1), QUOTA_EXCEEDED);
    await this.assertOldIsClosed();
    assertEquals(await this.publish(3), QUOTA_EXCEEDED);
    await this.broker.waitFor(/takes nothing more/, "stderr");
    const lines = this.broker.stderr.trimEnd().split("\n");
    assertEquals(lines.length, 1, this.broker.stderr);
    assertMatch(lines[0]!, what);
    assertMatch(lines[0]!, /put back what was there, or start the broker again/);
  }

  /** The session returns and takes what was kept for it. */
  async assertNothingIsLost(): Promise<void> {
    const wire = (await Wire.dial(this.#broker.port))!;
    wire.send(packets.connect({ clientId: "away", clean: false }));
    const names: string[] = [];
    while (names.length < this.kept.length) {
      const { type, body } = (await within("a message", wire.next()))!;
      if (type !== 3) continue;
      const topicEnd = 2 + uint16At(body, 0);
      wire.send(packets.puback(uint16At(body, topicEnd)));
      names.push(new TextDecoder().decode(body.subarray(topicEnd + 2)));
    }
    wire.close();
    assertEquals(names, this.kept);
  }

  /** Ends the server, which must be able to, and starts another. */
  async restart(): Promise<void> {
    assertEquals((await this.#broker.stop()).code, 0, this.#broker.stderr);
    await this.start();
  }

  /** Starts another server in the place of one that has ended. */
  async start(): Promise<void> {
    this.#broker = await BrokerProcess.start("--data", this.directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker.kill();
    await Deno.remove(this.#parent, { recursive: true });
  }
}

Deno.test("server.ts acknowledges nothing while its directory is moved away, and works again when it is back", async () => {
  await using scene = await Scene.make();
  assertEquals(await scene.publish(20), SUCCESS);
  await Deno.rename(scene.directory, `${scene.directory}-away`);
  await scene.assertRefuses(/WARNING: The store takes .*\/data was removed or moved away while/);
  await Deno.rename(`${scene.directory}-away`, scene.directory);
  await scene.broker.waitFor(/The store works again/, "stderr");
  assertEquals(await scene.publish(20), SUCCESS);
  await scene.restart();
  await scene.assertNothingIsLost();
});

Deno.test("server.ts loses nothing in a directory that stays where it was moved to", async () => {
  await using scene = await Scene.make();
  assertEquals(await scene.publish(20), SUCCESS);
  await Deno.rename(scene.directory, `${scene.directory}-away`);
  assertEquals(await scene.publish(2), QUOTA_EXCEEDED);
  assertEquals((await scene.broker.stop()).code, 0);
  await Deno.rename(`${scene.directory}-away`, scene.directory);
  await scene.start();
  await scene.assertNothingIsLost();
});

Deno.test("server.ts acknowledges nothing once its directory is removed, until it is started again", async () => {
  await using scene = await Scene.make();
  assertEquals(await scene.publish(20), SUCCESS);
  await Deno.remove(scene.directory, { recursive: true });
  await scene.assertRefuses(/data was removed or moved away/);
  // Clean sessions and QoS 0 need no disk.
  await using live = await connect(`mqtt://127.0.0.1:${scene.broker.port}`, {
    sessionExpirySeconds: 0,
  });
  const news = await live.subscribe("live", { qos: 1 });
  await live.publish("live", "still here", { qos: 1 });
  await within("a clean session is served", news.next());
  await live.close();
  await scene.restart();
  await using client = await connect(`mqtt://127.0.0.1:${scene.broker.port}`);
  await client.publish("anew", "x", { qos: 1, retain: true });
});

Deno.test("server.ts acknowledges nothing when another file is in the place of its database, which it leaves alone", async () => {
  await using scene = await Scene.make();
  assertEquals(await scene.publish(20), SUCCESS);
  const path = `${scene.directory}/fairway.db`;
  await Deno.copyFile(path, `${path}.other`);
  await Deno.rename(`${path}.other`, path);
  const bytes = await Deno.readFile(path);
  await scene.assertRefuses(/fairway\.db was replaced by another one/);
  assertEquals((await scene.broker.stop()).code, 0);
  assertEquals(await Deno.readFile(path), bytes);
});

Deno.test("server.ts loses nothing when its log is removed, even if it is killed after it has told so", async () => {
  await using scene = await Scene.make();
  assertEquals(await scene.publish(20), SUCCESS);
  await Deno.remove(`${scene.directory}/fairway.db-wal`);
  await scene.assertRefuses(/fairway\.db-wal was removed or moved away/);
  await scene.broker.kill();
  await scene.start();
  assertEquals(scene.broker.stderr, "");
  await scene.assertNothingIsLost();
});

Deno.test("server.ts under load loses nothing that was acknowledged when its directory is moved to and fro", async () => {
  await using scene = await Scene.make();
  let isMoving = true;
  const load = (async () => {
    const outcomes = new Set<number>();
    while (isMoving) outcomes.add(await scene.publish(1));
    return outcomes;
  })();
  for (let round = 0; round < 3; round++) {
    const before = scene.kept.length;
    await eventually(
      "twenty messages are acknowledged",
      () => scene.kept.length >= before + 20,
      DEADLINE_MS,
    );
    await Deno.rename(scene.directory, `${scene.directory}-away`);
    const told = new RegExp(`(takes nothing more[^]*){${round + 1}}`);
    await scene.broker.waitFor(told, "stderr");
    await Deno.rename(`${scene.directory}-away`, scene.directory);
  }
  isMoving = false;
  const outcomes = await within("the load ends", load, DEADLINE_MS);
  assert(outcomes.has(SUCCESS) && outcomes.has(QUOTA_EXCEEDED));
  await scene.restart();
  await scene.assertNothingIsLost();
});
