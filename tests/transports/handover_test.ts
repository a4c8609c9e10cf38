/**
 * Connections that one broker accepts and another one takes over, right after their CONNECT.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { ForeignConnection } from "../../broker/base/client_home.ts";
import { Broker } from "../../mod.ts";
import { NativeSockets } from "../../transport/native/native_sockets.ts";
import type { NativeTransport } from "../../transport/native/native_transport.ts";
import { unread } from "../../transport/unread_transport.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { WebSocketClient } from "../harness/websocket_client.ts";

const isNative = Deno.build.os === "linux" && ["x86_64", "aarch64"].includes(Deno.build.arch);

/** Two brokers: clients whose identifier begins with `far` live on the second one. */
class Pair implements AsyncDisposable {
  readonly near = new Broker();
  readonly far = new Broker();
  handed = 0;

  constructor(handOver: (connection: ForeignConnection, far: Broker) => void) {
    this.near.handover.begin({
      owns: (clientId) => !clientId.startsWith("far"),
      handOver: (connection) => {
        this.handed++;
        handOver(connection, this.far);
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.near.close();
    await this.far.close();
  }
}

/** Hands the transport itself over, with the bytes. */
function asTransport({ transport, received, peer }: ForeignConnection, far: Broker): void {
  far.accept(unread(transport, received), { ...peer, isAdmitted: true });
}

/** Hands descriptors over. */
function asDescriptor(): typeof asTransport {
  let sockets: NativeSockets | null = null;
  return ({ transport, received, peer }, far) => {
    const socket = (transport as NativeTransport).detach(received);
    if (sockets === null) {
      sockets = new NativeSockets({ reportError: (error) => assert(false, String(error)) });
      far.handover.begin({ owns: () => true, handOver: () => {} }, sockets);
    }
    far.accept(sockets.adopt(socket), { ...peer, isAdmitted: true });
  };
}

const WAYS = {
  "the runtime's socket": { native: false, handOver: asTransport },
  "a descriptor": { native: true, handOver: asDescriptor() },
};

for (const [name, { native, handOver }] of Object.entries(WAYS)) {
  const ignore = native && !isNative;
  Deno.test(
    { name: `a client is served by the broker where it lives: ${name}`, ignore },
    async () => {
      await using pair = new Pair(handOver);
      const { port } = await pair.near.listen({ port: 0, native });
      // All in one write: what follows CONNECT is not lost.
      await using far = await RawClient.dial(port);
      await far.send(
        packets.connect({ clientId: "far 1" }),
        packets.subscribe({ t: 1 }),
        packets.publish("t", "<x>"),
      );
      await far.expect("20 02 00 00", "90 03 00 01 01");
      await far.expect("30 06 00 01 74 3c 78 3e");
      await using near = await RawClient.dial(port);
      await near.send(packets.connect({ clientId: "near" }));
      await near.expect("20 02 00 00");
      assertEquals([pair.handed, pair.near.stats.clients, pair.far.stats.clients], [1, 1, 1]);
      // Its second connection takes the session over, although it was accepted elsewhere, too.
      await using again = await RawClient.dial(port);
      await again.send(packets.connect({ clientId: "far 1" }));
      await again.expect("20 02 00 00");
      await far.expectClose();
      assertEquals(pair.far.stats.clients, 1);
    },
  );
}

Deno.test("an assigned client identifier is one that lives where the client was accepted [MQTT-3.1.3-6]", async () => {
  await using broker = new Broker();
  const asked: string[] = [];
  broker.handover.begin({
    owns: (clientId) => asked.push(clientId) >= 5,
    handOver: () => assert(false, "It has no identifier yet"),
  });
  const { port } = await broker.listen({ port: 0 });
  await using client = await RawClient.dial(port);
  await client.send(packets.connect({ clientId: "" }));
  await client.expect("20 02 00 00");
  assertEquals(asked.length, 5);
  assert(broker.inspection.session(asked[4]!) !== null);
});

Deno.test("a WebSocket is handed over after its handshake", async () => {
  await using pair = new Pair(asTransport);
  const { port } = await pair.near.listen({ port: 0, webSocket: true });
  await using client = new RawClient(await WebSocketClient.dial(port));
  await client.send(packets.connect({ clientId: "far" }));
  await client.expect("20 02 00 00");
  assertEquals(pair.far.stats.clients, 1);
});
