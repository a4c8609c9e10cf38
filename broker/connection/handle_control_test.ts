import { assertEquals, assertThrows } from "@std/assert";
import {
  MalformedPacketError,
  type Packet,
  type Properties,
  ProtocolError,
  ReasonCode,
} from "../../codec/mod.ts";
import { InboundWindow } from "../../flow/inbound_window.ts";
import {
  ackText,
  TestConnection,
  type TestConnectionOptions,
} from "../testdata/test_connection.ts";
import { handleBareAck, handlePacket, isBareAck } from "./handle_control.ts";

/** A session as these handlers see it; it tells what they did. */
class TestSession {
  readonly inbound = new InboundWindow();
  readonly events: string[] = [];
  expirySeconds = 0;
  /** Whether the message of a PUBREC is in flight. */
  isInFlight = true;
  readonly queue = { markChanged: () => void this.events.push("changed") };
  readonly inflightMessages = {
    puback: (packetId: number) => void this.events.push(`puback ${packetId}`),
    pubrec: (packetId: number, reasonCode: number) => {
      this.events.push(`pubrec ${packetId} ${reasonCode}`);
      return this.isInFlight;
    },
    pubcomp: (packetId: number) => void this.events.push(`pubcomp ${packetId}`),
  };
  readonly link = {
    sendPubrel: (packetId: number, code: number) =>
      void this.events.push(`send pubrel ${packetId} ${code}`),
  };

  durableAfter(): null {
    return null;
  }
}

/** The acknowledgements by the first byte of their packet. */
const BARE = [[0x40, "puback"], [0x50, "pubrec"], [0x62, "pubrel"], [0x70, "pubcomp"]] as const;

/** A connection with a session, to handle packets. */
function world(options: Omit<TestConnectionOptions, "session"> = {}) {
  const session = new TestSession();
  const connection = new TestConnection({ ...options, session });
  const handle = (packet: Packet) => handlePacket(connection.asClient, packet);
  return { session, connection, handle };
}

function ackPacket(type: "puback" | "pubrec" | "pubrel" | "pubcomp", reasonCode = 0): Packet {
  return { type, packetId: 7, reasonCode, properties: {} };
}

function disconnect(reasonCode: number, properties: Properties = {}): Packet {
  return { type: "disconnect", reasonCode, properties };
}

Deno.test("handlePacket() answers PINGREQ [MQTT-3.12.4-1]", () => {
  const { connection, handle } = world();
  assertEquals(handle({ type: "pingreq" }), null);
  assertEquals(connection.sent(), [{ type: "pingresp" }]);
});

Deno.test("handlePacket() hands PUBACK, PUBREC and PUBCOMP to what is in flight", () => {
  const { session, connection, handle } = world();
  for (const type of ["puback", "pubrec", "pubcomp"] as const) handle(ackPacket(type));
  assertEquals(session.events, ["puback 7", "pubrec 7 0", "pubcomp 7"]);
  assertEquals(connection.sent(), []);
});

Deno.test("isBareAck() knows the four acknowledgements by flags and size [MQTT-3.6.1-1]", () => {
  const bare = Array.from({ length: 256 }, (_, first) => first).filter((it) => isBareAck(it, 2));
  assertEquals(bare, [0x40, 0x50, 0x62, 0x70]);
  assertEquals([0x40, 0x50, 0x62, 0x70].filter((it) => isBareAck(it, 3) || isBareAck(it, 1)), []);
});

Deno.test("handleBareAck() does as handlePacket() does with the whole packet", () => {
  for (const [first, type] of BARE) {
    const [bare, whole] = [world(), world()];
    for (const { session } of [bare, whole]) session.isInFlight = false;
    handleBareAck(bare.connection.asClient, first, 7);
    whole.handle(ackPacket(type));
    assertEquals(bare.session.events, whole.session.events, type);
    assertEquals(bare.connection.sent(), whole.connection.sent(), type);
  }
});

Deno.test("handleBareAck() refuses packet identifier 0 [MQTT-2.2.1-3]", () => {
  const { connection, session } = world();
  for (const [first] of BARE) {
    const handle = () => handleBareAck(connection.asClient, first, 0);
    assertThrows(handle, MalformedPacketError, "identifier is 0");
  }
  assertEquals(session.events, []);
});

Deno.test("handlePacket() releases what PUBREC names although it is not in flight", () => {
  const { session, handle } = world();
  session.isInFlight = false;
  handle(ackPacket("pubrec"));
  const code = ReasonCode.PacketIdentifierNotFound;
  assertEquals(session.events, ["pubrec 7 0", `send pubrel 7 ${code}`]);
});

Deno.test("handlePacket() releases nothing that the client has refused [MQTT-4.3.3-4]", () => {
  const { session, handle } = world();
  session.isInFlight = false;
  handle(ackPacket("pubrec", ReasonCode.QuotaExceeded));
  assertEquals(session.events, [`pubrec 7 ${ReasonCode.QuotaExceeded}`]);
});

Deno.test("handlePacket() answers PUBREL with PUBCOMP and frees the identifier [MQTT-4.3.3-11]", () => {
  const { session, connection, handle } = world();
  session.inbound.accept(7);
  handle(ackPacket("pubrel"));
  assertEquals(connection.sent().map(ackText), ["pubcomp 7 0"]);
  assertEquals([session.inbound.has(7), session.events], [false, ["changed"]]);
});

Deno.test("handlePacket() says in 5.0 that what PUBREL names is not known", () => {
  const { PacketIdentifierNotFound } = ReasonCode;
  for (const [version, code] of [[5, PacketIdentifierNotFound], [4, 0]] as const) {
    const { session, connection, handle } = world({ version });
    handle(ackPacket("pubrel"));
    assertEquals(connection.sent().map(ackText), [`pubcomp 7 ${code}`]);
    assertEquals(session.events, [], "nothing is to be stored");
  }
});

Deno.test("handlePacket() takes a shorter or longer life of the session from DISCONNECT", () => {
  const { session, connection, handle } = world({
    broker: { limits: { sessionExpirySecondsMax: 1000 } },
  });
  session.expirySeconds = 100;
  handle(disconnect(0, { sessionExpiryInterval: 5000 }));
  assertEquals([session.expirySeconds, connection.events], [1000, ["onDisconnect 0"]]);
  handle(disconnect(ReasonCode.DisconnectWithWill, { sessionExpiryInterval: 0 }));
  assertEquals([session.expirySeconds, connection.events.at(-1)], [0, "onDisconnect 4"]);
});

Deno.test("handlePacket() gives no life to a session that had none in CONNECT", () => {
  const { session, connection, handle } = world();
  const packet = disconnect(0, { sessionExpiryInterval: 1 });
  assertThrows(() => handle(packet), ProtocolError, "was 0 in CONNECT");
  assertEquals([session.expirySeconds, connection.events], [0, []]);
});

Deno.test("handlePacket() refuses packets that a client must not send, or not now", () => {
  const { handle } = world();
  const refused: [Packet, string][] = [
    [{ type: "auth", reasonCode: 0x18, properties: {} }, "AUTH without a method"],
    [{ type: "pingresp" }, "Packet pingresp from a client"],
    [{ type: "connack", sessionPresent: false, reasonCode: 0, properties: {} }, "connack"],
    [{ type: "unsuback", packetId: 1, reasonCodes: [], properties: {} }, "unsuback"],
  ];
  for (const [packet, text] of refused) assertThrows(() => handle(packet), ProtocolError, text);
  const connect = { type: "connect" } as Packet;
  assertThrows(() => handle(connect), ProtocolError, "Second CONNECT");
});

Deno.test("handlePacket() hands AUTH to the authentication of CONNECT", () => {
  const { connection, handle } = world();
  const asked: Packet[] = [];
  const done = Promise.resolve();
  connection.flow = {
    reauthenticate: (packet: Packet) => {
      asked.push(packet);
      return done;
    },
  } as never;
  const packet = { type: "auth", reasonCode: 0x19, properties: {} } as const;
  assertEquals(handle(packet), done);
  assertEquals(asked, [packet]);
});
