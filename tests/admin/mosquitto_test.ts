/**
 * The routes of mosquitto 2.1, as its dashboard asks for them.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { AdminStage } from "./_admin.ts";

Deno.test("/api/v1/systree tells numbers by their topics, as mosquitto 2.1 does", async () => {
  await using stage = await AdminStage.open();
  stage.broker.publish("a", "kept", { retain: true });
  const tree = await stage.json("/api/v1/systree");
  const topics = [
    ...["clients/connected", "clients/disconnected", "clients/maximum", "clients/total"],
    ...["connections/socket/count", "messages/stored", "retained messages/count"],
    ...["store/messages/bytes", "uptime", "heap/current", "heap/maximum"],
    ...["messages/received", "messages/sent", "bytes/received", "bytes/sent"],
    ...["publish/bytes/received", "publish/bytes/sent", "publish/messages/dropped"],
    ...["packet/out/count", "packet/out/bytes", "subscriptions/count"],
  ];
  for (const topic of topics) assert(Number.isInteger(tree[`$SYS/broker/${topic}`]), topic);
  assertEquals(tree["$SYS/broker/retained messages/count"], 1);
  assertEquals("$SYS/broker/clients/active" in tree, false);
});

Deno.test("/api/v1/listeners and /api/v1/version answer as mosquitto 2.1 does", async () => {
  const listener = { port: 1883, protocol: "mqtt", tls: false, mtls: false, allow_anonymous: true };
  const operations = { version: "Fairway 1.2.3", listeners: () => [listener] as const };
  await using stage = await AdminStage.open({ operations: operations as never });
  assertEquals(await stage.json("/api/v1/listeners"), { listeners: [listener] });
  assertEquals(await (await stage.fetch("/api/v1/version")).text(), "1.2.3");
});
