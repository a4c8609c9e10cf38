/**
 * MQTT over WebSocket (MQTT 3.1.1 and 5.0, §6).
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import { Broker } from "../../../mod.ts";
import { connect, pingreq, publish, subscribe } from "../../harness/packets.ts";
import { Random } from "../../harness/random.ts";
import { cutAtRandom, WebSocketClient } from "../../harness/websocket_client.ts";
import { SpecClient } from "../client.ts";
import { BOTH } from "./spec.ts";

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
/** 1003, "unsupported data". */
const UNSUPPORTED = Uint8Array.of(0x03, 0xeb);

/** More than fits into a frame with a short length, in either direction. */
const LARGE = "x".repeat(100_000);

for (const { version, level } of BOTH) {
  Deno.test(`${version}: over WebSocket the broker sends binary frames, and a text frame ends the connection [MQTT-6.0.0-1]`, async () => {
    await using broker = new Broker();
    const { port } = await broker.listen({ port: 0, webSocket: true });
    for (const isLetIn of [true, false]) {
      using client = await WebSocketClient.dial(port);
      if (isLetIn) {
        await client.frame(BINARY, connect({ level }));
        assertEquals((await client.readFrame())?.opcode, BINARY);
      }
      await client.frame(TEXT, isLetIn ? pingreq() : connect({ level }));
      assertEquals(await client.readFrame(), {
        opcode: CLOSE,
        isFinal: true,
        payload: UNSUPPORTED,
      });
      assertEquals(await client.readFrame(), null);
    }
  });

  Deno.test(`${version}: packets may span WebSocket frames, or share them [MQTT-6.0.0-2]`, async () => {
    await using broker = new Broker();
    const { port } = await broker.listen({ port: 0, webSocket: true });
    const bytes = concat([
      connect({ level }),
      subscribe({ a: 0 }, { level }),
      publish("a", "first", { level }),
      publish("a", LARGE, { level }),
      publish("a", "last", { level }),
    ]);
    for (let seed = 0; seed < 20; seed++) {
      const random = new Random(seed);
      const socket = await WebSocketClient.dial(port);
      const client = new SpecClient(socket, level);
      if (seed === 0) await socket.frame(BINARY, bytes);
      else await socket.raw(cutAtRandom(bytes, random));
      await client.expectWelcome();
      assertEquals((await client.readAck()).reasonCodes, [0]);
      for (const payload of ["first", LARGE, "last"]) await client.expectPublish("a", payload);
      await client.ping();
      client.close();
    }
  });
}

Deno.test("the broker chooses the WebSocket subprotocol mqtt [MQTT-6.0.0-4]", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0, webSocket: true });
  for (const offered of ["mqtt", "mqttv3.1, mqtt", "soap,mqtt"]) {
    using client = await WebSocketClient.dial(port, offered);
    assertEquals([client.status, client.header("sec-websocket-protocol")], [101, "mqtt"]);
    // The answer to the key of RFC 6455 §1.3.
    assertEquals(client.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  }
});
