import type { Fixtures } from "./fixture.ts";

/** PUBACK, PUBREC, PUBREL and PUBCOMP in all their versions. */
export const ACK: Fixtures = {
  decoder: "decodeAck",
  valid: [
    {
      name: "PUBACK of two bytes",
      versions: [3, 4, 5],
      bytes: `40 02 # PUBACK, 2 bytes
              00 01 # packet identifier`,
      packet: { type: "puback", packetId: 1, reasonCode: 0, properties: {} },
    },
    {
      name: "PUBREC of two bytes",
      versions: [3, 4, 5],
      bytes: `50 02 ff ff`,
      packet: { type: "pubrec", packetId: 65535, reasonCode: 0, properties: {} },
    },
    {
      name: "PUBREL of two bytes",
      versions: [3, 4, 5],
      bytes: `62 02 00 01`,
      packet: { type: "pubrel", packetId: 1, reasonCode: 0, properties: {} },
    },
    {
      name: "PUBREL sent again in 3.1",
      versions: [3],
      bytes: `6a 02 00 01`,
      packet: { type: "pubrel", packetId: 1, reasonCode: 0, properties: {} },
      shortest: `62 02 00 01`,
    },
    {
      name: "PUBCOMP of two bytes",
      versions: [3, 4, 5],
      bytes: `70 02 00 01`,
      packet: { type: "pubcomp", packetId: 1, reasonCode: 0, properties: {} },
    },
    {
      name: "a reason code without properties",
      versions: [5],
      bytes: `50 03 # PUBREC, 3 bytes
              00 01 # packet identifier
              97    # reason code`,
      packet: { type: "pubrec", packetId: 1, reasonCode: 0x97, properties: {} },
    },
    {
      name: "a success spelled out",
      versions: [5],
      bytes: `40 04 # PUBACK, 4 bytes
              00 01 # packet identifier
              00    # reason code
              00    # properties`,
      packet: { type: "puback", packetId: 1, reasonCode: 0, properties: {} },
      shortest: `40 02 00 01`,
    },
    {
      name: "properties",
      versions: [5],
      bytes: `70 10       # PUBCOMP, 16 bytes
              00 01       # packet identifier
              92          # reason code
              0c          # properties, 12 bytes
              1f 00 02 "no" # reason string
              26 00 01 "a" 00 01 "b" # user property`,
      packet: {
        type: "pubcomp",
        packetId: 1,
        reasonCode: 0x92,
        properties: { reasonString: "no", userProperties: [["a", "b"]] },
      },
    },
  ],
  invalid: [
    {
      name: "packet identifier 0",
      versions: [3, 4, 5],
      bytes: `40 02 00 00`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-2.2.1-3",
    },
    {
      name: "half a packet identifier",
      versions: [3, 4, 5],
      bytes: `40 01 00`,
      error: "MalformedPacketError",
      offset: 1,
      clause: "§1.5",
    },
    {
      name: "flags on PUBACK",
      versions: [3, 4, 5],
      bytes: `42 02 00 01`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-2.1.3-1",
    },
    {
      name: "PUBREL without its flags",
      versions: [3, 4, 5],
      bytes: `60 02 00 01`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-3.6.1-1",
    },
    {
      name: "DUP on PUBREL",
      versions: [4, 5],
      bytes: `6a 02 00 01`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-3.6.1-1",
    },
    {
      name: "a reason code in 3.x",
      versions: [3, 4],
      bytes: `40 03 00 01 00`,
      error: "MalformedPacketError",
      offset: 2,
      clause: "§2.1.4",
    },
    {
      name: "a reason code PUBACK does not have",
      versions: [5],
      bytes: `40 03 00 01 92`,
      error: "MalformedPacketError",
      offset: 2,
      clause: "MQTT-3.4.2-1",
    },
    {
      name: "a reason code PUBREC does not have",
      versions: [5],
      bytes: `50 03 00 01 01`,
      error: "MalformedPacketError",
      offset: 2,
      clause: "MQTT-3.5.2-1",
    },
    {
      name: "a reason code PUBREL does not have",
      versions: [5],
      bytes: `62 03 00 01 10`,
      error: "MalformedPacketError",
      offset: 2,
      clause: "MQTT-3.6.2-1",
    },
    {
      name: "a reason code PUBCOMP does not have",
      versions: [5],
      bytes: `70 03 00 01 80`,
      error: "MalformedPacketError",
      offset: 2,
      clause: "MQTT-3.7.2-1",
    },
    {
      name: "two reason strings",
      versions: [5],
      bytes: `40 0a 00 01 00 06 1f 00 00 1f 00 00`,
      error: "ProtocolError",
      offset: 7,
      clause: "§2.2.2.2",
    },
    {
      name: "bytes after the properties",
      versions: [5],
      bytes: `40 05 00 01 00 00 00`,
      error: "MalformedPacketError",
      offset: 4,
      clause: "§2.1.4",
    },
  ],
};
