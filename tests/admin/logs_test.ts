/**
 * Formats and destinations of the log of a server: JSON lines, syslog; and presence by its option.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { Site } from "../harness/server_site.ts";

const PORT_LINE = /Listening on mqtt:\/\/127\.0\.0\.1:(\d+)/;
const OPEN = "listener 0 127.0.0.1\nallow_anonymous true\nlog_dest stdout\n";

Deno.test("fairway_log_format json has each line of the log as an object", async () => {
  await using site = await Site.make({ "fairway.conf": `${OPEN}fairway_log_format json\n` });
  const server = await site.start(PORT_LINE);
  await using client = await RawClient.dial(server.port);
  await client.send(packets.connect({ clientId: "c" }));
  await client.readFrame();
  const [line] = await server.waitFor(/^.*"event":"connected".*$/m, "stdout", 30_000);
  const { time, address, ...event } = JSON.parse(line);
  assertMatch(time, /^\d{4}-\d\d-\d\dT.*Z$/);
  assertEquals(event.message.startsWith(`New client connected from ${address} as c`), true);
  assertEquals(
    [event.type, event.event, event.clientId, event.username, event.protocolVersion],
    ["notice", "connected", "c", null, 4],
  );
});

Deno.test("fairway_presence publishes who comes", async () => {
  await using site = await Site.make({ "fairway.conf": `${OPEN}fairway_presence true\n` });
  const { port } = await site.start(PORT_LINE);
  await using watcher = await RawClient.dial(port);
  await watcher.send(packets.connect({ clientId: "w" }));
  await watcher.readFrame();
  await watcher.send(packets.subscribe({ "$SYS/broker/clients/+/connected": 0 }));
  await watcher.readFrame();
  await using client = await RawClient.dial(port);
  await client.send(packets.connect({ clientId: "c" }));
  const text = new TextDecoder().decode(await watcher.readFrame());
  assertMatch(text, /\$SYS\/broker\/clients\/c\/connected\{"event":"connected"/);
});
