import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Broker } from "../broker/broker.ts";
import { within } from "../tests/harness/deadline.ts";
import { WebSocketTransport } from "../transport/websocket.ts";
import { connect } from "./connect.ts";
import { endpointOf, endpointText } from "./endpoint.ts";
import { ConnectError } from "./errors.ts";
import type { ConnectOptions } from "./options.ts";
import { AUTHORITY, CERTIFICATE, PRIVATE_KEY } from "./testdata/certificate.ts";

/** Connects, and has a large message come back. */
async function echo(url: string, options: ConnectOptions = {}): Promise<void> {
  const client = await connect(url, { reconnect: false, ...options });
  const subscription = client.subscribe("echo");
  await subscription.ready;
  const payload = new Uint8Array(100_000).map((_, index) => index);
  await client.publish("echo", payload, { qos: 1 });
  const { value } = await within("the echo", subscription.next());
  assertEquals(value!.payload, payload);
  await client.close();
}

Deno.test("connect() over a socket of this machine", async () => {
  await using broker = new Broker();
  const folder = await Deno.makeTempDir();
  const path = `${folder}/mqtt socket`;
  const listener = Deno.listen({ transport: "unix", path });
  const accepting = listener.accept().then((conn) => broker.accept(conn));
  await echo(`unix:${encodeURI(path)}`);
  await accepting;
  listener.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("connect() over TLS, to a server that is trusted", async () => {
  await using broker = new Broker();
  const identity = { cert: CERTIFICATE, key: PRIVATE_KEY };
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...identity });
  const url = `mqtts://localhost:${(listener.addr as Deno.NetAddr).port}`;
  const accepting = listener.accept().then((conn) => broker.accept(conn));
  await echo(url, { tls: { caCerts: [AUTHORITY] } });
  await accepting;
  const refusing = listener.accept().then(async (conn) => {
    await conn.handshake().catch(() => {});
    conn.close();
  });
  await assertRejects(() => connect(url), ConnectError, "certificate");
  await refusing;
  listener.close();
});

Deno.test("connect() over WebSocket", async () => {
  await using broker = new Broker();
  const protocols: (string | null)[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    protocols.push(request.headers.get("sec-websocket-protocol"));
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "mqtt" });
    const transport = new WebSocketTransport(socket);
    socket.onopen = () => broker.accept(transport);
    return response;
  });
  await echo(`ws://127.0.0.1:${server.addr.port}/mqtt`);
  assertEquals(protocols, ["mqtt"]);
  await server.shutdown();
});

Deno.test("connect() to nobody", async () => {
  using probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = probe.addr;
  probe.close();
  for (const scheme of ["mqtt", "mqtts", "ws"]) {
    await assertRejects(() => connect(`${scheme}://127.0.0.1:${port}`), ConnectError);
  }
  await assertRejects(() => connect("unix:/nowhere/at/all"), ConnectError);
});

Deno.test("endpointOf() takes a URL apart", () => {
  assertEquals(endpointOf("mqtt://ann:s%20x@[::1]"), {
    scheme: "mqtt",
    hostname: "::1",
    port: 1883,
    path: "",
    username: "ann",
    password: "s x",
  });
  assertEquals(endpointOf("mqtts://host").port, 8883);
  assertEquals(endpointOf("wss://host/mqtt?a=1").path, "/mqtt?a=1");
  assertEquals(endpointText(endpointOf("mqtt://ann:secret@[::1]:7")), "mqtt://[::1]:7");
  assertEquals(endpointText(endpointOf("unix:/run/a")), "unix:/run/a");
  for (const url of ["http://host", "mqtt:", "unix:", "nonsense"]) {
    assertThrows(() => endpointOf(url), TypeError);
  }
});
