import { assertEquals } from "@std/assert";
import type { ConnectPacket, ProtocolVersion } from "../../codec/mod.ts";
import type { ListenerRules } from "../base/listener_options.ts";
import type { BrokerOptions } from "../base/options.ts";
import { TestConnection } from "../testdata/test_connection.ts";
import { agreeOn } from "./connack.ts";

/** What a client and a broker agree on. */
function agreed(
  connect: Partial<ConnectPacket> = {},
  { version = 5, rules = {}, broker = {} }: {
    version?: ProtocolVersion;
    rules?: ListenerRules;
    broker?: BrokerOptions;
  } = {},
) {
  const connection = new TestConnection({ version, rules, broker });
  const packet: ConnectPacket = {
    ...{ type: "connect", protocolVersion: version, clientId: "a", cleanStart: true },
    ...{ keepAlive: 60, properties: {}, will: null, username: null, password: null },
    ...connect,
  };
  return agreeOn(connection.asClient, packet, connect.clientId === "" ? "new" : "a", undefined);
}

/** The properties of CONNACK without those that are always there. */
function told(...args: Parameters<typeof agreed>): object {
  const { maximumPacketSize, topicAliasMaximum, receiveMaximum, ...rest } =
    agreed(...args).connack.properties;
  assertEquals(typeof maximumPacketSize, "number");
  assertEquals([topicAliasMaximum, receiveMaximum].includes(0), false);
  return rest;
}

Deno.test("agreeOn() announces only what differs from what the client assumes", () => {
  assertEquals(told(), {});
  assertEquals(told({ properties: { sessionExpiryInterval: 60 } }), {});
  assertEquals(agreed().connack.reasonCode, 0);
});

Deno.test("agreeOn() caps the Session Expiry Interval, and says so [§3.2.2.3.2]", () => {
  const rules = { sessionExpirySecondsMax: 100 };
  const long = { properties: { sessionExpiryInterval: 101 } };
  assertEquals(agreed(long, { rules }).expirySeconds, 100);
  assertEquals(told(long, { rules }), { sessionExpiryInterval: 100 });
  assertEquals(agreed({}, { rules }).expirySeconds, 0);
});

Deno.test("agreeOn() gives a lasting session of 3.x the limit, and a clean one nothing", () => {
  const limit = { version: 4, rules: { sessionExpirySecondsMax: 100 } } as const;
  assertEquals(agreed({ cleanStart: false }, limit).expirySeconds, 100);
  assertEquals(agreed({ cleanStart: true }, limit).expirySeconds, 0);
  assertEquals(agreed({ cleanStart: false }, limit).connack.properties, {});
});

Deno.test("agreeOn() shortens the Keep Alive of 5.0 alone [§3.2.2.3.14]", () => {
  const rules = { keepAliveSecondsMax: 30 };
  assertEquals(agreed({ keepAlive: 60 }, { rules }).keepAlive, 30);
  assertEquals(told({ keepAlive: 60 }, { rules }), { serverKeepAlive: 30 });
  assertEquals(told({ keepAlive: 0 }, { rules }), { serverKeepAlive: 30 });
  assertEquals(told({ keepAlive: 20 }, { rules }), {});
  assertEquals(agreed({ keepAlive: 60 }, { rules, version: 4 }).keepAlive, 60);
});

Deno.test("agreeOn() announces what the listener does not have", () => {
  const rules = {
    maximumQoS: 1,
    retainAvailable: false,
    wildcardSubscriptionAvailable: false,
    sharedSubscriptionAvailable: false,
    subscriptionIdentifiersAvailable: false,
  } as const;
  assertEquals(told({}, { rules }), rules);
});

Deno.test("agreeOn() tells a client the identifier it was given [MQTT-3.2.2-16]", () => {
  assertEquals(told({ clientId: "" }), { assignedClientIdentifier: "new" });
});

Deno.test("agreeOn() tells Response Information to whom asks for it", () => {
  const broker = { responseInformation: "answers/" };
  const asking = { properties: { requestResponseInformation: true } };
  assertEquals(told(asking, { broker }), { responseInformation: "answers/" });
  assertEquals(told({}, { broker }), {});
  assertEquals(told(asking), {});
});
