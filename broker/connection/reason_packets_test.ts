import { assertEquals } from "@std/assert";
import { decodePacket, FixedHeader, type Packet, ReasonCode } from "../../codec/mod.ts";
import { TestConnection, type TestConnectionOptions } from "../testdata/test_connection.ts";
import { busyConnack, sendDisconnect, sendRefusal } from "./reason_packets.ts";

/** The CONNACK that refuses a client, or `null` if it gets none. */
function refusal(
  code: number,
  options: TestConnectionOptions = {},
  reason?: string,
): Packet | null {
  const connection = new TestConnection(options);
  sendRefusal(connection.asClient, code, reason);
  return connection.sent()[0] ?? null;
}

/** The DISCONNECT that a client gets. */
function disconnect(
  code: number,
  options: TestConnectionOptions = {},
  reason?: string,
): Packet | null {
  const connection = new TestConnection(options);
  sendDisconnect(connection.asClient, code, reason, false);
  return connection.sent()[0] ?? null;
}

function connack(reasonCode: number, properties = {}): Packet {
  return { type: "connack", sessionPresent: false, reasonCode, properties };
}

Deno.test("sendRefusal() says in 5.0 why, in a code and in words [MQTT-3.2.2-8] [MQTT-3.2.2-19]", () => {
  const sent = refusal(ReasonCode.ServerBusy, {}, "Come back later");
  assertEquals(sent, connack(ReasonCode.ServerBusy, { reasonString: "Come back later" }));
});

Deno.test("sendRefusal() leaves the words out if the client takes no packet of that size [MQTT-3.2.2-19]", () => {
  const words = "x".repeat(100);
  assertEquals(
    refusal(ReasonCode.ServerBusy, { packetBytesMax: 50 }, words),
    connack(ReasonCode.ServerBusy),
  );
});

Deno.test("sendRefusal() sends no code that CONNACK cannot carry, and none below 0x80 [MQTT-3.2.2-8]", () => {
  for (const code of [ReasonCode.PacketIdentifierNotFound, 0x10, 0]) {
    assertEquals(refusal(code), connack(ReasonCode.UnspecifiedError));
  }
});

Deno.test("sendRefusal() sends 3.x clients the nearest return code, and no words [MQTT-3.2.2-6]", () => {
  const { UnsupportedProtocolVersion, ClientIdentifierNotValid, ServerBusy } = ReasonCode;
  const codes: [number, number][] = [
    [UnsupportedProtocolVersion, 1],
    [ClientIdentifierNotValid, 2],
    [ServerBusy, 3],
    [ReasonCode.ServerUnavailable, 3],
    [ReasonCode.ServerShuttingDown, 3],
    [ReasonCode.QuotaExceeded, 3],
    [ReasonCode.UseAnotherServer, 3],
    [ReasonCode.ServerMoved, 3],
    [ReasonCode.ConnectionRateExceeded, 3],
    [ReasonCode.BadUserNameOrPassword, 4],
    [ReasonCode.NotAuthorized, 5],
    [ReasonCode.Banned, 5],
    [ReasonCode.BadAuthenticationMethod, 5],
  ];
  for (const version of [3, 4] as const) {
    for (const [code, returned] of codes) {
      assertEquals(refusal(code, { version }, "words"), connack(returned));
    }
  }
});

Deno.test("sendRefusal() sends a 3.x client nothing if no return code fits [MQTT-3.2.2-6]", () => {
  for (const code of [ReasonCode.MalformedPacket, ReasonCode.PacketTooLarge]) {
    assertEquals(refusal(code, { version: 4 }), null);
  }
});

Deno.test("sendRefusal() and sendDisconnect() name the other server, if there is one (§4.11)", () => {
  const broker = { serverReference: "other.example" };
  const properties = { serverReference: "other.example" };
  for (const code of [ReasonCode.UseAnotherServer, ReasonCode.ServerMoved]) {
    assertEquals(refusal(code, { broker }), connack(code, properties));
    assertEquals(disconnect(code, { broker }), {
      type: "disconnect",
      reasonCode: code,
      properties,
    });
    assertEquals(refusal(code), connack(code));
  }
  assertEquals(refusal(ReasonCode.ServerBusy, { broker }), connack(ReasonCode.ServerBusy));
});

Deno.test("sendDisconnect() says why in words if that fits [MQTT-3.14.2-3]", () => {
  const { ServerShuttingDown: reasonCode } = ReasonCode;
  const words = "x".repeat(100);
  assertEquals(disconnect(reasonCode, {}, words), {
    type: "disconnect",
    reasonCode,
    properties: { reasonString: words },
  });
  assertEquals(disconnect(reasonCode, { packetBytesMax: 50 }, words), {
    type: "disconnect",
    reasonCode,
    properties: {},
  });
});

Deno.test("sendDisconnect() sends a Protocol Error for a code that DISCONNECT cannot carry", () => {
  assertEquals(disconnect(ReasonCode.UnsupportedProtocolVersion), {
    type: "disconnect",
    reasonCode: ReasonCode.ProtocolError,
    properties: {},
  });
});

Deno.test("sendDisconnect() goes in front of the messages that wait, or behind them", () => {
  for (const drain of [false, true]) {
    const connection = new TestConnection();
    sendDisconnect(connection.asClient, ReasonCode.SessionTakenOver, undefined, drain);
    const [front, behind] = [connection.outbox.takeControl(), connection.outbox.takeMessages()];
    assertEquals([front.length > 0, behind.length > 0], [!drain, drain]);
    assertEquals([...front, ...behind], [0xe0, 1, ReasonCode.SessionTakenOver]);
  }
});

Deno.test("sendDisconnect() leaves the words out behind the messages, too, if they do not fit", () => {
  const connection = new TestConnection({ packetBytesMax: 20 });
  sendDisconnect(connection.asClient, ReasonCode.SessionTakenOver, "x".repeat(100), true);
  assertEquals([...connection.outbox.takeMessages()], [0xe0, 1, ReasonCode.SessionTakenOver]);
});

Deno.test("busyConnack() is a CONNACK of the client's version", () => {
  for (const [version, code] of [[4, 3], [5, ReasonCode.ServerBusy]] as const) {
    const bytes = busyConnack(version, ReasonCode.ServerBusy);
    const header = new FixedHeader();
    header.read(bytes, 0, bytes.length);
    const packet = decodePacket(version, header.first, bytes.subarray(header.bodyStart), null);
    assertEquals(packet, connack(code));
  }
});
