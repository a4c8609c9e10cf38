/**
 * Fairway over WebSocket and secure WebSocket, as MQTT.js sees it in Deno, on Node and in a web
 * page, and which web pages it lets in.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Broker } from "../../mod.ts";
import { Certificates } from "../harness/certificates.ts";
import { Child, type Outcome } from "../harness/child.ts";
import { Page } from "../harness/chromium.ts";
import { within } from "../harness/deadline.ts";
import { eventually } from "../harness/eventually.ts";
import { JsClient } from "../harness/mqttjs_client.ts";
import { MqttJsPackage } from "../harness/mqttjs_package.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { TlsHost, type TlsHostOptions } from "../harness/tls_host.ts";
import { testWith } from "../harness/tools.ts";
import { frame, WebSocketClient, webSocketRequest } from "../harness/websocket_client.ts";

const DEADLINE_MS = 30_000;
const SCRIPT = new URL("mqttjs_roundtrip.cjs", import.meta.url).pathname;
const CLI = new URL("../../cli/pub.ts", import.meta.url).pathname;
const BINARY = 2;

/** Options of a listener for secure WebSockets that asks for certificates. */
async function asking(certificates: Certificates): Promise<TlsHostOptions> {
  await certificates.client("alice");
  return {
    clientCertificate: "require",
    clientAuthorities: await certificates.pem("ca"),
    webSocket: { path: "/mqtt" },
  };
}

Deno.test("web pages of origins that are not listed are refused", async () => {
  await using broker = new Broker();
  const origins = ["https://example.com", "http://localhost:8000"];
  const { port } = await broker.listen({ port: 0, webSocket: { origins } });
  const cases: [origin: string | null, status: number][] = [
    ["https://example.com", 101],
    ["HTTPS://Example.com", 101],
    ["http://localhost:8000", 101],
    [null, 101],
    ["http://example.com", 403],
    ["https://example.com.evil.example", 403],
    ["https://example.com:8443", 403],
    ["http://localhost", 403],
    ["null", 403],
    ["", 403],
  ];
  for (const [origin, status] of cases) {
    const request = webSocketRequest("mqtt");
    if (origin !== null) request.push(`Origin: ${origin}`);
    using client = await WebSocketClient.dial(port, null, request);
    assertEquals(client.status, status, `${origin}`);
  }
});

Deno.test("what is no WebSocket in time is closed, and counted", async () => {
  await using broker = new Broker({ limits: { handshakeTimeoutMs: 200 } });
  const { port } = await broker.listen({ port: 0, webSocket: true });
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n"));
  assertEquals(await within("the end", conn.read(new Uint8Array(1))).catch(() => null), null);
  const { pendingHandshakes, handshakesFailed, connections } = broker.stats;
  assertEquals([pendingHandshakes, handshakesFailed, connections], [0, 1, 0]);
});

Deno.test("a client that floods a WebSocket is read no faster than others can take", async () => {
  const limits = { highWaterBytes: 64 * 1024, lagBytesMax: 1024 * 1024, stallMs: 60_000 };
  await using broker = new Broker({ limits });
  const { port } = await broker.listen({ port: 0, webSocket: true });
  await using subscriber = new RawClient(await WebSocketClient.dial(port));
  await subscriber.send(packets.connect({ clientId: "slow" }));
  await subscriber.expect("20 02 00 00");
  await subscriber.send(packets.subscribe({ flood: 0 }));
  await subscriber.expect("90 03 00 01 00");
  const publisher = await WebSocketClient.dial(port);
  await publisher.frame(BINARY, packets.connect({ clientId: "fast" }));
  await publisher.readFrame();
  const message = packets.publish("flood", new Uint8Array(1000));
  const frames = frame(BINARY, new Uint8Array(Array(100).fill([...message]).flat()));
  let isOver = false;
  const flooding = (async () => {
    while (!isOver) await publisher.raw(frames);
  })().catch(() => {
    // The publisher is closed while it waits to write more.
  });
  await eventually("the publisher waits", () => broker.stats.backpressureWaits > 0);
  // What goes on coming stays with the kernel and the client: the broker holds little of it.
  await subscriber.readFrame();
  const { bytesReceived, bytesSent, dropped } = broker.stats;
  assertEquals(dropped.lag, 0);
  assert(bytesReceived - bytesSent <= 1024 * 1024, `${bytesReceived - bytesSent} bytes are held`);
  isOver = true;
  publisher.close();
  await flooding;
});

for (const protocolVersion of [4, 5] as const) {
  const over = `MQTT.js over secure WebSocket and MQTT ${protocolVersion === 4 ? "3.1.1" : "5"}`;

  testWith(["openssl"], `${over} publishes and receives`, async () => {
    await using certificates = await Certificates.make();
    await using host = await TlsHost.start(certificates, { webSocket: {} });
    const ca = await certificates.pem("ca");
    const options = { protocol: "wss", protocolVersion, ca } as const;
    await using client = await JsClient.connect(host.port, options);
    await client.mqtt.subscribeAsync("room/+", { qos: 2 });
    const payloads = ["small", "x".repeat(200_000), "last"];
    for (const [index, payload] of payloads.entries()) {
      await client.mqtt.publishAsync(`room/${index}`, payload, { qos: index as 0 | 1 | 2 });
    }
    const messages = await client.receive(3);
    assertEquals(messages.map(({ payload }) => payload), payloads);
  });
}

testWith(["openssl"], "Fairway's client publishes over secure WebSocket", async () => {
  await using certificates = await Certificates.make();
  await using host = await TlsHost.start(certificates, { webSocket: { path: "/mqtt" } });
  const heard = host.broker.subscribe("hello");
  const permissions = ["--no-prompt", "--allow-net", "--allow-read"];
  const trust = ["--cert", certificates.path("ca.pem")];
  const flags = ["-L", `wss://localhost:${host.port}/mqtt`, "-t", "hello", "-m", "there"];
  await using child = new Child(Deno.execPath(), ["run", ...permissions, ...trust, CLI, ...flags]);
  const { code, stderr } = await child.outcome(DEADLINE_MS);
  assertEquals({ code, stderr, failures: host.failures }, { code: 0, stderr: "", failures: [] });
  const { value } = await within("a message", heard.next());
  assertEquals(new TextDecoder().decode(value!.payload), "there");
});

/** Runs MQTT.js on Node. */
async function onNode(url: string, ...files: string[]): Promise<Outcome> {
  await using mqttjs = await MqttJsPackage.make();
  await using child = new Child("node", [SCRIPT, mqttjs.folder, url, ...files]);
  return await child.outcome(DEADLINE_MS);
}

const ROUND_TRIP: Outcome = { code: 0, stdout: '["room/1",200000]\n', stderr: "" };

testWith(["node"], "MQTT.js on Node publishes and receives over WebSocket", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0, webSocket: { path: "/mqtt" } });
  assertEquals(await onNode(`ws://127.0.0.1:${port}/mqtt`), ROUND_TRIP);
});

testWith(
  ["node", "openssl"],
  "MQTT.js on Node comes in over secure WebSocket, with a certificate and not without",
  async () => {
    await using certificates = await Certificates.make();
    await using host = await TlsHost.start(certificates, await asking(certificates));
    const url = `wss://localhost:${host.port}/mqtt`;
    const files = ["ca.pem", "alice.pem", "alice.key"].map((file) => certificates.path(file));
    assertEquals(await onNode(url, ...files), ROUND_TRIP);
    assertEquals((await onNode(url, files[0]!)).code, 1);
  },
);

/** What a web page does: it publishes, receives, and says what. */
function pageScript(url: string): string {
  return `
    const client = mqtt.connect("${url}", { reconnectPeriod: 0, protocolVersion: 5 });
    client.on("connect", () => {
      client.subscribe("page/+", { qos: 1 }, () => {
        client.publish("page/1", "x".repeat(200_000), { qos: 1 });
      });
    });
    client.on("message", (topic, payload) => {
      say("received " + payload.length + " on " + topic);
    });
    client.on("close", () => say("closed"));
  `;
}

testWith(
  ["chromium"],
  "MQTT.js in a web page publishes and receives, if its origin is listed",
  async () => {
    await using mqttjs = await MqttJsPackage.make();
    await using broker = new Broker();
    const files = { "/mqtt.js": await mqttjs.browserFile() };
    // Who is listed has to be known first.
    using probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = probe.addr;
    probe.close();
    await using page = new Page(pageScript(`ws://127.0.0.1:${port}/mqtt`), files);
    await broker.listen({ port, webSocket: { path: "/mqtt", origins: [page.origin] } });
    assertStringIncludes(await page.said(), "received 200000 on page/1");
  },
);

testWith(["chromium"], "MQTT.js in a web page whose origin is not listed is refused", async () => {
  await using mqttjs = await MqttJsPackage.make();
  await using broker = new Broker();
  const { port } = await broker.listen({
    port: 0,
    webSocket: { origins: ["https://example.com"] },
  });
  const files = { "/mqtt.js": await mqttjs.browserFile() };
  await using page = new Page(pageScript(`ws://127.0.0.1:${port}`), files);
  assertEquals(await page.said(), "closed");
  assertEquals(broker.stats.connectsAccepted, 0);
});
