/**
 * A broker behind proxies: whose word it takes on where clients come from.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { concat } from "@std/bytes";
import { Broker, type BrokerOptions, type ListenOptions } from "../../mod.ts";
import { Certificates } from "../harness/certificates.ts";
import { within } from "../harness/deadline.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { testWith } from "../harness/tools.ts";
import { WebSocketClient, webSocketRequest } from "../harness/websocket_client.ts";

const HEADER = new TextEncoder().encode("PROXY TCP4 192.0.2.7 198.51.100.1 50123 1883\r\n");

/** A broker that tells from where clients were let in, and why others were not. */
function telling(options: BrokerOptions = {}): {
  broker: Broker;
  addresses: string[];
  failures: string[];
  failed: Promise<void>;
} {
  const [addresses, failures]: string[][] = [[], []];
  const { promise: failed, resolve } = Promise.withResolvers<void>();
  const broker = new Broker({
    ...options,
    hooks: {
      connected: ({ address }) => void addresses!.push(address),
      handshakeFailed: (address, error) => {
        failures!.push(`${address.split(":")[0]}: ${(error as Error).message}`);
        resolve();
      },
    },
  });
  return { broker, addresses: addresses!, failures: failures!, failed };
}

/** Connects, and says what it is told to before CONNECT. */
async function knock(port: number, before: Uint8Array): Promise<RawClient> {
  const client = await RawClient.dial(port);
  await client.send(concat([before, packets.connect()]));
  return client;
}

Deno.test("a client behind a proxy has the address that the proxy tells", async () => {
  const { broker, addresses, failures, failed } = telling();
  await using _ = broker;
  const proxy = { from: ["10.0.0.0/8", "127.0.0.1"] };
  const { port } = await broker.listen({ port: 0, proxy });
  await using client = await knock(port, HEADER);
  await client.expect("20 02 00 00");
  assertEquals(addresses, ["192.0.2.7:50123"]);
  await client.expectSilence();
  await using plain = await knock(port, new Uint8Array());
  await plain.expectClose();
  await within("it is told", failed);
  assertEquals(failures, [
    "127.0.0.1: Connection of a proxy does not begin with a PROXY header",
  ]);
});

Deno.test("who is no proxy is refused, or taken as it is", async () => {
  const { broker, addresses, failures } = telling();
  await using _ = broker;
  const strict = await broker.listen({ port: 0, proxy: { from: ["10.0.0.0/8"] } });
  for (const before of [HEADER, new Uint8Array()]) {
    await using client = await knock(strict.port, before);
    await client.expectClose();
  }
  assertEquals(failures, Array(2).fill("127.0.0.1: Connection is not from a proxy that is listed"));
  const proxy = { from: ["10.0.0.0/8"], others: "direct" as const };
  const { port } = await broker.listen({ port: 0, proxy });
  await using client = await knock(port, new Uint8Array());
  await client.expect("20 02 00 00");
  assertEquals(addresses.map((address) => address.split(":")[0]), ["127.0.0.1"]);
  // Nobody becomes somebody else by saying so.
  await using liar = await knock(port, HEADER);
  await liar.expectClose();
  assertEquals(addresses.length, 1);
});

Deno.test("the limits of an address are those of the client, not of the proxy", async () => {
  const { broker, addresses } = telling({ limits: { addressConnectionsMax: 1 } });
  await using _ = broker;
  const { port } = await broker.listen({ port: 0, proxy: { from: ["127.0.0.1"] } });
  await using first = await knock(port, HEADER);
  await first.expect("20 02 00 00");
  await using second = await knock(port, HEADER);
  await second.expectClose();
  const other = new TextEncoder().encode("PROXY TCP4 192.0.2.8 198.51.100.1 50123 1883\r\n");
  await using third = await knock(port, other);
  await third.expect("20 02 00 00");
  assertEquals(addresses, ["192.0.2.7:50123", "192.0.2.8:50123"]);
  assertEquals(broker.stats.limited["address-connections"], 1);
  const { port: webSockets } = await broker.listen({
    port: 0,
    webSocket: { forwardedFor: ["127.0.0.1"] },
  });
  const request = [...webSocketRequest("mqtt"), "X-Forwarded-For: 192.0.2.8"];
  await using fourth = new RawClient(await WebSocketClient.dial(webSockets, null, request));
  await fourth.send(packets.connect());
  await fourth.expectClose();
  assertEquals(broker.stats.limited["address-connections"], 2);
});

Deno.test("a proxy has little time for its header", async () => {
  const { broker, failures, failed } = telling({ limits: { handshakeTimeoutMs: 200 } });
  await using _ = broker;
  const { port } = await broker.listen({ port: 0, proxy: { from: ["127.0.0.1"] } });
  await using client = await RawClient.dial(port);
  await client.send(HEADER.subarray(0, 20));
  await client.expectClose();
  await within("it is told", failed);
  assertEquals(failures, ["127.0.0.1: Handshake is not over after 200 ms"]);
});

Deno.test("a listener refuses what is no list of proxies", async () => {
  await using broker = new Broker();
  const bad: Partial<ListenOptions>[] = [
    { proxy: { from: ["proxy.example"] } },
    { webSocket: { forwardedFor: ["10.0.0.0/40"] } },
  ];
  for (const options of bad) {
    await assertRejects(() => broker.listen({ port: 0, ...options }), TypeError, "no block");
  }
});

testWith(["openssl"], "a PROXY header comes before the handshake of TLS", async () => {
  await using certificates = await Certificates.make();
  const { broker, addresses } = telling();
  await using _ = broker;
  const identity = await certificates.identity("server");
  const proxy = { from: ["127.0.0.1"] };
  const listener = await broker.listen({ port: 0, tls: identity, proxy });
  // The proxy: it says who is there, and passes everything on.
  using front = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const proxying = (async () => {
    const back = await Deno.connect({ hostname: "127.0.0.1", port: listener.port });
    await back.write(HEADER);
    const client = await front.accept();
    await Promise.all([
      client.readable.pipeTo(back.writable).catch(() => {}),
      back.readable.pipeTo(client.writable).catch(() => {}),
    ]);
  })();
  const caCerts = [await certificates.pem("ca")];
  const { port } = front.addr;
  const client = new RawClient(await Deno.connectTls({ hostname: "localhost", port, caCerts }));
  await client.send(packets.connect());
  await client.expect("20 02 00 00");
  assertEquals(addresses, ["192.0.2.7:50123"]);
  await client.send(packets.disconnect());
  await client.expectClose();
  await proxying;
});

/** What comes of a request for a WebSocket with a header. */
async function forwarded(forwardedFor: string[], header: string | null): Promise<string> {
  const { broker, addresses } = telling();
  await using _ = broker;
  const { port } = await broker.listen({ port: 0, webSocket: { forwardedFor } });
  const request = webSocketRequest("mqtt");
  if (header !== null) request.push(`X-Forwarded-For: ${header}`);
  const client = new RawClient(await WebSocketClient.dial(port, null, request));
  await client.send(packets.connect());
  await client.expect("20 02 00 00");
  client.close();
  return addresses[0]!;
}

Deno.test("X-Forwarded-For is believed of proxies that are listed, and of nobody else", async () => {
  const here = ["127.0.0.1"];
  assertEquals(await forwarded(here, "192.0.2.7"), "192.0.2.7");
  assertEquals(await forwarded(here, "192.0.2.7:50123"), "192.0.2.7");
  assertEquals(await forwarded(here, "2001:db8::7"), "2001:db8::7");
  assertEquals(await forwarded(here, "[2001:db8::7]:50123"), "2001:db8::7");
  // What a client has made up stands in front of what the proxy has added.
  assertEquals(await forwarded(here, "203.0.113.9, 192.0.2.7"), "192.0.2.7");
  const two = ["127.0.0.0/8", "10.0.0.0/8"];
  assertEquals(await forwarded(two, "203.0.113.9, 192.0.2.7, 10.1.2.3"), "192.0.2.7");
  assertEquals(await forwarded(two, "192.0.2.7, nonsense, 10.1.2.3"), "10.1.2.3");
  for (const [proxies, header] of [[[], "192.0.2.7"], [["10.0.0.0/8"], "192.0.2.7"]] as const) {
    assertEquals((await forwarded([...proxies], header)).split(":")[0], "127.0.0.1");
  }
  assertEquals((await forwarded(here, "nonsense")).split(":")[0], "127.0.0.1");
  assertEquals((await forwarded(here, null)).split(":")[0], "127.0.0.1");
});
