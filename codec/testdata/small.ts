import type { Fixtures } from "./fixture.ts";

/** PINGREQ and PINGRESP. */
export const PING: Fixtures = {
  decoder: "decodePing",
  valid: [
    { name: "a request", versions: [3, 4, 5], bytes: `c0 00`, packet: { type: "pingreq" } },
    { name: "a response", versions: [3, 4, 5], bytes: `d0 00`, packet: { type: "pingresp" } },
  ],
  invalid: [
    {
      name: "a body",
      versions: [3, 4, 5],
      bytes: `c0 01 00`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "§2.1.4",
    },
    {
      name: "flags",
      versions: [3, 4, 5],
      bytes: `d1 00`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-2.1.3-1",
    },
  ],
};

/** DISCONNECT in all its versions. */
export const DISCONNECT: Fixtures = {
  decoder: "decodeDisconnect",
  valid: [
    {
      name: "no body",
      versions: [3, 4, 5],
      bytes: `e0 00`,
      packet: { type: "disconnect", reasonCode: 0, properties: {} },
    },
    {
      name: "a reason code without properties",
      versions: [5],
      bytes: `e0 01 04 # DISCONNECT, 1 byte, reason code`,
      packet: { type: "disconnect", reasonCode: 4, properties: {} },
    },
    {
      name: "every property",
      versions: [5],
      bytes: `e0 16          # DISCONNECT, 22 bytes
              9c             # reason code
              14             # properties, 20 bytes
              11 00 00 00 00 # session expiry interval
              1f 00 01 "r"   # reason string
              1c 00 01 "s"   # server reference
              26 00 01 "a" 00 01 "b" # user property`,
      packet: {
        type: "disconnect",
        reasonCode: 0x9c,
        properties: {
          sessionExpiryInterval: 0,
          reasonString: "r",
          serverReference: "s",
          userProperties: [["a", "b"]],
        },
      },
    },
  ],
  invalid: [
    {
      name: "flags",
      versions: [3, 4, 5],
      bytes: `e1 00`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-3.14.1-1",
    },
    {
      name: "a body in 3.x",
      versions: [3, 4],
      bytes: `e0 01 00`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "§2.1.4",
    },
    {
      name: "a reason code it does not have",
      versions: [5],
      bytes: `e0 01 01`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-3.14.2-1",
    },
  ],
};

/** AUTH, which only 5.0 has. */
export const AUTH: Fixtures = {
  decoder: "decodeAuth",
  valid: [
    {
      name: "no body",
      versions: [5],
      bytes: `f0 00`,
      packet: { type: "auth", reasonCode: 0, properties: {} },
    },
    {
      name: "every property",
      versions: [5],
      bytes: `f0 17          # AUTH, 23 bytes
              18             # reason code
              15             # properties, 21 bytes
              15 00 01 "m"   # authentication method
              16 00 02 00 ff # authentication data
              1f 00 02 "ok"  # reason string
              26 00 01 "a" 00 01 "b" # user property`,
      packet: {
        type: "auth",
        reasonCode: 0x18,
        properties: {
          authenticationMethod: "m",
          authenticationData: Uint8Array.of(0, 255),
          reasonString: "ok",
          userProperties: [["a", "b"]],
        },
      },
    },
  ],
  invalid: [
    {
      name: "3.x",
      versions: [3, 4],
      bytes: `f0 00`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "3.1.1 §2.2.1",
    },
    {
      name: "flags",
      versions: [5],
      bytes: `f1 00`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-3.15.1-1",
    },
    {
      name: "a reason code it does not have",
      versions: [5],
      bytes: `f0 02 87 00`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-3.15.2-1",
    },
    {
      name: "a reason code without a property length",
      versions: [5],
      bytes: `f0 01 18`,
      error: "MalformedPacketError",
      offset: 1,
      clause: "§1.5",
    },
    {
      name: "data without a method",
      versions: [5],
      bytes: `f0 06 18 04 16 00 01 00`,
      error: "ProtocolError",
      offset: 6,
      clause: "§3.1.2.11.10",
    },
  ],
};

/** First bytes and lengths that no packet has. */
export const HEADER: Fixtures = {
  decoder: "decodePacket",
  valid: [],
  invalid: [
    {
      name: "packet type 0",
      versions: [3, 4, 5],
      bytes: `00 00`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "§2.1.2",
    },
    {
      name: "a length of five bytes",
      versions: [3, 4, 5],
      bytes: `c0 80 80 80 80 01`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "§2.1.4",
    },
    {
      name: "a length with a byte too many",
      versions: [3, 4, 5],
      bytes: `c0 80 00`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "§2.1.4",
    },
  ],
};
