import { assertEquals, assertRejects } from "@std/assert";
import { ReasonCode } from "../codec/mod.ts";
import type { ClientAuthentication } from "./authentication.ts";
import { ConnectError } from "./errors.ts";
import { FakeServer, leave } from "./testdata/fake_server.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Counts: begins with 0, answers n with n + 1, and wants to hear "done". */
function counting(seen: string[]): ClientAuthentication {
  return {
    method: "COUNT",
    begin: () => encoder.encode("0"),
    // deno-lint-ignore require-await
    async next(data) {
      seen.push(decoder.decode(data!));
      return encoder.encode(`${Number(decoder.decode(data!)) + 1}`);
    },
    finish(data) {
      seen.push(decoder.decode(data!));
      if (decoder.decode(data!) !== "done") throw new Error("This is not the server");
    },
  };
}

function properties(data: string) {
  return { authenticationMethod: "COUNT", authenticationData: encoder.encode(data) };
}

Deno.test("connect() with enhanced authentication, and again later [MQTT-4.12.1-1]", async () => {
  const server = new FakeServer();
  const seen: string[] = [];
  const client = server.client({ authentication: counting(seen) });
  const opening = client.open();
  const connection = await server.accept();
  const connect = await connection.receive("connect");
  assertEquals(connect.properties.authenticationMethod, "COUNT");
  assertEquals(decoder.decode(connect.properties.authenticationData), "0");
  connection.send({ type: "auth", reasonCode: 0x18, properties: properties("1") });
  const answer = await connection.receive("auth");
  assertEquals(answer.reasonCode, ReasonCode.ContinueAuthentication);
  assertEquals(decoder.decode(answer.properties.authenticationData), "2");
  const connack = { type: "connack", sessionPresent: false, reasonCode: 0 } as const;
  connection.send({ ...connack, properties: properties("done") });
  await opening;

  const again = client.reauthenticate();
  assertEquals((await connection.receive("auth")).reasonCode, ReasonCode.ReAuthenticate);
  connection.send({ type: "auth", reasonCode: 0x18, properties: properties("7") });
  assertEquals(
    decoder.decode((await connection.receive("auth")).properties.authenticationData),
    "8",
  );
  connection.send({ type: "auth", reasonCode: 0, properties: properties("done") });
  await again;
  assertEquals(seen, ["1", "done", "7", "done"]);
  await leave(client, connection);
});

Deno.test("connect() rejects a server that cannot prove who it is", async () => {
  const server = new FakeServer();
  const opening = server.client({ authentication: counting([]) }).open();
  const connection = await server.accept();
  await connection.welcome({ properties: properties("hello") });
  await assertRejects(() => opening, ConnectError, "This is not the server");
  await connection.end();
});

Deno.test("connect() ends an authentication that never ends", async () => {
  const server = new FakeServer();
  const limits = { authenticationStepsMax: 2 };
  const opening = server.client({ authentication: counting([]), limits }).open();
  const connection = await server.accept();
  await connection.receive("connect");
  for (let step = 0; step < 2; step++) {
    connection.send({ type: "auth", reasonCode: 0x18, properties: properties("1") });
    await connection.receive("auth");
  }
  connection.send({ type: "auth", reasonCode: 0x18, properties: properties("1") });
  assertEquals((await connection.receive("disconnect")).reasonCode, ReasonCode.ProtocolError);
  connection.close();
  await assertRejects(() => opening, ConnectError);
});

Deno.test("reauthenticate() fails with its connection, and without a method", async () => {
  const server = new FakeServer();
  const authentication = counting([]);
  const { client, connection } = await server.connected({ authentication }, {
    properties: properties("done"),
  });
  const again = client.reauthenticate();
  await connection.receive("auth");
  connection.send({ type: "disconnect", reasonCode: 0x87, properties: {} });
  const error = await assertRejects(() => again);
  assertEquals((error as ConnectError).reasonCode, ReasonCode.NotAuthorized);
  await client.close();
  const plain = await server.connected();
  await assertRejects(() => plain.client.reauthenticate(), TypeError);
  await leave(plain.client, plain.connection);
});
