import { assertEquals } from "@std/assert";
import { type ConnectPacket, ReasonCode, type Will } from "../../codec/mod.ts";
import { BrokerContext } from "../base/context.ts";
import type { ListenerRules } from "../base/listener_options.ts";
import { ListenerPolicy } from "../base/listener_policy.ts";
import { type BrokerOptions, settingsOf } from "../base/options.ts";
import { checkConnect } from "./connect_checks.ts";

const WILL: Will = {
  topic: "a",
  payload: new Uint8Array(3),
  qos: 1,
  retain: true,
  properties: {},
};

function packet(fields: Partial<ConnectPacket> = {}): ConnectPacket {
  return {
    type: "connect",
    protocolVersion: 5,
    cleanStart: true,
    keepAlive: 0,
    clientId: "c",
    will: null,
    username: null,
    password: null,
    properties: {},
    ...fields,
  };
}

/** The reason code with which a CONNECT is refused, or `null`; and the limits that it has reached. */
function check(
  connect: ConnectPacket,
  rules: ListenerRules = {},
  options: BrokerOptions = {},
  isClosing = false,
): [number | null, string[]] {
  const settings = settingsOf(options);
  const context = new BrokerContext(settings);
  context.isClosing = isClosing;
  const policy = new ListenerPolicy(settings, context.stats, rules).effective;
  const reached: string[] = [];
  const refusal = checkConnect(
    { context, policy, reportLimit: (reason) => reached.push(reason) },
    connect,
  );
  return [refusal?.reasonCode ?? null, reached];
}

Deno.test("checkConnect() accepts a CONNECT with which nothing is wrong", () => {
  assertEquals(check(packet({ will: WILL })), [null, []]);
});

Deno.test("checkConnect() refuses every client of a broker that is closing", () => {
  assertEquals(check(packet(), {}, {}, true), [ReasonCode.ServerShuttingDown, []]);
});

Deno.test("checkConnect() refuses a version that the listener does not take [MQTT-3.1.2-2]", () => {
  const rules: ListenerRules = { protocolVersions: [4] };
  assertEquals(check(packet(), rules), [ReasonCode.UnsupportedProtocolVersion, []]);
  assertEquals(check(packet({ protocolVersion: 4 }), rules), [null, []]);
});

Deno.test("checkConnect() wants an identifier for a session of 3.x that lasts [MQTT-3.1.3-8]", () => {
  const empty = { clientId: "" };
  const refused: [number, string[]] = [ReasonCode.ClientIdentifierNotValid, []];
  assertEquals(check(packet({ ...empty, protocolVersion: 4, cleanStart: false })), refused);
  assertEquals(check(packet({ ...empty, protocolVersion: 3 })), refused);
  assertEquals(check(packet({ ...empty, protocolVersion: 4 })), [null, []]);
  assertEquals(check(packet({ ...empty, cleanStart: false })), [null, []]);
});

Deno.test("checkConnect() counts the user properties of CONNECT and of its will, each", () => {
  const options = { limits: { userPropertiesMax: 1 } };
  const one = { userProperties: [["a", "b"]] as [string, string][] };
  const two = { userProperties: [["a", "b"], ["a", "c"]] as [string, string][] };
  const refused: [number, string[]] = [ReasonCode.QuotaExceeded, ["user-properties"]];
  const will = (properties: typeof one) => ({ ...WILL, properties });
  assertEquals(check(packet({ properties: two }), {}, options), refused);
  assertEquals(check(packet({ will: will(two) }), {}, options), refused);
  assertEquals(check(packet({ properties: one, will: will(one) }), {}, options), [null, []]);
});

Deno.test("checkConnect() refuses a will that the listener does not take", () => {
  const cases: [number, Partial<Will>, ListenerRules, BrokerOptions?][] = [
    [ReasonCode.TopicNameInvalid, { topic: "a/#" }, {}],
    [ReasonCode.TopicNameInvalid, { topic: "" }, {}],
    [ReasonCode.TopicNameInvalid, { topic: "a/b/c" }, {}, { limits: { topicLevelsMax: 2 } }],
    [ReasonCode.TopicNameInvalid, { topic: "a/b" }, { mountPoint: "m/" }, {
      limits: { topicLevelsMax: 2 },
    }],
    [ReasonCode.PacketTooLarge, {}, { payloadBytesMax: 2 }],
    [ReasonCode.QoSNotSupported, {}, { maximumQoS: 0 }],
    [ReasonCode.RetainNotSupported, {}, { retainAvailable: false }],
  ];
  for (const [reasonCode, fields, rules, options] of cases) {
    const connect = packet({ will: { ...WILL, ...fields } });
    assertEquals(check(connect, rules, options), [reasonCode, []]);
  }
});

Deno.test("checkConnect() tells the first of several faults", () => {
  const connect = packet({ protocolVersion: 3, clientId: "", will: { ...WILL, topic: "#" } });
  assertEquals(check(connect, { protocolVersions: [5] })[0], ReasonCode.UnsupportedProtocolVersion);
  assertEquals(check(connect)[0], ReasonCode.ClientIdentifierNotValid);
});
