import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  isReasonCodeAllowed,
  MalformedPacketError,
  PacketError,
  ProtocolError,
  ReasonCode,
  reasonText,
  UnsupportedVersionError,
} from "./mod.ts";

Deno.test("reasonText() says every code in words", () => {
  assertEquals(reasonText(ReasonCode.Success), "Success (0x00)");
  assertEquals(reasonText(ReasonCode.GrantedQoS1), "Granted QoS 1 (0x01)");
  assertEquals(reasonText(ReasonCode.QoSNotSupported), "QoS not supported (0x9b)");
  assertEquals(reasonText(ReasonCode.TopicAliasInvalid), "Topic alias invalid (0x94)");
  assertEquals(reasonText(0x7f), "Unknown reason (0x7f)");
});

Deno.test("isReasonCodeAllowed() knows a carrier for every code, and none for others", () => {
  const carriers = [
    ...["connack", "puback", "pubrec", "pubrel", "pubcomp"] as const,
    ...["suback", "unsuback", "disconnect", "auth"] as const,
  ];
  const known = new Set<number>(Object.values(ReasonCode));
  for (let code = 0; code < 256; code++) {
    assertEquals(carriers.some((type) => isReasonCodeAllowed(type, code)), known.has(code));
  }
  assertFalse(isReasonCodeAllowed("publish", 0));
  assertFalse(isReasonCodeAllowed("puback", 256));
  assertFalse(isReasonCodeAllowed("puback", -1));
});

Deno.test("PacketError carries what a broker needs to answer and to log", () => {
  const malformed = new MalformedPacketError("QoS is 3", 0, "MQTT-3.3.1-4");
  assertEquals(malformed.message, "QoS is 3 at byte 0 [MQTT-3.3.1-4]");
  assertEquals(String(malformed), "MalformedPacketError: QoS is 3 at byte 0 [MQTT-3.3.1-4]");
  assertEquals(malformed.reasonCode, 0x81);
  assertEquals(new ProtocolError("x", 0, "§1").reasonCode, 0x82);
  const unsupported = new UnsupportedVersionError("x", 6, "MQTT-3.1.2-2", 6);
  assertEquals([unsupported.reasonCode, unsupported.level], [0x84, 6]);
  assert(unsupported instanceof ProtocolError && unsupported instanceof PacketError);
});
