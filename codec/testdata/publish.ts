import type { PublishPacket } from "../mod.ts";
import type { Fixtures } from "./fixture.ts";

const PLAIN: PublishPacket = {
  type: "publish",
  topic: "a/b",
  payload: Uint8Array.of(0xff),
  qos: 0,
  retain: false,
  dup: false,
  packetId: 0,
  properties: {},
};

/** PUBLISH in all its versions. */
export const PUBLISH: Fixtures = {
  decoder: "decodePublish",
  valid: [
    {
      name: "QoS 0",
      versions: [3, 4],
      bytes: `30 06       # PUBLISH, 6 bytes
              00 03 "a/b" # topic
              ff          # payload`,
      packet: PLAIN,
    },
    {
      name: "QoS 2 with all flags and no payload",
      versions: [3, 4],
      bytes: `3d 07       # PUBLISH, DUP, QoS 2, RETAIN, 7 bytes
              00 03 "a/b" # topic
              ff ff       # packet identifier`,
      packet: {
        ...PLAIN,
        payload: new Uint8Array(0),
        qos: 2,
        retain: true,
        dup: true,
        packetId: 65535,
      },
    },
    {
      name: "a topic of two, three and four bytes a character, and U+FEFF [MQTT-1.5.4-3]",
      versions: [3, 4],
      bytes: `30 0f                # PUBLISH, 15 bytes
              00 0c                # topic
              ef bb bf             # U+FEFF
              c3 a9                # U+00E9
              e2 82 ac             # U+20AC
              f0 9f 9a a2          # U+1F6A2
              ff                   # payload`,
      packet: { ...PLAIN, topic: "\uFEFFé€🚢" },
    },
    {
      name: "a wildcard in the topic, which the router refuses",
      versions: [4],
      bytes: `30 04 00 01 "#" ff`,
      packet: { ...PLAIN, topic: "#" },
    },
    {
      name: "QoS 1 with no property",
      versions: [5],
      bytes: `32 09       # PUBLISH, QoS 1, 9 bytes
              00 03 "a/b" # topic
              00 01       # packet identifier
              00          # properties
              ff          # payload`,
      packet: { ...PLAIN, qos: 1, packetId: 1 },
    },
    {
      name: "an alias for the topic",
      versions: [5],
      bytes: `30 07       # PUBLISH, 7 bytes
              00 00       # topic
              03          # properties, 3 bytes
              23 00 01    # topic alias
              ff          # payload`,
      packet: { ...PLAIN, topic: "", properties: { topicAlias: 1 } },
    },
    {
      name: "every property",
      versions: [5],
      bytes: `30 34          # PUBLISH, 52 bytes
              00 03 "a/b"    # topic
              2d             # properties, 45 bytes
              01 01          # payload format indicator
              02 00 00 00 0a # message expiry interval
              03 00 01 "t"   # content type
              08 00 03 "r/s" # response topic
              09 00 02 00 ff # correlation data
              0b 01          # subscription identifier
              0b ff ff ff 7f # and the largest
              23 ff ff       # topic alias
              26 00 01 "n" 00 01 "v" # user property
              26 00 01 "n" 00 00     # and again
              ff             # payload`,
      packet: {
        ...PLAIN,
        properties: {
          payloadFormatIndicator: 1,
          messageExpiryInterval: 10,
          contentType: "t",
          responseTopic: "r/s",
          correlationData: Uint8Array.of(0, 255),
          subscriptionIdentifiers: [1, 268_435_455],
          topicAlias: 65535,
          userProperties: [["n", "v"], ["n", ""]],
        },
      },
    },
  ],
  invalid: [
    {
      name: "QoS 3",
      versions: [3, 4, 5],
      bytes: `36 06 00 03 "a/b" ff`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-3.3.1-4",
    },
    {
      name: "DUP with QoS 0",
      versions: [3, 4, 5],
      bytes: `38 06 00 03 "a/b" 00`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-3.3.1-2",
    },
    {
      name: "packet identifier 0",
      versions: [3, 4, 5],
      bytes: `32 08 00 03 "a/b" 00 00 00`,
      error: "MalformedPacketError",
      offset: 5,
      clause: "MQTT-2.2.1-3",
    },
    {
      name: "a topic longer than the packet",
      versions: [3, 4, 5],
      bytes: `30 05 00 04 "a/b"`,
      error: "MalformedPacketError",
      offset: 5,
      clause: "§1.5",
    },
    {
      name: "a surrogate in the topic",
      versions: [3, 4],
      bytes: `30 06 00 04 "a" ed a0 80`,
      error: "MalformedPacketError",
      offset: 3,
      clause: "MQTT-1.5.4-1",
    },
    {
      name: "U+0000 in the topic",
      versions: [3, 4],
      bytes: `30 06 00 04 "abc" 00`,
      error: "MalformedPacketError",
      offset: 5,
      clause: "MQTT-1.5.4-2",
    },
    {
      name: "neither topic nor alias",
      versions: [5],
      bytes: `30 04 00 00 00 ff`,
      error: "ProtocolError",
      offset: 0,
      clause: "§3.3.2.1",
    },
    {
      name: "topic alias 0",
      versions: [5],
      bytes: `30 07 00 01 "a" 03 23 00 00`,
      error: "ProtocolError",
      reasonCode: 0x94,
      offset: 5,
      clause: "MQTT-3.3.2-8",
    },
    {
      name: "subscription identifier 0",
      versions: [5],
      bytes: `30 06 00 01 "a" 02 0b 00`,
      error: "ProtocolError",
      offset: 5,
      clause: "§2.2.2.2",
    },
    {
      name: "a payload format indicator that is 2",
      versions: [5],
      bytes: `30 06 00 01 "a" 02 01 02`,
      error: "ProtocolError",
      offset: 5,
      clause: "§2.2.2.2",
    },
    {
      name: "a wildcard in the response topic",
      versions: [5],
      bytes: `30 0a 00 01 "a" 06 08 00 03 "a/+"`,
      error: "ProtocolError",
      offset: 9,
      clause: "MQTT-3.3.2-14",
    },
    {
      name: "an ill-formed content type [MQTT-3.3.2-19]",
      versions: [5],
      bytes: `30 09 00 01 "a" 05 03 00 02 c1 bf`,
      error: "MalformedPacketError",
      offset: 7,
      clause: "MQTT-1.5.4-1",
    },
    {
      name: "half a user property that is ill-formed [MQTT-1.5.7-1]",
      versions: [5],
      bytes: `30 0a 00 01 "a" 06 26 00 00 00 01 ff`,
      error: "MalformedPacketError",
      offset: 9,
      clause: "MQTT-1.5.4-1",
    },
    {
      name: "an unknown property",
      versions: [5],
      bytes: `30 06 00 01 "a" 02 04 00`,
      error: "MalformedPacketError",
      offset: 4,
      clause: "§2.2.2.2",
    },
    {
      name: "a property identifier of two bytes",
      versions: [5],
      bytes: `30 07 00 01 "a" 03 81 00 01`,
      error: "MalformedPacketError",
      offset: 4,
      clause: "§2.2.2.2",
    },
    {
      name: "a property that ends after its section",
      versions: [5],
      bytes: `30 08 00 01 "a" 02 23 00 01 00`,
      error: "MalformedPacketError",
      offset: 6,
      clause: "§1.5",
    },
    {
      name: "properties that end after the packet",
      versions: [5],
      bytes: `30 06 00 01 "a" 04 23 00`,
      error: "MalformedPacketError",
      offset: 6,
      clause: "§1.5",
    },
    {
      name: "a property length that is longer than it need be",
      versions: [5],
      bytes: `30 05 00 01 "a" 80 00`,
      error: "MalformedPacketError",
      offset: 3,
      clause: "MQTT-1.5.5-1",
    },
  ],
};
