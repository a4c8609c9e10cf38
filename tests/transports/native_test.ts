/**
 * A broker with native sockets: all that it can listen on, what goes on beside it, and that it
 * leaves nothing behind. The tests of other folders run over native sockets, too, see
 * `tests/run.sh`.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Broker } from "../../mod.ts";
import { within } from "../harness/deadline.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { Certificates } from "../harness/certificates.ts";
import { testWith } from "../harness/tools.ts";
import { SCENES } from "./native_scenes.ts";

const isSupported = Deno.build.os === "linux" && ["x86_64", "aarch64"].includes(Deno.build.arch);

/** A test that needs native sockets. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, ignore: !isSupported });
}

for (const name of Object.keys(SCENES)) {
  test(`native sockets leave no descriptor open: ${name}`, async () => {
    const script = new URL("./native_scenes.ts", import.meta.url).pathname;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", "--allow-all", script, name],
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  });
}

testWith(["openssl"], "native sockets carry TLS", async () => {
  if (!isSupported) return;
  await using certificates = await Certificates.make();
  await using broker = new Broker();
  const tls = await certificates.identity("server");
  const { port } = await broker.listen({ port: 0, tls, native: true });
  const conn = await Deno.connectTls({
    hostname: "localhost",
    port,
    caCerts: [await certificates.pem("ca")],
    alpnProtocols: ["mqtt"],
  });
  await using client = new RawClient(conn);
  await client.send(packets.connect({ clientId: "c" }));
  await client.expect("20 02 00 00");
});

test("timers and sockets of the runtime go on beside native sockets under load", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0, native: true });
  await using other = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response("ok"),
  );
  let isOver = false;
  const flood = (async () => {
    await using client = await RawClient.dial(port);
    await client.send(packets.connect({ clientId: "c" }));
    await client.expect("20 02 00 00");
    while (!isOver) {
      await client.send(packets.pingreq());
      await client.expect("d0 00");
    }
  })();
  for (let i = 0; i < 5; i++) {
    await within("a timer", new Promise((resolve) => setTimeout(resolve, 1)));
    const response = await within("a response", fetch(`http://127.0.0.1:${other.addr.port}`));
    assertEquals(await response.text(), "ok");
  }
  isOver = true;
  await flood;
});

test("a port that is taken is refused as by the runtime, and one that is shared is not", async () => {
  await using broker = new Broker();
  const native = { reusePort: true };
  const { port } = await broker.listen({ port: 0, native });
  await assertRejects(() => broker.listen({ port, native: true }), Deno.errors.AddrInUse);
  await assertRejects(
    () => broker.listen({ port: 0, hostname: "192.0.2.1", native: true }),
    Deno.errors.AddrNotAvailable,
  );
  assertEquals((await broker.listen({ port, native })).port, port);
});
