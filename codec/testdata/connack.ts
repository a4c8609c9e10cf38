import type { Fixtures } from "./fixture.ts";

/** CONNACK in all its versions. */
export const CONNACK: Fixtures = {
  decoder: "decodeConnack",
  valid: [
    {
      name: "3.x",
      versions: [3, 4],
      bytes: `20 02 # CONNACK, 2 bytes
              00    # session present
              05    # return code`,
      packet: { type: "connack", sessionPresent: false, reasonCode: 5, properties: {} },
    },
    {
      name: "3.1.1 with a session",
      versions: [4],
      bytes: `20 02 01 00`,
      packet: { type: "connack", sessionPresent: true, reasonCode: 0, properties: {} },
    },
    {
      name: "3.1, where the first byte means nothing",
      versions: [3],
      bytes: `20 02 01 00`,
      packet: { type: "connack", sessionPresent: false, reasonCode: 0, properties: {} },
      shortest: `20 02 00 00`,
    },
    {
      name: "5 with every property",
      versions: [5],
      bytes: `20 40          # CONNACK, 64 bytes
              00             # session present
              00             # reason code
              3d             # properties, 61 bytes
              11 00 00 00 01 # session expiry interval
              21 ff ff       # receive maximum
              24 01          # maximum QoS
              25 00          # retain available
              27 ff ff ff ff # maximum packet size
              12 00 02 "id"  # assigned client identifier
              22 00 0a       # topic alias maximum
              1f 00 02 "ok"  # reason string
              26 00 01 "a" 00 01 "b" # user property
              28 01          # wildcard subscription available
              29 01          # subscription identifiers available
              2a 00          # shared subscription available
              13 00 1e       # server keep alive
              1a 00 01 "r"   # response information
              1c 00 01 "s"   # server reference
              15 00 01 "m"   # authentication method
              16 00 00       # authentication data`,
      packet: {
        type: "connack",
        sessionPresent: false,
        reasonCode: 0,
        properties: {
          sessionExpiryInterval: 1,
          receiveMaximum: 65535,
          maximumQoS: 1,
          retainAvailable: false,
          maximumPacketSize: 0xffffffff,
          assignedClientIdentifier: "id",
          topicAliasMaximum: 10,
          reasonString: "ok",
          userProperties: [["a", "b"]],
          wildcardSubscriptionAvailable: true,
          subscriptionIdentifiersAvailable: true,
          sharedSubscriptionAvailable: false,
          serverKeepAlive: 30,
          responseInformation: "r",
          serverReference: "s",
          authenticationMethod: "m",
          authenticationData: new Uint8Array(0),
        },
      },
    },
  ],
  invalid: [
    {
      name: "acknowledge flags beyond bit 0",
      versions: [4, 5],
      bytes: `20 03 02 00 00`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-3.2.2-1",
    },
    {
      name: "return code 6",
      versions: [3, 4],
      bytes: `20 02 00 06`,
      error: "MalformedPacketError",
      offset: 1,
      clause: "3.1.1 §3.2.2.3",
    },
    {
      name: "a reason code of another packet",
      versions: [5],
      bytes: `20 03 00 8e 00`,
      error: "MalformedPacketError",
      offset: 1,
      clause: "MQTT-3.2.2-8",
    },
    {
      name: "a refusal with a session",
      versions: [5],
      bytes: `20 03 01 87 00`,
      error: "ProtocolError",
      offset: 0,
      clause: "MQTT-3.2.2-6",
    },
    {
      name: "bytes after the code",
      versions: [3, 4],
      bytes: `20 03 00 00 00`,
      error: "MalformedPacketError",
      offset: 2,
      clause: "§2.1.4",
    },
  ],
};
