/** Whether the rules of listeners do what mosquitto's options do: one conversation, with both. */
import { assertEquals } from "@std/assert";
import { Broker, type ListenerRules } from "../../mod.ts";
import { BrokerProcess } from "../harness/broker_process.ts";
import * as packets from "../harness/packets.ts";
import type { ConnectFields, Level } from "../harness/packets.ts";
import { toHex } from "../harness/hex.ts";
import { RawClient } from "../harness/raw_client.ts";
import { testWith } from "../harness/tools.ts";
import { parseConnack } from "../spec/parse.ts";

/** What a client says, after which it pings. */
interface Talk {
  connect: ConnectFields & { level: Level };
  /** Packets in the version of the client. */
  then?: Uint8Array[];
}

interface Case {
  name: string;
  /** Lines of mosquitto's configuration. */
  settings: string[];
  /** Their like here. */
  rules: ListenerRules;
  /** The properties of CONNACK that must be the same. */
  told?: number[];
  talks: Talk[];
}

const LEVELS = [4, 5] as const;

/** A talk of each version with the same CONNECT. */
function each(...connects: ConnectFields[]): Talk[] {
  return connects.flatMap((fields) => LEVELS.map((level) => ({ connect: { ...fields, level } })));
}

/** PUBLISH in the version of a client. */
function publish(level: Level, qos: 0 | 1 | 2, payload: string, retain = false): Uint8Array {
  return packets.publish("a", payload, { level, qos, packetId: 1, retain });
}

const CASES: Case[] = [
  {
    name: "max_keepalive",
    settings: ["max_keepalive 60"],
    rules: { keepAliveSecondsMax: 60 },
    told: [0x13],
    talks: each(
      ...[0, 30, 60, 61].map((keepAliveSeconds) => ({ clientId: "c", keepAliveSeconds })),
    ),
  },
  {
    name: "allow_anonymous false",
    settings: ["allow_anonymous false"],
    rules: { allowAnonymous: false },
    talks: each({ clientId: "c" }),
  },
  {
    name: "clientid_prefixes",
    settings: ["clientid_prefixes sec-"],
    rules: { clientIdPrefixes: ["sec-"], autoIdPrefix: "auto-" },
    talks: each({ clientId: "sec-1" }, { clientId: "other" }, { clientId: "" }),
  },
  {
    name: "use_username_as_clientid",
    settings: ["use_username_as_clientid true"],
    rules: { usernameAsClientId: true },
    told: [0x12],
    talks: each(
      { clientId: "c", username: "user" },
      { username: "user" },
      { username: "user", clean: false },
      { clientId: "c", username: "" },
      { clientId: "c" },
    ),
  },
  {
    name: "max_qos",
    settings: ["max_qos 1"],
    rules: { maximumQoS: 1 },
    told: [0x24],
    talks: LEVELS.flatMap((level) => {
      const connect = { level, clientId: "c" };
      return [
        { connect, then: [packets.subscribe({ a: 2, b: 1, c: 0 }, { level })] },
        { connect, then: [publish(level, 1, "x")] },
        { connect, then: [publish(level, 2, "x")] },
      ];
    }),
  },
  {
    name: "retain_available false",
    settings: ["retain_available false"],
    rules: { retainAvailable: false },
    told: [0x25],
    talks: LEVELS.flatMap((level) => {
      const connect = { level, clientId: "c" };
      return [
        { connect, then: [publish(level, 0, "x", true)] },
        { connect: { ...connect, will: { topic: "w", payload: "", retain: true } } },
      ];
    }),
  },
  {
    name: "message_size_limit",
    settings: ["message_size_limit 5"],
    rules: { payloadBytesMax: 5 },
    // After a larger PUBLISH mosquitto 2.0.11 goes on or closes, by chance.
    talks: [
      { connect: { level: 4, clientId: "c" }, then: [publish(4, 1, "12345")] },
      { connect: { level: 5, clientId: "c", will: { topic: "w", payload: "123456" } } },
    ],
  },
  {
    name: "max_packet_size",
    settings: ["max_packet_size 30"],
    rules: { packetBytesMax: 30 },
    told: [0x27],
    talks: LEVELS.map((level) => {
      return { connect: { level, clientId: "c" }, then: [publish(level, 0, "x".repeat(40))] };
    }),
  },
  {
    name: "upgrade_outgoing_qos",
    settings: ["upgrade_outgoing_qos true"],
    rules: { upgradeOutgoingQoS: true },
    talks: LEVELS.map((level) => ({
      connect: { level, clientId: "c" },
      then: [packets.subscribe({ a: 1 }, { level }), publish(level, 0, "x")],
    })),
  },
];

/** Everything that a broker answers, up to the end or the answer to a ping. */
async function answers(
  port: number,
  { connect, then = [] }: Talk,
  told: number[],
): Promise<string> {
  await using client = await RawClient.dial(port);
  const said: string[] = [];
  let pongs = 0;
  await client.send(packets.connect(connect), ...then, packets.pingreq());
  for (;;) {
    const frame = await client.readFrameOrEnd();
    if (frame === null) return [...said, "end"].join(", ");
    if (frame[0] === 0xd0) {
      if (++pongs === 2) return [...said, "open"].join(", ");
      // An answer may overtake messages that wait for the same write.
      await client.send(packets.pingreq());
      continue;
    }
    // DISCONNECT may come with the reason in words, or be left out.
    if (frame[0] === 0xe0) said.push(`e0 ${toHex(frame.subarray(2, 3))}`);
    else if (frame[0] !== 0x20) said.push(toHex(frame));
    else {
      const { reasonCode, properties } = parseConnack(frame, connect.level);
      const seen = properties.filter(([id]) => reasonCode === 0 && told.includes(id));
      said.push(`connack ${reasonCode} ${JSON.stringify(seen)}`);
    }
  }
}

for (const { name, settings, rules, told = [], talks } of CASES) {
  testWith(["mosquitto"], `a listener does as mosquitto with ${name}`, async () => {
    await using mosquitto = await BrokerProcess.startMosquitto(20, settings);
    await using broker = new Broker();
    const { port } = await broker.listen({ port: 0, policy: rules });
    for (const talk of talks) {
      const theirs = await answers(mosquitto.port, talk, told);
      assertEquals(await answers(port, talk, told), theirs, JSON.stringify(talk));
    }
  });
}
