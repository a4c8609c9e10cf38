import type { ConnectPacket } from "../mod.ts";
import type { Fixtures } from "./fixture.ts";

const PLAIN: ConnectPacket = {
  type: "connect",
  protocolVersion: 4,
  cleanStart: true,
  keepAlive: 60,
  clientId: "c1",
  properties: {},
  will: null,
  username: null,
  password: null,
};

/** CONNECT in all its versions. */
export const CONNECT: Fixtures = {
  decoder: "decodeConnect",
  valid: [
    {
      name: "3.1 with name and level of its own",
      versions: [3],
      bytes: `10 10           # CONNECT, 16 bytes
              00 06 "MQIsdp"  # protocol name
              03              # level
              02              # clean session
              00 3c           # keep alive
              00 02 "c1"      # client identifier`,
      packet: { ...PLAIN, protocolVersion: 3 },
    },
    {
      name: "3.1 whose flags announce fields that are not there",
      versions: [3],
      bytes: `10 10           # CONNECT, 16 bytes
              00 06 "MQIsdp"  # protocol name
              03              # level
              c2              # user name, password, clean session
              00 3c           # keep alive
              00 02 "c1"      # client identifier`,
      packet: { ...PLAIN, protocolVersion: 3 },
      shortest: `10 10 00 06 "MQIsdp" 03 02 00 3c 00 02 "c1"`,
    },
    {
      name: "3.1 with the unused flag set",
      versions: [3],
      bytes: `10 10 00 06 "MQIsdp" 03 03 00 3c 00 02 "c1"`,
      packet: { ...PLAIN, protocolVersion: 3 },
      shortest: `10 10 00 06 "MQIsdp" 03 02 00 3c 00 02 "c1"`,
    },
    {
      name: "3.1.1 with everything there is",
      versions: [4],
      bytes: `10 20           # CONNECT, 32 bytes
              00 04 "MQTT" 04 # protocol name and level
              f6              # user name, password, will retain, QoS 2, will, clean session
              ff ff           # keep alive
              00 00           # client identifier
              00 03 "a/b"     # will topic
              00 02 00 ff     # will message
              00 03 "bob"     # user name
              00 04 00 80 ff c0 # password`,
      packet: {
        ...PLAIN,
        keepAlive: 65535,
        clientId: "",
        will: {
          topic: "a/b",
          payload: Uint8Array.of(0, 255),
          qos: 2,
          retain: true,
          properties: {},
        },
        username: "bob",
        password: Uint8Array.of(0, 128, 255, 192),
      },
    },
    {
      name: "5 with a password alone and every property",
      versions: [5],
      bytes: `10 42           # CONNECT, 66 bytes
              00 04 "MQTT" 05 # protocol name and level
              44              # password, will QoS 0
              00 00           # keep alive
              28              # properties, 40 bytes
              11 ff ff ff ff  # session expiry interval
              15 00 01 "m"    # authentication method
              16 00 01 00     # authentication data
              17 00           # request problem information
              19 01           # request response information
              21 00 01        # receive maximum
              22 00 00        # topic alias maximum
              27 00 00 00 01  # maximum packet size
              26 00 01 "a" 00 00 # user property
              26 00 01 "a" 00 00 # and again
              00 00           # client identifier
              05              # will properties, 5 bytes
              18 00 00 00 0a  # will delay interval
              00 01 "t"       # will topic
              00 00           # will payload
              00 00           # password`,
      packet: {
        ...PLAIN,
        protocolVersion: 5,
        cleanStart: false,
        keepAlive: 0,
        clientId: "",
        properties: {
          sessionExpiryInterval: 0xffffffff,
          authenticationMethod: "m",
          authenticationData: Uint8Array.of(0),
          requestProblemInformation: false,
          requestResponseInformation: true,
          receiveMaximum: 1,
          topicAliasMaximum: 0,
          maximumPacketSize: 1,
          userProperties: [["a", ""], ["a", ""]],
        },
        will: {
          topic: "t",
          payload: new Uint8Array(0),
          qos: 0,
          retain: false,
          properties: { willDelayInterval: 10 },
        },
        password: new Uint8Array(0),
      },
    },
    {
      name: "a client identifier that starts with U+FEFF [MQTT-1.5.4-3]",
      versions: [4],
      bytes: `10 10 00 04 "MQTT" 04 02 00 3c 00 04 ef bb bf "c"`,
      packet: { ...PLAIN, clientId: "\uFEFFc" },
    },
  ],
  invalid: [
    {
      name: "an unknown protocol name",
      versions: [4],
      bytes: `10 0e 00 04 "HTTP" 04 02 00 3c 00 02 "c1"`,
      error: "UnsupportedVersionError",
      reasonCode: 0x84,
      offset: 0,
      clause: "MQTT-3.1.2-1",
    },
    {
      name: "level 6",
      versions: [5],
      bytes: `10 0e 00 04 "MQTT" 06 02 00 3c 00 02 "c1"`,
      error: "UnsupportedVersionError",
      reasonCode: 0x84,
      offset: 6,
      clause: "MQTT-3.1.2-2",
    },
    {
      name: "the level of one protocol with the name of the other",
      versions: [3],
      bytes: `10 10 00 06 "MQIsdp" 04 02 00 3c 00 02 "c1"`,
      error: "UnsupportedVersionError",
      reasonCode: 0x84,
      offset: 8,
      clause: "MQTT-3.1.2-2",
    },
    {
      name: "fixed header flags",
      versions: [3, 4, 5],
      bytes: `11 0e 00 04 "MQTT" 04 02 00 3c 00 02 "c1"`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-2.1.3-1",
    },
    {
      name: "the reserved flag",
      versions: [4],
      bytes: `10 0e 00 04 "MQTT" 04 03 00 3c 00 02 "c1"`,
      error: "MalformedPacketError",
      offset: 7,
      clause: "MQTT-3.1.2-3",
    },
    {
      name: "will QoS 3",
      versions: [4],
      bytes: `10 13 00 04 "MQTT" 04 1e 00 3c 00 02 "c1" 00 01 "t" 00 00`,
      error: "MalformedPacketError",
      offset: 7,
      clause: "MQTT-3.1.2-12",
    },
    {
      name: "will QoS without a will",
      versions: [4],
      bytes: `10 0e 00 04 "MQTT" 04 0a 00 3c 00 02 "c1"`,
      error: "MalformedPacketError",
      offset: 7,
      clause: "MQTT-3.1.2-11",
    },
    {
      name: "will retain without a will",
      versions: [5],
      bytes: `10 0f 00 04 "MQTT" 05 22 00 3c 00 00 02 "c1"`,
      error: "MalformedPacketError",
      offset: 7,
      clause: "MQTT-3.1.2-13",
    },
    {
      name: "a password without user name in 3.1.1",
      versions: [4],
      bytes: `10 11 00 04 "MQTT" 04 42 00 3c 00 02 "c1" 00 01 "p"`,
      error: "MalformedPacketError",
      offset: 7,
      clause: "3.1.1 MQTT-3.1.2-22",
    },
    {
      name: "a user name that is not there",
      versions: [4],
      bytes: `10 0e 00 04 "MQTT" 04 82 00 3c 00 02 "c1"`,
      error: "MalformedPacketError",
      offset: 14,
      clause: "§1.5",
    },
    {
      name: "a password that nothing announces [MQTT-3.1.2-18]",
      versions: [4],
      bytes: `10 11 00 04 "MQTT" 04 02 00 3c 00 02 "c1" 00 01 "p"`,
      error: "MalformedPacketError",
      offset: 14,
      clause: "§2.1.4",
    },
    {
      name: "a client identifier that is not UTF-8 [MQTT-3.1.3-4]",
      versions: [4],
      bytes: `10 0e 00 04 "MQTT" 04 02 00 3c 00 02 c0 80`,
      error: "MalformedPacketError",
      offset: 12,
      clause: "MQTT-1.5.4-1",
    },
    {
      name: "U+0000 in a client identifier",
      versions: [4],
      bytes: `10 0e 00 04 "MQTT" 04 02 00 3c 00 02 "c" 00`,
      error: "MalformedPacketError",
      offset: 13,
      clause: "MQTT-1.5.4-2",
    },
    {
      name: "receive maximum 0",
      versions: [5],
      bytes: `10 10 00 04 "MQTT" 05 02 00 3c 03 21 00 00 00 00`,
      error: "ProtocolError",
      offset: 12,
      clause: "§2.2.2.2",
    },
    {
      name: "maximum packet size 0",
      versions: [5],
      bytes: `10 12 00 04 "MQTT" 05 02 00 3c 05 27 00 00 00 00 00 00`,
      error: "ProtocolError",
      offset: 12,
      clause: "§2.2.2.2",
    },
    {
      name: "a boolean property that is 2",
      versions: [5],
      bytes: `10 0f 00 04 "MQTT" 05 02 00 3c 02 19 02 00 00`,
      error: "ProtocolError",
      offset: 12,
      clause: "§2.2.2.2",
    },
    {
      name: "a property that is repeated",
      versions: [5],
      bytes: `10 11 00 04 "MQTT" 05 02 00 3c 04 17 00 17 00 00 00`,
      error: "ProtocolError",
      offset: 13,
      clause: "§2.2.2.2",
    },
    {
      name: "a property of another packet",
      versions: [5],
      bytes: `10 10 00 04 "MQTT" 05 02 00 3c 03 23 00 01 00 00`,
      error: "MalformedPacketError",
      offset: 11,
      clause: "§2.2.2.2",
    },
    {
      name: "authentication data without a method",
      versions: [5],
      bytes: `10 11 00 04 "MQTT" 05 02 00 3c 04 16 00 01 00 00 00`,
      error: "ProtocolError",
      offset: 15,
      clause: "§3.1.2.11.10",
    },
  ],
};
