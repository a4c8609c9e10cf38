/**
 * What `server.ts` does with a directory that is damaged, in use, or of another time.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { connect } from "../../client/mod.ts";
import { BrokerProcess, startServer } from "../harness/broker_process.ts";
import { within } from "../harness/deadline.ts";

const DEADLINE_MS = 30_000;
const MESSAGES = 50;

/** A directory in which a broker has left a session, what waits for it, and a retained message. */
async function withState(fn: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await using broker = await BrokerProcess.start("--data", directory);
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const away = await connect(url, { clientId: "away", sessionExpirySeconds: 1000 });
    await away.subscribe("news/#", { qos: 1 });
    await away.close();
    const publisher = await connect(url);
    for (let i = 0; i < MESSAGES; i++) {
      await publisher.publish(`news/${i}`, "x".repeat(3000), { qos: 1, retain: i === 0 });
    }
    await publisher.close();
    await broker.stop();
    await fn(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Damages a file in its middle. */
async function flip(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  const start = Math.floor(bytes.length / 2);
  for (let at = start; at < Math.min(bytes.length, start + 9000); at++) bytes[at]! ^= 0x5a;
  await Deno.writeFile(path, bytes);
}

async function cutOff(path: string): Promise<void> {
  const { size } = await Deno.stat(path);
  await Deno.truncate(path, Math.floor(size * 0.6));
}

/** The server ends by itself, with one line that says why. */
async function assertRefuses(reason: RegExp, ...flags: string[]): Promise<void> {
  await using child = startServer(["--port", "0", ...flags]);
  const { code, stderr } = await child.outcome(DEADLINE_MS);
  assert(code !== 0, "the exit code is 0");
  assertMatch(stderr, reason);
  assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
}

for (const [what, damage] of [["flipped bytes", flip], ["its end cut off", cutOff]] as const) {
  Deno.test(`server.ts starts on a file with ${what}, and says so in a line and below $SYS`, async () => {
    await withState(async (directory) => {
      await damage(`${directory}/fairway.db`);
      await assertRefuses(/damaged/, "--data", directory, "--strict-store");
      await using broker = await BrokerProcess.start("--data", directory);
      const warned = broker.stderr.trimEnd().split("\n");
      assertEquals(warned.length, 1, broker.stderr);
      assertMatch(warned[0]!, /store was damaged .*set aside as .*corrupt-.*rows were saved/);
      await using client = await connect(`mqtt://127.0.0.1:${broker.port}`);
      const told = await client.subscribe("$SYS/broker/store/damage");
      const { value } = await within("$SYS tells of the damage", told.next());
      assertMatch(new TextDecoder().decode(value!.payload), /set aside as .*corrupt-/);
      await client.publish("news/again", "it works", { qos: 1 });
    });
  });
}

Deno.test("server.ts refuses a directory that another has, and a file of a newer version", async () => {
  await withState(async (directory) => {
    {
      await using _other = await BrokerProcess.start("--data", directory);
      await assertRefuses(/in use by another broker/, "--data", directory);
    }
    const db = new DatabaseSync(`${directory}/fairway.db`);
    db.exec("PRAGMA user_version = 1000");
    db.close();
    await assertRefuses(/version 1000.*newer Fairway/, "--data", directory);
  });
});
