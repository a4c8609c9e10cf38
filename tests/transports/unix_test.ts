/**
 * A broker that listens on a unix socket: with which clients it works, and whose files it removes.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Broker, connect } from "../../mod.ts";
import { within } from "../harness/deadline.ts";
import { publish, Subscriber } from "../harness/external_clients.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { JsClient } from "../harness/mqttjs_client.ts";
import { testWith } from "../harness/tools.ts";

/** Runs a test with the path of a socket that is not there yet. */
async function withPath(fn: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await fn(`${folder}/mqtt.sock`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Leaves a socket behind, as a server does that was killed. */
async function leaveBehind(path: string): Promise<void> {
  const code = `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} }); Deno.exit(0);`;
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    stderr: "null",
  }).output();
  assert(success);
}

testWith(
  ["mosquitto_pub", "mosquitto_sub"],
  "mosquitto clients exchange messages over a unix socket",
  async () => {
    await withPath(async (path) => {
      await using broker = new Broker();
      await broker.listen({ path });
      const flags = ["--unix", path, "-t", "sea/wind", "-q", "2"];
      await using subscriber = await Subscriber.ready(0, "-C", "2", ...flags);
      await publish(0, [...flags, "-l"], `calm\n${"x".repeat(200_000)}\n`);
      const messages = await subscriber.outcome();
      assertEquals(messages.map(({ payload }) => payload.length), [4, 200_000]);
    });
  },
);

Deno.test("Fairway's client reaches a broker over a unix socket, which is its address", async () => {
  await withPath(async (path) => {
    const addresses: string[] = [];
    const hooks = { connected: ({ address }: { address: string }) => void addresses.push(address) };
    await using broker = new Broker({ hooks });
    await broker.listen({ path });
    const client = await connect(`unix:${path}`, { reconnect: false });
    const heard = client.subscribe("hello");
    await heard.ready;
    await broker.publish("hello", "there");
    const { value } = await within("a message", heard.next());
    assertEquals(new TextDecoder().decode(value!.payload), "there");
    await client.close();
    assertEquals(addresses, [`unix:${path}`]);
  });
});

Deno.test("a broker that closes removes its socket, and ends its connections", async () => {
  await withPath(async (path) => {
    const broker = new Broker();
    const listener = await broker.listen({ path });
    assertEquals(listener.path, path);
    const client = new RawClient(await Deno.connect({ transport: "unix", path }));
    await client.send(packets.connect());
    await client.expect("20 02 00 00");
    await within("the broker is closed", broker.close());
    await client.expectClose();
    assertEquals(await exists(path), false);
    await listener.close();
    await assertRejects(() => broker.listen({ path }), TypeError, "broker is closed");
    assertEquals(await exists(path), false);
  });
});

Deno.test("a unix socket has the permissions that it was given", async () => {
  await withPath(async (path) => {
    await using broker = new Broker();
    await broker.listen({ path, mode: 0o620 });
    assertEquals((await Deno.lstat(path)).mode! & 0o777, 0o620);
  });
});

Deno.test("a unix socket of which nothing is said is its owner's alone", async () => {
  await withPath(async (path) => {
    await using broker = new Broker();
    await broker.listen({ path });
    assertEquals((await Deno.lstat(path)).mode! & 0o777, 0o600);
    assertEquals(await exists(`${path}~`), false);
  });
});

Deno.test("a unix socket is made though an earlier start was ended in the middle of it", async () => {
  await withPath(async (path) => {
    await Deno.mkdir(`${path}~`);
    await leaveBehind(`${path}~/s`);
    await using broker = new Broker();
    await broker.listen({ path });
    assertEquals(await exists(`${path}~`), false);
    await using other = new Broker();
    await Deno.writeTextFile(`${path}2~`, "precious");
    await assertRejects(() => other.listen({ path: `${path}2` }), Deno.errors.AlreadyExists);
    assertEquals(await Deno.readTextFile(`${path}2~`), "precious");
  });
});

Deno.test("a socket that was left behind is replaced", async () => {
  await withPath(async (path) => {
    await leaveBehind(path);
    assert(await exists(path));
    await using broker = new Broker();
    await broker.listen({ path });
    const client = await connect(`unix:${path}`, { reconnect: false });
    await client.close();
  });
});

Deno.test("a socket of another server is left alone", async () => {
  await withPath(async (path) => {
    await using first = new Broker();
    await using second = new Broker();
    await first.listen({ path });
    await assertRejects(() => second.listen({ path }), Deno.errors.AddrInUse, path);
    const client = await connect(`unix:${path}`, { reconnect: false });
    await client.close();
  });
});

Deno.test("a file that is no socket is left alone", async () => {
  await withPath(async (path) => {
    await Deno.writeTextFile(path, "precious");
    await using broker = new Broker();
    await assertRejects(() => broker.listen({ path }), Deno.errors.AlreadyExists, path);
    await Deno.remove(path);
    await Deno.writeTextFile(`${path}.other`, "precious");
    await Deno.symlink(`${path}.other`, path);
    await assertRejects(() => broker.listen({ path }), Deno.errors.AlreadyExists, path);
    assertEquals(await Deno.readTextFile(path), "precious");
  });
});

Deno.test("a socket that another server has put in the place is not removed", async () => {
  await withPath(async (path) => {
    const first = new Broker();
    const second = new Broker();
    await first.listen({ path });
    await Deno.rename(path, `${path}.moved`);
    await second.listen({ path });
    await first.close();
    const client = await connect(`unix:${path}`, { reconnect: false });
    await client.close();
    await second.close();
    assertEquals(await exists(path), false);
  });
});

Deno.test("a unix socket takes WebSockets, too, as from a web server on the same machine", async () => {
  await withPath(async (path) => {
    await using broker = new Broker();
    await broker.listen({ path, webSocket: { path: "/mqtt" } });
    // A proxy, as the web server is one.
    using proxy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const proxying = (async () => {
      const [front, back] = [await proxy.accept(), await Deno.connect({ transport: "unix", path })];
      await Promise.all([
        front.readable.pipeTo(back.writable).catch(() => {}),
        back.readable.pipeTo(front.writable).catch(() => {}),
      ]);
    })();
    const { port } = proxy.addr;
    const client = await JsClient.connect(port, { protocol: "ws", path: "/mqtt" });
    await client.mqtt.publishAsync("a", "b", { qos: 1 });
    await client[Symbol.asyncDispose]();
    await proxying;
    assertEquals(broker.stats.connectsAccepted, 1);
  });
});

Deno.test("a client on a unix socket that stops reading does not make the broker hold all", async () => {
  await withPath(async (path) => {
    const lagBytesMax = 1024 * 1024;
    await using broker = new Broker({ limits: { lagBytesMax, stallMs: 100 } });
    await broker.listen({ path });
    const client = new RawClient(await Deno.connect({ transport: "unix", path }));
    await client.send(packets.connect());
    await client.expect("20 02 00 00");
    await client.send(packets.subscribe({ flood: 0 }));
    await client.expect("90 03 00 01 00");
    const payload = new Uint8Array(64 * 1024);
    for (let i = 0; i < 256; i++) await broker.publish("flood", payload);
    const { bytesSent, dropped } = broker.stats;
    assert((256 - dropped.lag) * payload.length - bytesSent < 2 * lagBytesMax);
    assert(bytesSent < 128 * payload.length);
    client.close();
  });
});
