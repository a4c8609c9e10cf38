/**
 * A broker that listens for TLS: who is let in, who is not, and with which clients it works.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Broker, connect } from "../../mod.ts";
import type { ClientInfo } from "../../auth/mod.ts";
import type { PeerInfo, TlsServerOptions } from "../../transport/mod.ts";
import { Certificates } from "../harness/certificates.ts";
import { Child } from "../harness/child.ts";
import { within } from "../harness/deadline.ts";
import { eventually } from "../harness/eventually.ts";
import { publish, Subscriber } from "../harness/external_clients.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { TlsHost } from "../harness/tls_host.ts";
import { testWith, type Tool } from "../harness/tools.ts";
import { TlsListener } from "../../transport/tls.ts";

const DEADLINE_MS = 20_000;

/** A test with certificates of its own: `alice` and `bob` of `ca`, `eve` of another authority. */
function tlsTest(
  name: string,
  fn: (certificates: Certificates) => Promise<void>,
  ...tools: Tool[]
): void {
  testWith(["openssl", ...tools], name, async () => {
    await using certificates = await Certificates.make();
    await fn(certificates);
  });
}

/** Certificates of clients, and the options that ask for them. */
async function withClients(certificates: Certificates): Promise<Partial<TlsServerOptions>> {
  await certificates.client("alice", "/C=NL/O=Ships, Ltd/CN=alice");
  await certificates.client("bob");
  await certificates.authority("other");
  await certificates.client("eve", "/CN=eve", "other");
  return { clientCertificate: "require", clientAuthorities: await certificates.pem("ca") };
}

for (const version of ["tlsv1.2", "tlsv1.3"]) {
  tlsTest(
    `mosquitto clients exchange messages over ${version}`,
    async (certificates) => {
      await using host = await TlsHost.start(certificates);
      const tls = ["--cafile", certificates.path("ca.pem"), "--tls-version", version];
      const flags = [...tls, "-q", "1", "-t", "sea/wind"];
      await using subscriber = await Subscriber.ready(host.port, "-C", "3", ...flags);
      await publish(host.port, [...flags, "-l"], `calm\n${"x".repeat(100_000)}\ngale\n`);
      const messages = await subscriber.outcome();
      assertEquals(messages.map(({ payload }) => payload.length), [4, 100_000, 4]);
    },
    "mosquitto_pub",
    "mosquitto_sub",
  );
}

tlsTest(`Fairway's client gets its large messages back over TLS`, async (certificates) => {
  await using host = await TlsHost.start(certificates);
  const tls = { caCerts: [await certificates.pem("ca")] };
  const client = await connect(`mqtts://localhost:${host.port}`, { tls, reconnect: false });
  const subscription = client.subscribe("echo", { qos: 1 });
  await subscription.ready;
  const payload = new Uint8Array(1_000_000).map((_, index) => index * 31);
  await client.publish("echo", payload, { qos: 1 });
  const { value } = await within("the echo", subscription.next(), DEADLINE_MS);
  assert(value!.payload.every((byte, index) => byte === payload[index]));
  await client.close();
});

tlsTest(
  `a client that stops reading over TLS does not make the broker hold all`,
  async (certificates) => {
    const lagBytesMax = 1024 * 1024;
    const limits = { lagBytesMax, stallMs: 100 };
    await using host = await TlsHost.start(certificates, {}, { limits });
    const conn = await host.dial();
    const client = new RawClient(conn, DEADLINE_MS);
    await client.send(packets.connect());
    await client.expect("20 02 00 00");
    await client.send(packets.subscribe({ flood: 0 }));
    await client.expect("90 03 00 01 00");
    const payload = new Uint8Array(64 * 1024);
    const count = 1024;
    for (let i = 0; i < count; i++) await host.broker.publish("flood", payload);
    const { bytesSent, dropped } = host.broker.stats;
    const held = (count - dropped.lag) * payload.length - bytesSent;
    assert(held < 2 * lagBytesMax, `${held} bytes are held`);
    assert(bytesSent < count * payload.length / 2, `${bytesSent} bytes were taken`);
    client.close();
  },
);

tlsTest(
  `reload() over TLS shows the new certificate, and keeps connections`,
  async (certificates) => {
    await using host = await TlsHost.start(certificates);
    await using before = new RawClient(await host.dial());
    await before.send(packets.connect({ clientId: "before" }));
    await before.expect("20 02 00 00");
    await certificates.server("renewed", ["renewed.example", "localhost"]);
    const renewed = await certificates.identity("renewed");
    const bad = { ...renewed, key: "nonsense" };
    assertThrows(() => host.listener.reload(bad), TypeError, "the private key");
    assertStringIncludes(await host.shown(), "CN = localhost");
    const { port } = host;
    host.listener.reload(renewed);
    assertEquals(host.port, port);
    assertStringIncludes(await host.shown(), "CN = renewed.example");
    assert(await host.knock());
    await before.expectSilence();
  },
);

tlsTest(
  `what is no TLS, and who says nothing, is closed in time`,
  async (certificates) => {
    const limits = { handshakeTimeoutMs: 300 };
    await using host = await TlsHost.start(certificates, {}, { limits });
    using silent = await Deno.connect({ hostname: "127.0.0.1", port: host.port });
    await using plain = await RawClient.dial(host.port);
    await plain.send(packets.connect());
    await host.failed(2);
    const late = host.failures.filter((failure) => failure.includes("not over after 300 ms"));
    assertEquals(late.length, 1, host.failures.join("; "));
    assertEquals(await silent.read(new Uint8Array(1)).catch(() => null), null);
    const { pendingHandshakes, handshakesFailed, connections } = host.broker.stats;
    assertEquals({ pendingHandshakes, handshakesFailed, connections }, {
      pendingHandshakes: 0,
      handshakesFailed: 2,
      connections: 0,
    });
  },
);

tlsTest("past the limit of handshakes the oldest gives way", async (certificates) => {
  await using host = await TlsHost.start(certificates, {}, { limits: { pendingHandshakesMax: 3 } });
  const silent: Deno.TcpConn[] = [];
  for (let i = 0; i < 10; i++) {
    silent.push(await Deno.connect({ hostname: "127.0.0.1", port: host.port }));
  }
  await host.failed(7);
  assert(await host.knock());
  assertEquals(host.failures[0], "Too many handshakes at once");
  assert(host.broker.stats.pendingHandshakes <= 3);
  for (const conn of silent) conn.close();
});

tlsTest("a client has to show a certificate that is good", async (certificates) => {
  const options = await withClients(certificates);
  const revoked = await certificates.revoke(["bob"]);
  await using host = await TlsHost.start(certificates, { ...options, revoked });
  assertEquals(await host.knock("alice"), true);
  assertEquals(await host.knock(), false);
  assertEquals(await host.knock("eve"), false);
  assertEquals(await host.knock("bob"), false);
  await host.failed(3);
  const { connectsAccepted, handshakesFailed } = host.broker.stats;
  assertEquals({ connectsAccepted, handshakesFailed }, {
    connectsAccepted: 1,
    handshakesFailed: 3,
  });
  assertStringIncludes(host.failures[2]!, "revoked");
});

tlsTest(
  "a certificate is good in its time, and an authority not by its name",
  async (certificates) => {
    const options = await withClients(certificates);
    await certificates.dated("good", 2020, 2120);
    await certificates.dated("expired", 2020, 2021);
    await certificates.dated("early", 2120, 2121);
    await using host = await TlsHost.start(certificates, options);
    const knocks = [
      await host.knock("good"),
      await host.knock("expired"),
      await host.knock("early"),
    ];
    assertEquals(knocks, [true, false, false]);
    // Another authority that calls itself as the right one does.
    await using impostor = await Certificates.make();
    await impostor.client("mallory");
    for (const file of ["mallory.pem", "mallory.key"]) {
      await Deno.copyFile(impostor.path(file), certificates.path(file));
    }
    assertEquals(await host.knock("mallory"), false);
    await host.failed(3);
  },
);

tlsTest("a client of an authority between is good with the whole chain", async (certificates) => {
  const options = await withClients(certificates);
  const between = ["-extensions", "authority", "-CA", "ca.pem", "-CAkey", "ca.key"];
  const key = ["-newkey", "rsa:2048", "-nodes", "-keyout", "between.key", "-out", "between.pem"];
  const request = ["req", "-x509", "-config", "settings", "-days", "2", "-subj", "/CN=Between"];
  await certificates.openssl(...request, ...key, ...between);
  await certificates.client("carol", "/CN=carol", "between");
  await using host = await TlsHost.start(certificates, options);
  assertEquals(await host.knock("carol"), false);
  const chain = await certificates.pem("carol") + await certificates.pem("between");
  await Deno.writeTextFile(certificates.path("carol.pem"), chain);
  assertEquals(await host.knock("carol"), true);
});

tlsTest("a client may show a certificate, but none that is bad", async (certificates) => {
  const options = { ...await withClients(certificates), clientCertificate: "request" as const };
  const revoked = await certificates.revoke(["bob"]);
  await using host = await TlsHost.start(certificates, { ...options, revoked });
  assertEquals(await host.knock(), true);
  assertEquals(await host.knock("alice"), true);
  assertEquals(await host.knock("eve"), false);
  assertEquals(await host.knock("bob"), false);
});

tlsTest(
  "a list of revoked certificates that is out of date lets nobody in",
  async (certificates) => {
    const options = await withClients(certificates);
    await using host = await TlsHost.start(certificates, options);
    assertEquals(await host.knock("alice"), true);
    const identity = await certificates.identity("server");
    const revoked = await certificates.revoke(["bob"], 1);
    host.listener.reload({ ...identity, ...options, revoked });
    // It is good for a second: no client is let in from then on.
    await eventually("the list is outdated", async () => !await host.knock("alice"), DEADLINE_MS);
    assertStringIncludes(host.failures.at(-1)!, "list-expired");
  },
);

tlsTest(
  "reload() takes another list of revoked certificates, and asks for others",
  async (certificates) => {
    const options = await withClients(certificates);
    const identity = await certificates.identity("server");
    await using host = await TlsHost.start(certificates);
    await using before = new RawClient(await host.dial());
    await before.send(packets.connect({ clientId: "before" }));
    await before.expect("20 02 00 00");
    assertEquals(await host.knock(), true);
    host.listener.reload({ ...identity, ...options });
    assertEquals([await host.knock(), await host.knock("bob")], [false, true]);
    const revoked = await certificates.revoke(["bob"]);
    host.listener.reload({ ...identity, ...options, revoked });
    assertEquals([await host.knock("alice"), await host.knock("bob")], [true, false]);
    host.listener.reload(identity);
    assertEquals(await host.knock(), true);
    await before.expectSilence();
  },
);

tlsTest(
  "mosquitto clients come in with a certificate, and not without",
  async (certificates) => {
    const options = await withClients(certificates);
    await using host = await TlsHost.start(certificates, options);
    const ca = ["--cafile", certificates.path("ca.pem")];
    const by = (name: string) => {
      return [
        ...ca,
        "--cert",
        certificates.path(`${name}.pem`),
        "--key",
        certificates.path(`${name}.key`),
      ];
    };
    await using subscriber = await Subscriber.ready(
      host.port,
      "-C",
      "1",
      "-t",
      "a",
      ...by("alice"),
    );
    for (const flags of [ca, by("eve")]) {
      await assertRejects(() => publish(host.port, ["-t", "a", "-m", "no", ...flags]));
    }
    await publish(host.port, ["-t", "a", "-m", "yes", ...by("bob")]);
    assertEquals((await subscriber.outcome()).map(({ payload }) => payload), ["yes"]);
  },
  "mosquitto_pub",
  "mosquitto_sub",
);

tlsTest("Fairway's client comes in with a certificate", async (certificates) => {
  const options = await withClients(certificates);
  await using host = await TlsHost.start(certificates, options);
  const tls = { caCerts: [await certificates.pem("ca")], ...await certificates.identity("alice") };
  const client = await connect(`mqtts://localhost:${host.port}`, { tls, reconnect: false });
  await client.publish("a", "b", { qos: 1 });
  await client.close();
});

tlsTest(
  "the certificate and the server name are known before a client says anything",
  async (certificates) => {
    const options = await withClients(certificates);
    const peers: PeerInfo[] = [];
    const identity = await certificates.identity("server");
    const settings = { port: 0, alpnProtocols: ["mqtt"] };
    const known = Promise.withResolvers<void>();
    const listener = new TlsListener(
      { ...identity, ...options } as TlsServerOptions,
      settings,
      () => null,
      async (pipe, peer, handshake) => {
        const opened = await handshake(pipe, peer);
        peers.push(opened.peer);
        opened.transport.close();
        known.resolve();
      },
    );
    const alice = { ...await certificates.identity("alice"), keyFormat: "pem" as const };
    const caCerts = [await certificates.pem("ca")];
    const conn = await Deno.connectTls({
      hostname: "localhost",
      port: listener.port,
      caCerts,
      ...alice,
    });
    await conn.handshake();
    await within("the peer is known", known.promise);
    conn.close();
    await listener.close();
    const fingerprint = await certificates.openssl(
      ...["x509", "-in", "alice.pem", "-noout", "-fingerprint", "-sha256"],
    );
    assertEquals(peers.map(({ certificate, serverName }) => ({ certificate, serverName })), [{
      certificate: {
        subject: "CN=alice,O=Ships\\, Ltd,C=NL",
        commonName: "alice",
        fingerprint256: fingerprint.split("=")[1]!.trim().replaceAll(":", "").toLowerCase(),
      },
      serverName: "localhost",
    }]);
  },
);

tlsTest("a certificate may be a user name", async (certificates) => {
  const options = await withClients(certificates);
  const names: (string | null)[] = [];
  const hooks = { connected: ({ username }: ClientInfo) => void names.push(username) };
  for (const policy of [{ identityAsUsername: true }, { subjectAsUsername: true }]) {
    await using host = await TlsHost.start(certificates, { ...options, policy }, { hooks });
    assertEquals(await host.knock("alice"), true);
  }
  assertEquals(names, ["alice", "CN=alice,O=Ships\\, Ltd,C=NL"]);
});

tlsTest("each server name has its certificate", async (certificates) => {
  await certificates.server("one", ["one.example"]);
  await certificates.server("star", ["*.stars.example"]);
  await using host = await TlsHost.start(certificates, {
    serverNames: {
      "One.example": await certificates.identity("one"),
      "*.stars.example": await certificates.identity("star"),
    },
  });
  const cases = {
    "one.example": "CN = one.example",
    "ONE.EXAMPLE": "CN = one.example",
    "sun.stars.example": "CN = *.stars.example",
    "a.sun.stars.example": "CN = localhost",
    "localhost": "CN = localhost",
  };
  for (const [name, subject] of Object.entries(cases)) {
    assertStringIncludes(await host.shown("-servername", name), `subject=${subject}`, name);
  }
  assertStringIncludes(await host.shown("-noservername"), "subject=CN = localhost");
});

tlsTest(
  "the oldest version of TLS can be chosen, and 1.1 is too old anyway",
  async (certificates) => {
    await using host = await TlsHost.start(certificates);
    await using strict = await TlsHost.start(certificates, { minVersion: "1.3" });
    const old = ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"];
    assert(!await host.shakes(...old));
    assert(await host.shakes("-tls1_2"));
    assert(await strict.shakes("-tls1_3"));
    assert(!await strict.shakes("-tls1_2"));
  },
);

tlsTest("what is spoken inside of TLS is agreed on", async (certificates) => {
  await using host = await TlsHost.start(certificates);
  assertStringIncludes(await host.shown("-alpn", "h2,mqtt"), "ALPN protocol: mqtt");
  assert(await host.shakes());
  assert(!await host.shakes("-alpn", "h2"));
});

tlsTest("openssl s_client is answered byte by byte", async (certificates) => {
  await using host = await TlsHost.start(certificates);
  const flags = ["-connect", `127.0.0.1:${host.port}`, "-CAfile", "ca.pem", "-quiet"];
  const input = String.fromCharCode(...packets.connect());
  const { folder } = certificates;
  await using child = new Child("openssl", ["s_client", ...flags], { cwd: folder, input });
  const connack = new RegExp(String.fromCharCode(0x20, 2, 0, 0));
  await child.waitFor(connack, "stdout", DEADLINE_MS);
});

tlsTest("listen() refuses TLS options that would have no effect", async (certificates) => {
  await using broker = new Broker();
  const identity = await certificates.identity("server");
  const clientAuthorities = await certificates.pem("ca");
  await assertRejects(
    () => broker.listen({ port: 0, tls: { ...identity, clientAuthorities } }),
    TypeError,
    "clients are not asked for a certificate",
  );
});
