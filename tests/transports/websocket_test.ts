/**
 * A broker that listens for WebSockets: who is let in, with which clients it works, and what it
 * holds for those that read nothing.
 *
 * @module
 */
import { systemClock } from "../../transport/clock.ts";
import { assert, assertEquals, assertLess } from "@std/assert";
import { Broker, connect } from "../../mod.ts";
import { within } from "../harness/deadline.ts";
import { JsClient } from "../harness/mqttjs_client.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { frame, WebSocketClient, webSocketRequest } from "../harness/websocket_client.ts";

const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const NOTHING = new Uint8Array();

Deno.test("what is no request for a WebSocket is refused in words", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0, webSocket: { path: "/mqtt" } });
  const good = webSocketRequest("mqtt", "/mqtt?token=1");
  const cases: [status: number, words: string, request: string[]][] = [
    [426, "connect to it with a WebSocket", ["GET /mqtt HTTP/1.1", "Host: broker"]],
    [426, "must be 13", good.map((line) => line.replace("Version: 13", "Version: 8"))],
    [404, "nothing here", webSocketRequest("mqtt", "/other")],
    [400, 'must offer the subprotocol "mqtt"', webSocketRequest(null, "/mqtt")],
    [400, 'must offer the subprotocol "mqtt"', webSocketRequest("soap", "/mqtt")],
    [400, "Not a request", good.filter((line) => !line.startsWith("Sec-WebSocket-Key"))],
    [400, "Not a request", ["POST /mqtt HTTP/1.1", "Host: broker"]],
    [400, "Not a request", [...good, "no header"]],
    [400, "Not a request", [...good, `Cookie: ${"x".repeat(8000)}`]],
  ];
  for (const [status, words, request] of cases) {
    using client = await WebSocketClient.dial(port, null, request);
    assertEquals(client.status, status);
    assert(client.response.includes(words), client.response);
  }
  using client = await WebSocketClient.dial(port, null, good);
  assertEquals(client.status, 101);
  using old = await WebSocketClient.dial(port, null, webSocketRequest("mqttv3.1", "/mqtt"));
  assertEquals(old.header("sec-websocket-protocol"), "mqttv3.1");
  assertEquals(broker.stats.internalErrors, 0);
});

Deno.test("frames that break the rules of WebSocket end the connection", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0, webSocket: true });
  const long = new Uint8Array(126);
  const cases: [fault: string, bytes: Uint8Array][] = [
    ["no mask", Uint8Array.of(0x82, 0)],
    ["a reserved bit", Uint8Array.of(0xc2, 0x80)],
    ["an unknown opcode", frame(3, NOTHING)],
    ["an unknown control opcode", frame(11, NOTHING)],
    ["a continuation of nothing", frame(0, NOTHING)],
    ["a ping that is too long", frame(PING, long)],
    ["a ping in parts", frame(PING, NOTHING, { isFinal: false })],
    ["a message that is endless", Uint8Array.of(0x82, 0xff, ...new Uint8Array(12).fill(0xff))],
  ];
  for (const [fault, bytes] of cases) {
    using client = await WebSocketClient.dial(port);
    await client.raw(bytes);
    const answer = await client.readFrame();
    assertEquals([answer?.opcode, answer?.payload], [CLOSE, Uint8Array.of(0x03, 0xea)], fault);
    assertEquals(await client.readFrame(), null, fault);
  }
});

const IDLE_FRAMES: [what: string, begin: Uint8Array, one: Uint8Array][] = [
  [
    "continuations",
    frame(BINARY, NOTHING, { isFinal: false }),
    frame(0, NOTHING, { isFinal: false }),
  ],
  ["messages", NOTHING, frame(BINARY, NOTHING)],
  ["pings", NOTHING, frame(PING, NOTHING)],
  ["pongs", NOTHING, frame(PONG, Uint8Array.of(1))],
];

for (const [what, begin, one] of IDLE_FRAMES) {
  Deno.test(`idleFramesPerSecondMax empty ${what} are taken, and a flood is closed with 1008`, async () => {
    const limited: [reason: string, clientId: string | null][] = [];
    // Time stands still: so many may come, and no more however slow the machine is.
    await using broker = new Broker({
      limits: { idleFramesPerSecondMax: 50 },
      clock: { ...systemClock, now: () => 0, schedule: () => () => {} },
      hooks: { limited: ({ reason, clientId }) => limited.push([reason, clientId]) },
    });
    const { port } = await broker.listen({ port: 0, webSocket: true });
    using client = await WebSocketClient.dial(port);
    const beginnings = begin.length > 0 ? 1 : 0;
    await client.raw(begin);
    for (let n = beginnings; n < 50; n++) await client.raw(one);
    assertEquals(broker.stats.limited["websocket-frames"], 0);
    await client.raw(one);
    let answer = await client.readFrame();
    while (answer?.opcode === PONG) answer = await client.readFrame();
    // A pong that is being written goes first, and nothing is waited for.
    if (answer !== null || what !== "pings") {
      assertEquals(answer?.payload, Uint8Array.of(0x03, 0xf0));
      assertEquals(await client.readFrame(), null);
    }
    assertEquals(limited, [["websocket-frames", null]]);
    assertEquals(broker.stats.limited["websocket-frames"], 1);
  });
}

Deno.test("an empty frame that ends a message with a payload is no idle one", async () => {
  await using broker = new Broker({ limits: { idleFramesPerSecondMax: 1 } });
  const { port } = await broker.listen({ port: 0, webSocket: true });
  using client = await WebSocketClient.dial(port);
  const packet = Uint8Array.of(...packets.connect({ clientId: "c" }), 0xc0);
  await client.raw(frame(BINARY, packet, { isFinal: false }));
  for (let n = 0; n < 100; n++) {
    await client.raw(frame(0, NOTHING));
    await client.raw(frame(BINARY, Uint8Array.of(0, 0xc0), { isFinal: false }));
  }
  await client.raw(frame(0, Uint8Array.of(0)));
  let bytes = 0;
  for (const target = new Uint8Array(1000); bytes < 4 + 2 * 101;) {
    const count = await client.read(target);
    assert(count !== null, "closed");
    bytes += count;
  }
  assertEquals(broker.stats.limited["websocket-frames"], 0);
});

Deno.test("a WebSocket answers pings, and a close with a close", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0, webSocket: true });
  using client = await WebSocketClient.dial(port);
  await client.frame(PING, Uint8Array.of(1, 2));
  const pong = { opcode: PONG, isFinal: true, payload: Uint8Array.of(1, 2) };
  assertEquals(await client.readFrame(), pong);
  await client.frame(CLOSE, Uint8Array.of(0x03, 0xe8));
  assertEquals((await client.readFrame())?.opcode, CLOSE);
  assertEquals(await client.readFrame(), null);
});

Deno.test("a broker that closes tells the clients on WebSockets, and leaves nothing", async () => {
  const broker = new Broker();
  const { port } = await broker.listen({ port: 0, webSocket: true });
  using idle = await Deno.connect({ hostname: "127.0.0.1", port });
  using client = await WebSocketClient.dial(port);
  await client.frame(BINARY, packets.connect({ level: 5 }));
  await client.readFrame();
  const closing = broker.close();
  assertEquals((await client.readFrame())?.payload.subarray(0, 3), Uint8Array.of(0xe0, 1, 0x8b));
  assertEquals((await client.readFrame())?.opcode, CLOSE);
  await within("the broker is closed", closing);
  assertEquals(await idle.read(new Uint8Array(1)).catch(() => null), null);
});

Deno.test("past the limit of connections a client on a WebSocket is told so", async () => {
  await using broker = new Broker({ limits: { connectionsMax: 1 } });
  const { port } = await broker.listen({ port: 0, webSocket: true });
  const first = new RawClient(await WebSocketClient.dial(port));
  await first.send(packets.connect());
  await first.expect("20 02 00 00");
  const second = new RawClient(await WebSocketClient.dial(port));
  await second.send(packets.connect());
  await second.expect("20 02 00 03");
  await second.expectClose();
  first.close();
});

for (const protocolVersion of [4, 5] as const) {
  const over = `MQTT.js over WebSocket and MQTT ${protocolVersion === 4 ? "3.1.1" : "5"}`;

  Deno.test(`${over} publishes and receives`, async () => {
    await using broker = new Broker();
    const { port } = await broker.listen({ port: 0, webSocket: true });
    await using client = await JsClient.connect(port, { protocol: "ws", protocolVersion });
    await client.mqtt.subscribeAsync("room/+", { qos: 2 });
    const payloads = ["small", "x".repeat(200_000), "last"];
    for (const [index, payload] of payloads.entries()) {
      await client.mqtt.publishAsync(`room/${index}`, payload, { qos: index as 0 | 1 | 2 });
    }
    const messages = await client.receive(3);
    assertEquals(messages.map(({ payload }) => payload), payloads);
    assertEquals(messages.map(({ qos }) => qos), [0, 1, 2]);
  });
}

Deno.test("Fairway's client reaches a broker over WebSocket", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0, webSocket: { path: "/mqtt" } });
  const heard = broker.subscribe("hello");
  const client = await connect(`ws://127.0.0.1:${port}/mqtt`);
  await client.publish("hello", "there", { qos: 1 });
  const { value } = await within("a message", heard.next());
  assertEquals(new TextDecoder().decode(value!.payload), "there");
  await client.close();
});

Deno.test("a client on a WebSocket that stops reading does not make the broker hold all", async () => {
  const lagBytesMax = 1024 * 1024;
  await using broker = new Broker({ limits: { lagBytesMax, stallMs: 100 } });
  const { port } = await broker.listen({ port: 0, webSocket: true });
  const client = await WebSocketClient.dial(port);
  await client.frame(BINARY, packets.connect());
  await client.readFrame();
  await client.frame(BINARY, packets.subscribe({ flood: 0 }));
  await client.readFrame();
  const payload = new Uint8Array(64 * 1024);
  const count = 1024;
  for (let i = 0; i < count; i++) await broker.publish("flood", payload);
  // What was neither dropped nor taken by the kernel is held, and that is little: had the transport
  // taken what the peer does not, bytesSent would have grown to 64 MiB and nothing been dropped.
  const { bytesSent, dropped } = broker.stats;
  const held = (count - dropped.lag) * payload.length - bytesSent;
  assertLess(held, 2 * lagBytesMax);
  assertLess(bytesSent, count * payload.length / 2);
  client.close();
});
