/**
 * `fairway_workers N`: a configuration file holds for all workers, and is told and reloaded as one.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ownerOf } from "../../cluster/client_owner.ts";
import { CONFIG_PERMISSIONS, startServer } from "../harness/broker_process.ts";
import { Certificates } from "../harness/certificates.ts";
import type { Child } from "../harness/child.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { Site } from "../harness/server_site.ts";
import { testWith } from "../harness/tools.ts";

const isSupported = Deno.build.os === "linux" && ["x86_64", "aarch64"].includes(Deno.build.arch);

/** Enough for a start with an empty cache. */
const DEADLINE_MS = 60_000;

const WORKERS = "fairway_native_sockets true\nfairway_workers 2\nlog_dest stdout\n" +
  "log_timestamp false\nconnection_messages false\n";

/** A test with a server that has workers. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, ignore: !isSupported });
}

function start(site: Site, ...flags: string[]): Child {
  return startServer(["-c", site.path, ...flags], [...CONFIG_PERMISSIONS, "--allow-ffi"]);
}

async function portOf(server: Child, pattern = /mqtt:\/\/127\.0\.0\.1:(\d+)/): Promise<number> {
  return Number((await server.waitFor(pattern, "stdout", DEADLINE_MS))[1]);
}

/** A client identifier that lives on this node of two. */
function idOn(node: number, prefix: string): string {
  for (let i = 0;; i++) if (ownerOf(`${prefix}${i}`, 2) === node) return `${prefix}${i}`;
}

async function connected(client: RawClient, clientId: string, fields = {}): Promise<RawClient> {
  await client.send(packets.connect({ clientId, ...fields }));
  await client.expect("20 02 00 00");
  return client;
}

test("accounts and rules hold on all workers, and so does a reload of them", async () => {
  await using site = await Site.make({
    "fairway.conf": `listener 0 127.0.0.1\nacl_file FOLDER/acl\nallow_anonymous true\n${WORKERS}`,
    acl: "topic readwrite open/#\ntopic readwrite secret/#\n",
  });
  await using server = start(site);
  const port = await portOf(server);
  const clients: RawClient[] = [];
  for (const node of [0, 1]) {
    const client = await connected(await RawClient.dial(port, DEADLINE_MS), idOn(node, "c"));
    await client.send(packets.subscribe({ "secret/#": 0, "open/#": 0 }));
    await client.expect("90 04 00 01 00 00");
    clients.push(client);
  }
  await site.write("acl", "topic readwrite open/#\n");
  server.signal("SIGHUP");
  await server.waitFor(/Configuration reloaded/, "stdout", DEADLINE_MS);
  for (const [i, client] of clients.entries()) {
    await client.send(packets.publish("secret/x", "s"), packets.publish("open/x", `${i}`));
  }
  for (const client of clients) {
    const seen = new Set<string>();
    for (let i = 0; i < 2; i++) {
      const frame = new TextDecoder().decode(await client.readFrame());
      assert(frame.includes("open/x"), frame);
      seen.add(frame.at(-1)!);
    }
    assertEquals(seen, new Set(["0", "1"]));
    await client[Symbol.asyncDispose]();
  }
});

test("a configuration that cannot be used changes nothing on any worker, and is told once", async () => {
  const text = `listener 0 127.0.0.1\nallow_anonymous true\n${WORKERS}`;
  await using site = await Site.make({ "fairway.conf": text });
  await using server = start(site);
  const port = await portOf(server);
  await site.write("fairway.conf", `${text}max_connections none\nallow_anonymous false\n`);
  server.signal("SIGHUP");
  await server.waitFor(/stays as it was/, "stdout", DEADLINE_MS);
  assertEquals(server.stdout.split("max_connections").length - 1, 1, server.stdout);
  for (const node of [0, 1]) {
    await using _ = await connected(await RawClient.dial(port, DEADLINE_MS), idOn(node, "c"));
  }
});

test("what holds for all workers is told once", async () => {
  await using site = await Site.make({
    "fairway.conf":
      `listener 0 127.0.0.1\nallow_anonymous true\n${WORKERS}pid_file FOLDER/pid\npersistence true\nfairway_data_dir FOLDER/data\n`,
  });
  {
    await using server = start(site);
    await portOf(server);
    const pid = await Deno.readTextFile(`${site.folder}/pid`);
    assertEquals(Number(pid), server.pid);
    server.signal("SIGTERM");
    const { code, stdout, stderr } = await server.outcome(DEADLINE_MS);
    assertEquals([code, stderr], [0, ""]);
    const count = (text: string) => stdout.split(text).length - 1;
    for (const text of [" starting", " stopped", "Listening on", "At most"]) {
      assertEquals(count(text), 1, `${text} in ${stdout}`);
    }
    assertEquals(count("State in"), 2);
  }
  await site.write(
    "fairway.conf",
    "listener 0 127.0.0.1\nlog_dest stdout\npersistence true\nfairway_data_dir FOLDER/data\n",
  );
  const single = await site.start(/Listening on/);
  assertMatch(single.stderr, /Moved to one store in [\d.]+ s; sessions: 0, messages: 0/);
  await site.stop();
});

test("a Unix socket is on one worker, and serves clients of all", async () => {
  await using site = await Site.make({
    "fairway.conf": `listener 0 FOLDER/sock\nallow_anonymous true\n${WORKERS}`,
  });
  await using server = start(site);
  await server.waitFor(/Listening on unix:/, "stdout", DEADLINE_MS);
  const path = `${site.folder}/sock`;
  for (const node of [0, 1]) {
    const conn = await Deno.connect({ transport: "unix", path });
    await using client = await connected(new RawClient(conn), idOn(node, "c"));
    await client.send(packets.pingreq());
    await client.expect("d0 00");
  }
});

testWith(
  ["openssl"],
  "TLS ends on the worker that accepts, wherever the client lives",
  async () => {
    if (!isSupported) return;
    await using certificates = await Certificates.make();
    const { cert, key } = await certificates.identity("server");
    await using site = await Site.make({
      "fairway.conf":
        `listener 0 127.0.0.1\ncertfile FOLDER/cert\nkeyfile FOLDER/key\nallow_anonymous true\n${WORKERS}`,
      cert,
      key,
    });
    await using server = start(site);
    const port = await portOf(server, /mqtts:\/\/127\.0\.0\.1:(\d+)/);
    const clients: RawClient[] = [];
    for (const node of [0, 1, 0, 1, 0, 1]) {
      const conn = await Deno.connectTls({
        hostname: "localhost",
        port,
        caCerts: [await certificates.pem("ca")],
        alpnProtocols: ["mqtt"],
      });
      const client = await connected(new RawClient(conn), idOn(node, `c${clients.length}-`));
      await client.send(packets.subscribe({ t: 0 }));
      await client.expect("90 03 00 01 00");
      clients.push(client);
    }
    await clients[0]!.send(packets.publish("t", "x".repeat(50_000)));
    for (const client of clients) {
      await client.expect(packets.publish("t", "x".repeat(50_000)));
      await client[Symbol.asyncDispose]();
    }
  },
);

test("what cannot go with workers is refused at its line", async () => {
  const cases: [string, string][] = [
    ["fairway_workers 2\n", ":3: fairway_workers: needs fairway_native_sockets true beside it"],
    ["fairway_workers 65\n", ":3: fairway_workers: expects a whole number from 1 to 64, or auto"],
    [
      "fairway_native_sockets true\nfairway_workers 2\nfairway_stream s\nfairway_stream_topic a\nfairway_stream_max_age 1h\n" +
      "fairway_stream_dead s\nfairway_stream_dead_reason backlog\n",
      ":9: fairway_stream_dead_reason: cannot go with fairway_workers yet",
    ],
  ];
  for (const [text, wanted] of cases) {
    await using site = await Site.make({
      "fairway.conf": `listener 0 127.0.0.1\nallow_anonymous true\n${text}`,
    });
    const { code, stderr } = await site.run();
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, wanted);
  }
});
