import type { Fixtures } from "./fixture.ts";

/** SUBACK in all its versions. */
export const SUBACK: Fixtures = {
  decoder: "decodeSuback",
  valid: [
    {
      name: "3.x",
      versions: [3, 4],
      bytes: `90 06       # SUBACK, 6 bytes
              00 01       # packet identifier
              00 01 02 80 # return codes`,
      packet: { type: "suback", packetId: 1, reasonCodes: [0, 1, 2, 0x80], properties: {} },
    },
    {
      name: "5",
      versions: [5],
      bytes: `90 09          # SUBACK, 9 bytes
              00 01          # packet identifier
              04             # properties, 4 bytes
              1f 00 01 "r"   # reason string
              02 a2          # reason codes`,
      packet: {
        type: "suback",
        packetId: 1,
        reasonCodes: [2, 0xa2],
        properties: { reasonString: "r" },
      },
    },
  ],
  invalid: [
    {
      name: "no code",
      versions: [3, 4],
      bytes: `90 02 00 01`,
      error: "MalformedPacketError",
      offset: 2,
      clause: "§1.5",
    },
    {
      name: "code 3",
      versions: [3, 4],
      bytes: `90 03 00 01 03`,
      error: "MalformedPacketError",
      offset: 2,
      clause: "3.1.1 MQTT-3.9.3-2",
    },
    {
      name: "a reason code it does not have",
      versions: [5],
      bytes: `90 04 00 01 00 11`,
      error: "MalformedPacketError",
      offset: 3,
      clause: "MQTT-3.9.3-2",
    },
  ],
};

/** UNSUBSCRIBE in all its versions. */
export const UNSUBSCRIBE: Fixtures = {
  decoder: "decodeUnsubscribe",
  valid: [
    {
      name: "two filters",
      versions: [3, 4],
      bytes: `a2 0a       # UNSUBSCRIBE, 10 bytes
              00 01       # packet identifier
              00 03 "a/+" # filter
              00 01 "#"   # filter`,
      packet: { type: "unsubscribe", packetId: 1, filters: ["a/+", "#"], properties: {} },
    },
    {
      name: "DUP in 3.1",
      versions: [3],
      bytes: `aa 05 00 01 00 01 "#"`,
      packet: { type: "unsubscribe", packetId: 1, filters: ["#"], properties: {} },
      shortest: `a2 05 00 01 00 01 "#"`,
    },
    {
      name: "a property",
      versions: [5],
      bytes: `a2 0d 00 01            # UNSUBSCRIBE, 13 bytes, packet identifier
              07                     # properties, 7 bytes
              26 00 01 "a" 00 01 "b" # user property
              00 01 "#"              # filter`,
      packet: {
        type: "unsubscribe",
        packetId: 1,
        filters: ["#"],
        properties: { userProperties: [["a", "b"]] },
      },
    },
  ],
  invalid: [
    {
      name: "fixed header flags other than 0010",
      versions: [3, 4, 5],
      bytes: `a0 05 00 01 00 01 "#"`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-3.10.1-1",
    },
    {
      name: "no filter",
      versions: [3, 4],
      bytes: `a2 02 00 01`,
      error: "ProtocolError",
      offset: 2,
      clause: "MQTT-3.10.3-2",
    },
    {
      name: "an ill-formed filter [MQTT-3.10.3-1]",
      versions: [3, 4],
      bytes: `a2 05 00 01 00 01 ff`,
      error: "MalformedPacketError",
      offset: 4,
      clause: "MQTT-1.5.4-1",
    },
    {
      name: "packet identifier 0",
      versions: [3, 4, 5],
      bytes: `a2 05 00 00 00 01 "#"`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-2.2.1-3",
    },
  ],
};

/** UNSUBACK in all its versions. */
export const UNSUBACK: Fixtures = {
  decoder: "decodeUnsuback",
  valid: [
    {
      name: "3.x",
      versions: [3, 4],
      bytes: `b0 02 00 01 # UNSUBACK, 2 bytes, packet identifier`,
      packet: { type: "unsuback", packetId: 1, reasonCodes: [], properties: {} },
    },
    {
      name: "5",
      versions: [5],
      bytes: `b0 05 # UNSUBACK, 5 bytes
              00 01 # packet identifier
              00    # properties
              00 11 # reason codes`,
      packet: { type: "unsuback", packetId: 1, reasonCodes: [0, 0x11], properties: {} },
    },
  ],
  invalid: [
    {
      name: "codes in 3.x",
      versions: [3, 4],
      bytes: `b0 03 00 01 00`,
      error: "MalformedPacketError",
      offset: 2,
      clause: "§2.1.4",
    },
    {
      name: "no code",
      versions: [5],
      bytes: `b0 03 00 01 00`,
      error: "MalformedPacketError",
      offset: 3,
      clause: "§1.5",
    },
    {
      name: "a reason code it does not have",
      versions: [5],
      bytes: `b0 04 00 01 00 01`,
      error: "MalformedPacketError",
      offset: 3,
      clause: "MQTT-3.11.3-2",
    },
  ],
};
