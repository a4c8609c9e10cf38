/**
 * The routes of mosquitto 2.1, as its dashboard asks for them.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { AdminStage, statusOf } from "./_admin.ts";

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

Deno.test("what mosquitto's dashboard asks for is answered to its page, and to nobody else's", async () => {
  await using stage = await AdminStage.open({
    operations: { version: "Fairway 1.2.3", listeners: () => [] },
  });
  // What its page reads of the tree: for the charts, and in its head.
  const topics = [
    ...["publish/messages/dropped", "messages/sent", "messages/received"],
    ...["load/messages/sent/1min", "load/messages/received/1min"],
    ...["clients/connected", "clients/disconnected", "uptime"],
  ];
  // The browser sends the password of the token, once it was asked for it, with each request.
  const page = { authorization: `Basic ${btoa(`printed-at-start:${stage.admin.token}`)}` };
  const own = { ...page, "sec-fetch-site": "same-origin", origin: stage.url("") };
  const tree = await stage.json("/api/v1/systree", { headers: own });
  for (const topic of topics) {
    assertEquals(typeof tree[`$SYS/broker/${topic}`], "number", topic);
  }
  assertEquals(tree["$SYS/broker/version"], "Fairway 1.2.3");
  assertEquals(await stage.json("/api/v1/listeners", { headers: own }), { listeners: [] });
  const asked = await fetch(stage.url("/api/v1/systree"));
  await asked.body?.cancel();
  assertEquals([asked.status, asked.headers.get("www-authenticate")?.slice(0, 5)], [401, "Basic"]);
  const foreign = { ...page, origin: "http://evil.example" };
  assertEquals(await statusOf(stage.fetch("/api/v1/systree", { headers: foreign })), 403);
});

Deno.test("/api/v1/listeners and /api/v1/version answer as mosquitto 2.1 does", async () => {
  const listener = { port: 1883, protocol: "mqtt", tls: false, mtls: false, allow_anonymous: true };
  const operations = { version: "Fairway 1.2.3", listeners: () => [listener] as const };
  await using stage = await AdminStage.open({ operations: operations as never });
  assertEquals(await stage.json("/api/v1/listeners"), { listeners: [listener] });
  assertEquals(await (await stage.fetch("/api/v1/version")).text(), "1.2.3");
});
