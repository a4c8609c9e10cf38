/**
 * The ways by which a bridge reaches another broker: TLS with a certificate, WebSockets with a path,
 * an HTTP proxy, and an address of this machine.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type BridgeOptions, Bridges } from "../../bridge/mod.ts";
import { Broker } from "../../mod.ts";
import { Certificates } from "../harness/certificates.ts";
import { Child } from "../harness/child.ts";
import { within } from "../harness/deadline.ts";
import { testWith } from "../harness/tools.ts";

/** An HTTP proxy that opens connections to this machine; says which it was asked for. */
class Proxy implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #served = new Set<Promise<void>>();
  readonly #answer: string;

  constructor(answer = "200 OK") {
    this.#answer = answer;
    void this.#accept();
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) {
      const serving = this.#serve(conn).catch(() => {});
      this.#served.add(serving);
    }
  }

  async #serve(conn: Deno.Conn): Promise<void> {
    const bytes = new Uint8Array(1024);
    let text = "";
    while (!text.endsWith("\r\n\r\n")) {
      const count = await conn.read(bytes);
      if (count === null) return conn.close();
      text += new TextDecoder().decode(bytes.subarray(0, count));
    }
    this.asked.push(text.split("\r\n").filter((line) => !line.startsWith("Host")).join(" ").trim());
    await conn.write(new TextEncoder().encode(`HTTP/1.1 ${this.#answer}\r\nVia: test\r\n\r\n`));
    if (!this.#answer.startsWith("200")) return conn.close();
    const [, port] = /:(\d+) HTTP/.exec(text)!;
    const onward = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    const ways = [conn.readable.pipeTo(onward.writable), onward.readable.pipeTo(conn.writable)];
    await Promise.allSettled(ways);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await Promise.all(this.#served);
  }
}

let passes = 0;

/** Bridges a broker of its own to another one, and returns what arrives there of it. */
async function pass(other: Broker, options: Partial<BridgeOptions>): Promise<string> {
  await using broker = new Broker();
  const messages = other.subscribe("a");
  await using bridges = new Bridges(broker);
  bridges.add({
    name: "b",
    addresses: [],
    remoteClientId: "b",
    topics: [{ pattern: "a", qos: 1 }],
    ...options,
  });
  // The other broker keeps what an earlier bridge has brought.
  const own = `of pass ${++passes}`;
  await broker.publish("a", own, { qos: 1, retain: true });
  const why = () => `a message: ${JSON.stringify(bridges.status("b"))}`;
  let text = "";
  while (text !== own) {
    const { value } = await within(why, messages.next());
    text = new TextDecoder().decode(value!.payload);
  }
  await messages.return();
  await bridges.close();
  await broker.close();
  return "passed";
}

/** Waits for the reason why a bridge cannot connect. */
async function failure(options: Partial<BridgeOptions>): Promise<string> {
  const failed = Promise.withResolvers<string>();
  await using broker = new Broker();
  await using bridges = new Bridges(broker, { log: (_, text) => failed.resolve(text) });
  bridges.add({
    name: "b",
    addresses: [],
    remoteClientId: "b",
    topics: [{ pattern: "a" }],
    ...options,
  });
  const text = await within("a failure", failed.promise);
  await bridges.close();
  await broker.close();
  return text;
}

Deno.test("a bridge goes by ws: with a path", async () => {
  await using other = new Broker();
  const { port } = await other.listen({ port: 0, webSocket: { path: "/mqtt" } });
  assertEquals(await pass(other, { addresses: [`ws://127.0.0.1:${port}/mqtt`] }), "passed");
});

Deno.test("a bridge goes through an HTTP proxy, with a name and a password", async () => {
  await using other = new Broker();
  const { port } = await other.listen({ hostname: "127.0.0.1", port: 0 });
  await using proxy = new Proxy();
  const options = {
    addresses: [`localhost:${port}`],
    proxy: `http://user:pa%20ss@127.0.0.1:${proxy.port}`,
  };
  assertEquals(await pass(other, options), "passed");
  assertEquals(proxy.asked, [
    `CONNECT localhost:${port} HTTP/1.1 Proxy-Authorization: Basic ${btoa("user:pa ss")}`,
  ]);
});

Deno.test("a proxy that refuses is named, with what it says", async () => {
  await using proxy = new Proxy("407 Proxy Authentication Required");
  const text = await failure({
    addresses: ["localhost:1883"],
    proxy: `http://127.0.0.1:${proxy.port}`,
  });
  assertEquals(
    text,
    `Bridge b: cannot connect to mqtt://localhost:1883: The proxy 127.0.0.1:${proxy.port} does not connect: HTTP/1.1 407 Proxy Authentication Required`,
  );
});

Deno.test("a bridge connects from the address that it is given", async () => {
  const addresses: string[] = [];
  const hooks = { connected: ({ address }: { address: string }) => void addresses.push(address) };
  await using other = new Broker({ hooks });
  const { port } = await other.listen({ hostname: "127.0.0.1", port: 0 });
  assertEquals(
    await pass(other, { addresses: [`127.0.0.1:${port}`], bindAddress: "127.0.0.2" }),
    "passed",
  );
  assert(addresses[0]!.startsWith("127.0.0.2:"), addresses.join());
});

testWith(
  ["openssl"],
  "a bridge shows its certificate, and trusts the authority that it is given",
  async () => {
    await using certificates = await Certificates.make();
    await certificates.client("hall7");
    await certificates.authority("stranger");
    const names: string[] = [];
    const { cert, key } = await certificates.identity("server");
    const ca = await certificates.pem("ca");
    await using other = new Broker({
      hooks: { connected: ({ username }) => void names.push(username ?? "none") },
      rules: { identityAsUsername: true },
    });
    const tls = { cert, key, clientCertificate: "require" as const, clientAuthorities: ca };
    const { port } = await other.listen({ hostname: "127.0.0.1", port: 0, tls });
    const identity = await certificates.identity("hall7");
    const addresses = [`127.0.0.1:${port}`];
    assertEquals(await pass(other, { addresses, tls: { caCerts: [ca], ...identity } }), "passed");
    assertEquals(names[0], "hall7");
    const stranger = await certificates.pem("stranger");
    const text = await failure({ addresses, tls: { caCerts: [stranger], ...identity } });
    assert(/certificate|UnknownIssuer/i.test(text), text);
  },
);

testWith(
  ["openssl"],
  "a bridge goes by TLS from an address, through a proxy, and with ALPN",
  async () => {
    await using certificates = await Certificates.make();
    const { cert, key } = await certificates.identity("server");
    const tls = { caCerts: [await certificates.pem("ca")] };
    await using other = new Broker();
    const { port } = await other.listen({ hostname: "127.0.0.1", port: 0, tls: { cert, key } });
    await using proxy = new Proxy();
    const addresses = [`localhost:${port}`];
    const ways = [
      { tls, proxy: `http://127.0.0.1:${proxy.port}` },
      { tls, bindAddress: "127.0.0.1", addresses: [`127.0.0.1:${port}`] },
      { tls: { ...tls, alpn: "mqtt" } },
      { tls: { insecure: true, caCerts: tls.caCerts } },
    ];
    for (const way of ways) assertEquals(await pass(other, { addresses, ...way }), "passed");
  },
);

testWith(
  ["openssl"],
  "a bridge goes by wss: with its authority and certificate, from an address and through a proxy",
  async () => {
    await using certificates = await Certificates.make();
    await certificates.client("hall7");
    const { cert, key } = await certificates.identity("server");
    const ca = await certificates.pem("ca");
    const names: string[] = [];
    await using other = new Broker({
      hooks: { connected: ({ username }) => void names.push(username ?? "none") },
      rules: { identityAsUsername: true },
    });
    const { port } = await other.listen({
      hostname: "127.0.0.1",
      port: 0,
      webSocket: { path: "/mqtt" },
      tls: { cert, key, clientCertificate: "require", clientAuthorities: ca },
    });
    await using proxy = new Proxy();
    const tls = { caCerts: [ca], ...await certificates.identity("hall7") };
    const addresses = [`wss://localhost:${port}/mqtt`];
    const ways = [{}, { bindAddress: "127.0.0.1" }, { proxy: `http://127.0.0.1:${proxy.port}` }];
    for (const way of ways) assertEquals(await pass(other, { addresses, tls, ...way }), "passed");
    assertEquals(names.filter((name) => name === "hall7").length, ways.length);
    assertEquals(proxy.asked.length, 1);
    const wrong = await failure({ addresses: [`wss://localhost:${port}/other`], tls });
    assertMatch(wrong, /: No WebSocket: HTTP\/1\.1 404 Not Found$/);
    const untrusted = await failure({ addresses, tls: { ...tls, caCerts: [] } });
    assertMatch(untrusted, /certificate|UnknownIssuer/i);
  },
);

testWith(
  ["openssl"],
  "a bridge that demands TLS 1.3 connects to a broker that has it, and to none that is older",
  async () => {
    await using certificates = await Certificates.make();
    const { cert, key } = await certificates.identity("server");
    const tls = { caCerts: [await certificates.pem("ca")], minVersion: "1.3" as const };
    await using other = new Broker();
    const { port } = await other.listen({ hostname: "127.0.0.1", port: 0, tls: { cert, key } });
    const found = await pass(other, { addresses: [`localhost:${port}`], tls });
    assertEquals(found, "passed");
    await using old = new Child("openssl", [
      ...["s_server", "-accept", "127.0.0.1:0", "-tls1_2", "-naccept", "1"],
      ...[
        "-cert",
        `${certificates.folder}/server.pem`,
        "-key",
        `${certificates.folder}/server.key`,
      ],
    ]);
    const [, oldPort] = await old.waitFor(/ACCEPT \S+:(\d+)/, "stdout");
    const text = await failure({ addresses: [`localhost:${oldPort}`], tls });
    assertMatch(text, /The TLS handshake has failed: /);
  },
);
