/**
 * The streams of a configuration file, and what SIGHUP does to them.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { connect } from "../../client/mod.ts";
import { Site } from "../harness/server_site.ts";

const OPEN = "listener 0 127.0.0.1\nallow_anonymous true\nlog_dest stdout\nlog_timestamp false\n" +
  "persistence true\nfairway_data_dir FOLDER/data\n";
const DAY = "fairway_stream day\nfairway_stream_topic sensors/#\nfairway_stream_max_messages 10\n";
const RELOADED = /Configuration reloaded/;
const LISTENING = /mqtt:\/\/127\.0\.0\.1:(\d+)/;

/** The payloads that a stream has from its start on. */
async function replay(port: number, stream: string, count: number): Promise<string[]> {
  await using client = await connect(`mqtt://127.0.0.1:${port}`);
  const payloads: string[] = [];
  const messages = await client.subscribe(`$replay/${stream}/earliest/#`);
  for await (const { payload } of messages) {
    payloads.push(new TextDecoder().decode(payload));
    if (payloads.length === count) break;
  }
  return payloads;
}

async function publish(port: number, topic: string, payloads: string[]): Promise<void> {
  await using client = await connect(`mqtt://127.0.0.1:${port}`);
  for (const payload of payloads) await client.publish(topic, payload, { qos: 1 });
}

Deno.test("SIGHUP opens new streams, applies changed limits, and tells which take no more", async () => {
  await using site = await Site.make({ "fairway.conf": `${OPEN}${DAY}` });
  const { port, stdout } = await site.start();
  assertStringIncludes(stdout, "Stream day: sensors/#; 10 messages; empty\n");
  await publish(port, "sensors/a", ["1", "2", "3"]);
  await site.write(
    "fairway.conf",
    `${OPEN}${DAY}fairway_stream_max_messages 2\nfairway_stream doors\n` +
      "fairway_stream_topic doors/+\nfairway_stream_max_age 90m\n",
  );
  await site.reload(/Stream doors: doors\/\+; 90m; empty/);
  await publish(port, "doors/front", ["open"]);
  assertEquals(await replay(port, "day", 2), ["2", "3"]);
  assertEquals(await replay(port, "doors", 1), ["open"]);
  await site.write("fairway.conf", OPEN);
  await site.reload(
    /Stream day is not declared any more: it keeps what it has, and takes nothing\n[^]*reloaded/,
  );
  await publish(port, "sensors/a", ["4"]);
  await site.write("fairway.conf", `${OPEN}fairway_stream_remove doors\n${DAY}`);
  await site.reload(
    /Stream doors is removed\n[^]*Stream day: sensors\/#; 10 messages; messages 2 to 3\n[^]*reloaded/,
  );
  await publish(port, "sensors/a", ["5"]);
  assertEquals(await replay(port, "day", 3), ["2", "3", "5"]);
});

Deno.test("a stream that is not in the file any more is named at the start, and goes on when it is", async () => {
  await using site = await Site.make({ "fairway.conf": `${OPEN}${DAY}` });
  const first = await site.start();
  await publish(first.port, "sensors/a", ["1"]);
  await site.stop();
  await site.write("fairway.conf", OPEN);
  const second = await site.start();
  assertStringIncludes(second.stdout, "Stream day is not declared any more: it keeps what it has");
  await publish(second.port, "sensors/a", ["2"]);
  await site.write("fairway.conf", `${OPEN}${DAY}`);
  await site.reload(RELOADED);
  await publish(second.port, "sensors/a", ["3"]);
  assertEquals(await replay(second.port, "day", 2), ["1", "3"]);
});

Deno.test("--stream goes with -c, also through a reload; a name in both stops the start", async () => {
  await using site = await Site.make({ "fairway.conf": `${OPEN}${DAY}` });
  const wrong = await site.run("--stream", "day=doors/#");
  assertEquals(wrong.code, 2);
  assertStringIncludes(
    wrong.stderr,
    'fairway.conf:7: fairway_stream: "day" is a stream of --stream',
  );
  const { port, stdout } = await site.start(LISTENING, "--stream", "doors=doors/#");
  assertStringIncludes(stdout, "Stream doors: doors/#; 1w, 1G bytes; empty\n");
  await site.reload(RELOADED);
  await publish(port, "doors/front", ["open"]);
  assertEquals(await replay(port, "doors", 1), ["open"]);
});

Deno.test("a stream that would move to another store stops the reload, with its line", async () => {
  await using site = await Site.make({ "fairway.conf": `${OPEN}${DAY}` });
  const { port } = await site.start();
  await site.write("fairway.conf", `${OPEN}sys_interval 3\n${DAY}fairway_stream_store memory\n`);
  await site.reload(
    /fairway\.conf:11: fairway_stream_store: "day" cannot move from disk while the server runs: remove it first, by the line fairway_stream_remove day\n[^]*stays as it was/,
  );
  await publish(port, "sensors/a", ["1"]);
  assertEquals(await replay(port, "day", 1), ["1"]);
});
