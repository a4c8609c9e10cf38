/**
 * What a server with workers tells below `$SYS/broker/` of single clients reaches clients of all workers.
 *
 * @module
 */
import { assertStringIncludes } from "@std/assert";
import * as packets from "../harness/packets.ts";
import type { RawClient } from "../harness/raw_client.ts";
import { Site } from "../harness/server_site.ts";
import { CONFIG, portOf, startConfigured } from "./_configured.ts";
import { connected, DEADLINE_MS, idOn, test } from "./_server.ts";

/** Waits for a message to a topic that contains a text. */
async function expectText(client: RawClient, topic: string, text: string): Promise<void> {
  for (;;) {
    const frame = new TextDecoder().decode(await client.readFrame());
    if (frame.includes(topic) && frame.includes(text)) return;
  }
}

test("presence and lines of the log reach clients of every worker, once", async () => {
  await using site = await Site.make({
    "fairway.conf": `${
      CONFIG.replace("connection_messages false", "connection_messages true")
    }log_dest topic\nfairway_presence true\nallow_anonymous true\nlistener 0 127.0.0.1\n`,
  });
  await using server = startConfigured(site);
  const port = await portOf(server);
  const watchers = await Promise.all([0, 1].map((node) => connected(port, idOn(node, "watcher"))));
  for (const watcher of watchers) {
    const filter = { "$SYS/broker/clients/+/connected": 0, "$SYS/broker/log/N": 0, end: 0 };
    await watcher.send(packets.subscribe(filter));
    await watcher.expect("90 05 00 01 00 00 00");
  }
  for (const node of [0, 1]) {
    const id = idOn(node, "other");
    await using client = await connected(port, id);
    for (const watcher of watchers) {
      // The order of the two is not fixed.
      const seen = [await watcher.readFrame(), await watcher.readFrame()]
        .map((frame) => new TextDecoder().decode(frame)).toSorted();
      assertStringIncludes(seen.join("\n"), `$SYS/broker/clients/${id}/connected`);
      assertStringIncludes(seen.join("\n"), `as ${id} `);
    }
    await client.send(packets.publish("end", "x"));
    for (const watcher of watchers) await watcher.expect(packets.publish("end", "x"));
    await client.send("e0 00");
    await client.expectClose();
    for (const watcher of watchers) await expectText(watcher, "$SYS/broker/log/N", id);
  }
  server.signal("SIGTERM");
  await server.outcome(DEADLINE_MS);
  for (const watcher of watchers) await watcher[Symbol.asyncDispose]();
});
