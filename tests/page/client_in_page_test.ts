/**
 * Fairway's own client in a web page of somebody else: in one file, over WebSocket, with everything
 * that a program of Deno can do with it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { chromium } from "npm:playwright-core@1.65.1";
import { scramAuthenticator, scramCredential } from "../../auth/mod.ts";
import { listenAdmin } from "../../admin/mod.ts";
import { Broker } from "../../mod.ts";
import { testWith } from "../harness/tools.ts";
import { CHROMIUM } from "./_page.ts";

/** What the page does: it returns what came of it. */
const SCRIPT = `async ({ open, secured }) => {
  const { connect, ConnectError, scramSha256 } = await import("/fairway.js");
  const text = (bytes) => new TextDecoder().decode(bytes);
  const results = {};
  const client = await connect(open, { clientId: "web-page" });
  const messages = client.subscribe("lamp/+", { qos: 2 });
  results.granted = await messages.ready;
  for (const qos of [0, 1, 2]) {
    await client.publish("lamp/" + qos, "on " + qos, {
      qos,
      properties: { contentType: "text/plain", userProperties: [["a", "b"]] },
    });
  }
  results.received = [];
  for (let i = 0; i < 3; i++) {
    const { value } = await messages.next();
    results.received.push([value.topic, text(value.payload), value.qos, value.properties.contentType]);
  }
  const large = client.subscribe("large");
  await large.ready;
  await client.publish("large", new Uint8Array(300_000).fill(7), { qos: 1 });
  results.large = (await large.next()).value.payload.length;
  const unknown = client.subscribe("$replay/none/earliest/#");
  results.refused = await unknown.ready.then(() => "", (error) => error.name);
  await client.close();
  const authentication = scramSha256("user", "pencil");
  const other = await connect(secured, { authentication });
  results.scram = other.state.kind;
  await other.close();
  const wrong = scramSha256("user", "pen");
  results.wrong = await connect(secured, { authentication: wrong, reconnect: false })
    .then(() => "", (error) => error instanceof ConnectError ? error.reasonCode : error.message);
  results.tcp = await connect("mqtt://127.0.0.1:1", { reconnect: false })
    .then(() => "", (error) => error.message);
  return results;
}`;

testWith(
  ["chromium"],
  "the client runs in a web page: QoS 0 to 2, large messages, SCRAM",
  async () => {
    await using broker = new Broker();
    const credential = await scramCredential("pencil");
    const authenticator = scramAuthenticator({
      store: { find: (name) => name === "user" ? credential : null },
    });
    const open = await broker.listen({ port: 0, webSocket: {} });
    const secured = await broker.listen({ port: 0, webSocket: {}, policy: { authenticator } });
    await using admin = await listenAdmin(broker, { port: 0 });
    const client = await (await fetch(`http://127.0.0.1:${admin.port}/page/client.js`)).text();
    const quiet = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    await using server = Deno.serve(quiet, (request) => {
      const isScript = new URL(request.url).pathname === "/fairway.js";
      const type = isScript ? "text/javascript" : "text/html";
      return new Response(isScript ? client : "<!doctype html><title>A page</title>", {
        headers: { "content-type": type },
      });
    });
    const browser = await chromium.launch(CHROMIUM);
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${server.addr.port}/`);
      const urls = {
        open: `ws://127.0.0.1:${open.port}/`,
        secured: `ws://127.0.0.1:${secured.port}/`,
      };
      assertEquals(await page.evaluate(`(${SCRIPT})(${JSON.stringify(urls)})`), {
        granted: [2],
        received: [
          ["lamp/0", "on 0", 0, "text/plain"],
          ["lamp/1", "on 1", 1, "text/plain"],
          ["lamp/2", "on 2", 2, "text/plain"],
        ],
        large: 300_000,
        refused: "SubscribeError",
        scram: "connected",
        wrong: 0x87,
        tcp: "Cannot connect to mqtt://127.0.0.1:1: A web page connects over ws: and wss: only",
      });
    } finally {
      await browser.close();
    }
  },
);
