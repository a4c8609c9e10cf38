import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { ReasonCode } from "../codec/mod.ts";
import type { Client } from "./client.ts";
import { ConnectError, DisconnectedError, TimeoutError } from "./errors.ts";
import { FakeServer, leave } from "./testdata/fake_server.ts";

async function endOf(client: Client): Promise<Error | null> {
  for await (const state of client.states()) if (state.kind === "closed") return state.error;
  throw new Error("Not closed");
}

Deno.test("connect() says all it was told in CONNECT", async () => {
  const server = new FakeServer();
  const client = server.client({
    clientId: "named",
    username: "ann",
    password: "secret",
    cleanStart: false,
    sessionExpirySeconds: 9,
    keepAliveSeconds: 12,
    userProperties: [["a", "b"]],
    requestResponseInformation: true,
    requestProblemInformation: false,
    limits: { receiveMaximum: 3, packetBytesMax: 1000, topicAliasMax: 4 },
    will: { topic: "w", payload: "gone", qos: 1, retain: true, properties: { contentType: "t" } },
  });
  const opening = client.open();
  const connection = await server.accept();
  const packet = await connection.receive("connect");
  assertEquals(packet.clientId, "named");
  assertEquals([packet.username, new TextDecoder().decode(packet.password!)], ["ann", "secret"]);
  assertEquals([packet.cleanStart, packet.keepAlive], [false, 12]);
  assertEquals(packet.will!.topic, "w");
  assertEquals([packet.will!.qos, packet.will!.retain], [1, true]);
  assertEquals(packet.will!.properties, { contentType: "t" });
  assertEquals(packet.properties, {
    sessionExpiryInterval: 9,
    receiveMaximum: 3,
    maximumPacketSize: 1000,
    topicAliasMaximum: 4,
    requestResponseInformation: true,
    requestProblemInformation: false,
    userProperties: [["a", "b"]],
  });
  const properties = { assignedClientIdentifier: "other", responseInformation: "here" };
  connection.send({ type: "connack", sessionPresent: false, reasonCode: 0, properties });
  await opening;
  assertEquals([client.server.clientId, client.server.responseInformation], ["other", "here"]);
  // It asked for its session to be kept: the goodbye says nothing else.
  const closing = client.close();
  assertEquals((await connection.receive("disconnect")).properties, {});
  connection.close();
  await closing;
});

Deno.test("connect() rejects when the server refuses, with its reason", async () => {
  for (const [version, code] of [[5, ReasonCode.NotAuthorized], [4, 5]] as const) {
    const server = new FakeServer(version);
    const client = server.client();
    const opening = client.open();
    const connection = await server.accept();
    await connection.welcome({ reasonCode: code });
    const error = await assertRejects(() => opening, ConnectError);
    assertEquals(error.reasonCode, ReasonCode.NotAuthorized);
    assertEquals(client.state.kind, "closed");
    connection.close();
  }
});

Deno.test("connect() rejects when nothing answers, or something else does", async () => {
  const server = new FakeServer();
  const silent = server.client();
  const opening = silent.open();
  const rejected = assertRejects(() => opening, TimeoutError);
  await server.accept();
  await server.clock.advance(10_000);
  await rejected;

  const deaf = server.client({ dial: () => new Promise(() => {}) });
  const dialling = assertRejects(() => deaf.open(), TimeoutError);
  await server.clock.advance(10_000);
  await dialling;

  const wrong = server.client();
  const talking = wrong.open();
  const connection = await server.accept();
  await connection.receive("connect");
  connection.send({ type: "pingresp" });
  await connection.receive("disconnect");
  connection.close();
  const error = await assertRejects(() => talking, ConnectError);
  assertEquals(error.reasonCode, ReasonCode.ProtocolError);

  const nowhere = server.client({ dial: () => Promise.reject(new Error("no route")) });
  await assertRejects(() => nowhere.open(), ConnectError, "no route");
});

Deno.test("connect() ends with its signal, and so does the client later", async () => {
  const server = new FakeServer();
  const controller = new AbortController();
  const { signal } = controller;
  const { client, connection } = await server.connected({ signal });
  const opening = server.client({ signal }).open();
  const rejected = assertRejects(() => opening, Error, "enough");
  await server.accept();
  controller.abort(new Error("enough"));
  await rejected;
  await connection.end();
  assertEquals((await endOf(client))?.message, "enough");
  await assertRejects(() => server.client({ signal }).open(), Error, "enough");
  await client.close();
});

Deno.test("a client waits longer and longer, up to the most, and gives up in the end", async () => {
  const server = new FakeServer();
  const reconnect = { delayMsMin: 100, delayMsMax: 300, attemptsMax: 4 };
  const { client, connection } = await server.connected({ reconnect });
  const states = (async () => {
    const seen = [];
    for await (const state of client.states()) seen.push(state);
    return seen;
  })();
  connection.cut();
  for (const delayMs of [100, 200, 300, 300]) {
    await server.clock.advance(delayMs);
    (await server.accept()).cut();
  }
  assertInstanceOf(await endOf(client), ConnectError);
  const seen = await states;
  assertEquals(seen.flatMap((state) => state.kind === "waiting" ? [state.delayMs] : []), [
    100,
    200,
    300,
    300,
  ]);
  assertEquals(seen.at(-1)!.kind, "closed");
  await client.close();
});

Deno.test("a client takes a part of the wait away at random", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected({ random: () => 0.5 });
  connection.cut();
  await server.clock.settle();
  const { state } = client;
  assert(state.kind === "waiting");
  assertEquals(state.delayMs, 375);
  await client.close();
});

Deno.test("a client does not come back where it is not wanted", async () => {
  for (const reasonCode of [ReasonCode.SessionTakenOver, ReasonCode.ServerMoved]) {
    const server = new FakeServer();
    const { client, connection } = await server.connected();
    const properties = { serverReference: "elsewhere" };
    connection.send({ type: "disconnect", reasonCode, properties });
    const error = await endOf(client);
    assertInstanceOf(error, ConnectError);
    assertEquals([error.reasonCode, error.serverReference], [reasonCode, "elsewhere"]);
    await client.close();
  }
});

Deno.test("a client pings when it is quiet, and leaves when nothing answers", async () => {
  const server = new FakeServer();
  const serverKeepAlive = 4;
  const { client, connection } = await server.connected({}, { properties: { serverKeepAlive } });
  for (let round = 0; round < 3; round++) {
    await server.clock.advance(3000);
    await connection.receive("pingreq");
    connection.send({ type: "pingresp" });
    await server.clock.settle();
  }
  // Whoever sends only would never learn that the server is gone.
  for (let second = 0; second < 2; second++) {
    await server.clock.advance(1000);
    void client.publish("a", "");
    await connection.receive("publish");
  }
  await server.clock.advance(1000);
  await connection.receive("pingreq");
  await server.clock.advance(9999);
  assertEquals(client.state.kind, "connected");
  await server.clock.advance(1);
  const { state } = client;
  assert(state.kind === "waiting");
  assertInstanceOf(state.error, TimeoutError);
  await client.close();
});

Deno.test("a client says what a server did wrong before it leaves", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  const properties = { topicAlias: 65 };
  connection.send({
    ...{ type: "publish", topic: "a", payload: new Uint8Array(), qos: 0, packetId: 0 },
    ...{ retain: false, dup: false, properties },
  });
  const { reasonCode } = await connection.receive("disconnect");
  assertEquals(reasonCode, ReasonCode.TopicAliasInvalid);
  connection.close();
  await server.clock.settle();
  assertEquals(client.state.kind, "waiting");
  await client.close();
});

Deno.test("close() ends the session unless it is to be kept, and with the will if asked", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  const closing = client.close({ withWill: true });
  const { reasonCode, properties } = await connection.receive("disconnect");
  assertEquals([reasonCode, properties], [0x04, { sessionExpiryInterval: 0 }]);
  await connection.end();
  connection.close();
  await closing;
  assertEquals(await endOf(client), null);
  await client.close();
});

Deno.test("close() does not wait for a server that does not close", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  const closing = client.close({ graceMs: 200 });
  await connection.receive("disconnect");
  await server.clock.advance(200);
  await closing;
});

Deno.test("close() while a client waits or dials ends that", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  connection.cut();
  await server.clock.settle();
  const receipt = client.publish("a", "");
  await client.close();
  await assertRejects(() => receipt.left, DisconnectedError);

  const other = await server.connected();
  other.connection.cut();
  await server.clock.advance(1000);
  await server.accept();
  await other.client.close();
  await leave(...await connectedPair(server));
});

async function connectedPair(server: FakeServer) {
  const { client, connection } = await server.connected();
  return [client, connection] as const;
}
