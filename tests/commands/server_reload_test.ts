/**
 * What SIGHUP does to the listeners of a server, and to what cannot be changed while it runs.
 *
 * @module
 */
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { connect } from "../../client/mod.ts";
import { Certificates } from "../harness/certificates.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { Site } from "../harness/server_site.ts";
import { testWith } from "../harness/tools.ts";

const GLOBAL = "allow_anonymous true\nlog_dest stdout\nlog_timestamp false\n";
const RELOADED = /Configuration reloaded/;

/** A port that nothing listens at. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Connects by the bytes of 5.0 or 3.1.1, and takes CONNACK. */
async function dial(port: number, level: 4 | 5): Promise<RawClient> {
  const client = await RawClient.dial(port);
  await client.send(packets.connect({ level }));
  assertEquals((await client.readFrame())[0], 0x20);
  return client;
}

/** Whether a client is still served. */
async function expectServed(client: RawClient): Promise<void> {
  await client.send("c0 00");
  await client.expect("d0 00");
}

Deno.test("SIGHUP opens a listener that is new", async () => {
  await using site = await Site.make({ "fairway.conf": `listener 0 127.0.0.1\n${GLOBAL}` });
  const server = await site.start();
  await using before = await dial(server.port, 5);
  const port = freePort();
  await site.write(
    "fairway.conf",
    `listener 0 127.0.0.1\n${GLOBAL}listener ${port} 127.0.0.1\nmax_qos 1\n`,
  );
  await site.reload(RELOADED);
  assertStringIncludes(server.stdout, `Listening on mqtt://127.0.0.1:${port} for anyone`);
  await using client = await connect(`mqtt://127.0.0.1:${port}`);
  assertEquals(client.server?.maximumQoS, 1);
  await expectServed(before);
});

Deno.test("SIGHUP closes a listener that is gone; 5.0 is told 0x98, 3.1.1 just closed", async () => {
  const port = freePort();
  const rest = `listener ${port} 127.0.0.1\n`;
  await using site = await Site.make({ "fairway.conf": `listener 0 127.0.0.1\n${GLOBAL}${rest}` });
  const server = await site.start(/mqtt:\/\/127\.0\.0\.1:(\d+) for anyone/);
  await server.waitFor(new RegExp(`127.0.0.1:${port} for`));
  const other = [...server.stdout.matchAll(/127\.0\.0\.1:(\d+) for/g)]
    .map(([, found]) => Number(found)).find((found) => found !== port)!;
  await using stays = await dial(other, 5);
  await using told = await dial(port, 5);
  await using closed = await dial(port, 4);
  await site.write("fairway.conf", `listener 0 127.0.0.1\n${GLOBAL}`);
  await site.reload(RELOADED);
  const farewell = await told.readFrame();
  assertEquals([farewell[0], farewell[2]], [0xe0, 0x98]);
  await told.expectClose();
  await closed.expectClose();
  await assertRejects(() => RawClient.dial(port), Deno.errors.ConnectionRefused);
  await expectServed(stays);
});

Deno.test("SIGHUP opens a listener anew whose protocol is another", async () => {
  const port = freePort();
  const conf = `listener ${port} 127.0.0.1\n${GLOBAL}`;
  await using site = await Site.make({ "fairway.conf": conf });
  const server = await site.start();
  await using before = await dial(port, 5);
  await site.write("fairway.conf", `${conf}protocol websockets\n`);
  await site.reload(RELOADED);
  assertEquals((await before.readFrame())[2], 0x98);
  assertStringIncludes(server.stdout, `Closed 127.0.0.1:${port} (mqtt)`);
  await using _client = await connect(`ws://127.0.0.1:${port}`);
});

testWith(["openssl"], "SIGHUP opens a listener anew that is encrypted from now on", async () => {
  await using certificates = await Certificates.make();
  const port = freePort();
  const conf = `listener ${port} 127.0.0.1\n${GLOBAL}`;
  await using site = await Site.make({ "fairway.conf": conf });
  await site.start();
  await using before = await dial(port, 4);
  const { cert, key } = await certificates.identity("server");
  await site.write("cert.pem", cert);
  await site.write("key.pem", key);
  await site.write("fairway.conf", `${conf}certfile FOLDER/cert.pem\nkeyfile FOLDER/key.pem\n`);
  await site.reload(RELOADED);
  await before.expectClose();
  const tls = { caCerts: [await certificates.pem("ca")] };
  await using _client = await connect(`mqtts://localhost:${port}`, { tls });
});

Deno.test("SIGHUP changes nothing at all if a listener cannot be opened", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [port, free] = [freePort(), freePort()];
  const conf = `listener ${port} 127.0.0.1\n${GLOBAL}`;
  await using site = await Site.make({ "fairway.conf": conf });
  const server = await site.start();
  await using before = await dial(port, 5);
  await site.write(
    "fairway.conf",
    `${conf}protocol websockets\nmax_packet_size 5000\nlistener ${free} 127.0.0.1\n` +
      `listener ${taken.addr.port} 127.0.0.1\n`,
  );
  await site.reload(/stays as it was/);
  assertMatch(
    server.stdout,
    new RegExp(`fairway\\.conf:8: cannot listen on 127\\.0\\.0\\.1:${taken.addr.port} `),
  );
  await expectServed(before);
  await using after = await connect(`mqtt://127.0.0.1:${port}`);
  assertEquals(after.server?.maximumPacketSize, 16 * 1024 * 1024);
  await assertRejects(() => RawClient.dial(free), Deno.errors.ConnectionRefused);
});

Deno.test("SIGHUP names with file and line what needs a restart, until there is one", async () => {
  const conf = `listener 0 127.0.0.1\n${GLOBAL}fairway_overflow refuse-publisher\n`;
  await using site = await Site.make({ "fairway.conf": conf });
  const server = await site.start();
  await site.write(
    "fairway.conf",
    `listener 0 127.0.0.1\n${GLOBAL}retain_available false\npid_file FOLDER/pid\n`,
  );
  for (let i = 0; i < 2; i++) {
    const before = server.stdout.length;
    await site.reload(RELOADED);
    const said = server.stdout.slice(before).split("\n").filter((line) => line.includes("restart"));
    assertEquals(said.map((line) => line.replace(/^.*fairway\.conf/, "")), [
      ":6: pid_file: needs a restart: until then it is as before",
      ":5: retain_available: needs a restart: until then it is as before",
      ":5: fairway_overflow: was taken out, which needs a restart",
    ]);
  }
  await using client = await connect(`mqtt://127.0.0.1:${server.port}`);
  assertEquals(client.server?.retainAvailable, true);
});
