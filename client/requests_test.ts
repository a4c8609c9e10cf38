import { assertEquals, assertRejects } from "@std/assert";
import { type PublishPacket, ReasonCode } from "../codec/mod.ts";
import { DisconnectedError, QueueFullError, TimeoutError } from "./errors.ts";
import { type FakeConnection, FakeServer, leave } from "./testdata/fake_server.ts";

/** Takes a request as the server, and lets its publisher know. */
async function take(connection: FakeConnection, reasonCode = 0): Promise<PublishPacket> {
  const packet = await connection.receive("publish");
  const { packetId } = packet;
  connection.send({ type: "puback", packetId, reasonCode, properties: {} });
  return { ...packet, properties: structuredClone(packet.properties) };
}

function respond(connection: FakeConnection, request: PublishPacket, text: string): void {
  const { responseTopic, correlationData } = request.properties;
  connection.send({
    ...{ type: "publish", topic: responseTopic!, payload: new TextEncoder().encode(text) },
    ...{ qos: 0, packetId: 0, retain: false, dup: false },
    properties: { correlationData: correlationData! },
  });
}

Deno.test("request() tells its responses apart, with one subscription for all", async () => {
  const server = new FakeServer();
  const properties = { responseInformation: "back/to" };
  const { client, connection } = await server.connected({}, { properties });
  const asked = ["1", "2"].map(async (text) => {
    return new TextDecoder().decode((await client.request("add", text)).payload);
  });
  const { packetId, subscriptions } = await connection.receive("subscribe");
  assertEquals(subscriptions.map(({ filter }) => filter), ["back/to/me"]);
  connection.send({ type: "suback", packetId, reasonCodes: [2], properties: {} });
  const requests = [await take(connection), await take(connection)];
  assertEquals(requests[0]!.properties.responseTopic, "back/to/me");
  respond(connection, requests[1]!, "b");
  respond(connection, requests[1]!, "nobody asks any more");
  respond(connection, requests[0]!, "a");
  assertEquals(await Promise.all(asked), ["a", "b"]);
  await leave(client, connection);
});

Deno.test("request() rejects when time is up, nobody listens, or the client is closed", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected({ limits: { requestsMax: 2 } });
  const late = client.request("add", "", { timeoutMs: 100 });
  const { packetId } = await connection.receive("subscribe");
  connection.send({ type: "suback", packetId, reasonCodes: [2], properties: {} });
  await take(connection);
  const rejected = assertRejects(() => late, TimeoutError);
  await server.clock.advance(100);
  await rejected;

  const unheard = client.request("add", "");
  await take(connection, ReasonCode.NoMatchingSubscribers);
  await assertRejects(() => unheard, TimeoutError, "Nobody listens");

  const controller = new AbortController();
  const aborted = client.request("add", "", { signal: controller.signal });
  const waiting = client.request("add", "");
  await assertRejects(() => client.request("add", ""), QueueFullError);
  await take(connection);
  await take(connection);
  controller.abort(new Error("enough"));
  await assertRejects(() => aborted, Error, "enough");
  const closed = assertRejects(() => waiting, DisconnectedError);
  await leave(client, connection);
  await closed;
});

Deno.test("request() of a client of 3.1.1 is a mistake", async () => {
  const server = new FakeServer(4);
  const { client, connection } = await server.connected();
  await assertRejects(() => client.request("a", ""), TypeError);
  await leave(client, connection);
});
