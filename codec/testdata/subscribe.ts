import type { SubscriptionRequest } from "../mod.ts";
import type { Fixtures } from "./fixture.ts";

const REQUEST: SubscriptionRequest = {
  filter: "a/+",
  qos: 1,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
};

/** SUBSCRIBE in all its versions. */
export const SUBSCRIBE: Fixtures = {
  decoder: "decodeSubscribe",
  valid: [
    {
      name: "two filters",
      versions: [3, 4],
      bytes: `82 0c       # SUBSCRIBE, 12 bytes
              00 01       # packet identifier
              00 03 "a/+" # filter
              01          # QoS
              00 01 "#"   # filter
              02          # QoS`,
      packet: {
        type: "subscribe",
        packetId: 1,
        properties: {},
        subscriptions: [REQUEST, { ...REQUEST, filter: "#", qos: 2 }],
      },
    },
    {
      name: "DUP in 3.1",
      versions: [3],
      bytes: `8a 08 00 01 00 03 "a/+" 01`,
      packet: { type: "subscribe", packetId: 1, properties: {}, subscriptions: [REQUEST] },
      shortest: `82 08 00 01 00 03 "a/+" 01`,
    },
    {
      name: "all options and properties",
      versions: [5],
      bytes: `82 14          # SUBSCRIBE, 20 bytes
              00 01          # packet identifier
              0c             # properties, 12 bytes
              0b 80 01       # subscription identifier
              26 00 01 "a" 00 03 "b c" # user property
              00 02 "$a"     # filter
              2e             # Retain Handling 2, Retain As Published, No Local, QoS 2`,
      packet: {
        type: "subscribe",
        packetId: 1,
        properties: { subscriptionIdentifiers: [128], userProperties: [["a", "b c"]] },
        subscriptions: [{
          filter: "$a",
          qos: 2,
          noLocal: true,
          retainAsPublished: true,
          retainHandling: 2,
        }],
      },
    },
  ],
  invalid: [
    {
      name: "fixed header flags other than 0010",
      versions: [3, 4, 5],
      bytes: `80 08 00 01 00 03 "a/+" 01`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-3.8.1-1",
    },
    {
      name: "DUP",
      versions: [4, 5],
      bytes: `8a 08 00 01 00 03 "a/+" 01`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-3.8.1-1",
    },
    {
      name: "packet identifier 0",
      versions: [3, 4, 5],
      bytes: `82 08 00 00 00 03 "a/+" 01`,
      error: "MalformedPacketError",
      offset: 0,
      clause: "MQTT-2.2.1-3",
    },
    {
      name: "no filter",
      versions: [3, 4],
      bytes: `82 02 00 01`,
      error: "ProtocolError",
      offset: 2,
      clause: "MQTT-3.8.3-2",
    },
    {
      name: "no filter",
      versions: [5],
      bytes: `82 03 00 01 00`,
      error: "ProtocolError",
      offset: 3,
      clause: "MQTT-3.8.3-2",
    },
    {
      name: "QoS 3",
      versions: [3, 4],
      bytes: `82 08 00 01 00 03 "a/+" 03`,
      error: "MalformedPacketError",
      offset: 7,
      clause: "§3.8.3.1",
    },
    {
      name: "options of 5.0",
      versions: [3, 4],
      bytes: `82 08 00 01 00 03 "a/+" 04`,
      error: "MalformedPacketError",
      offset: 7,
      clause: "3.1.1 MQTT-3.8.3-4",
    },
    {
      name: "reserved options",
      versions: [5],
      bytes: `82 09 00 01 00 00 03 "a/+" 40`,
      error: "MalformedPacketError",
      offset: 8,
      clause: "MQTT-3.8.3-5",
    },
    {
      name: "Retain Handling 3",
      versions: [5],
      bytes: `82 09 00 01 00 00 03 "a/+" 30`,
      error: "ProtocolError",
      offset: 8,
      clause: "§3.8.3.1",
    },
    {
      name: "No Local on a shared subscription",
      versions: [5],
      bytes: `82 0f 00 01 00 00 09 "$share/g/" 04`,
      error: "ProtocolError",
      offset: 14,
      clause: "MQTT-3.8.3-4",
    },
    {
      name: "a filter without options",
      versions: [3, 4],
      bytes: `82 07 00 01 00 03 "a/+"`,
      error: "MalformedPacketError",
      offset: 7,
      clause: "§1.5",
    },
    {
      name: "an ill-formed filter [MQTT-3.8.3-1]",
      versions: [3, 4],
      bytes: `82 07 00 01 00 02 80 80 00`,
      error: "MalformedPacketError",
      offset: 4,
      clause: "MQTT-1.5.4-1",
    },
    {
      name: "two subscription identifiers",
      versions: [5],
      bytes: `82 0d 00 01 04 0b 01 0b 02 00 03 "a/+" 00`,
      error: "ProtocolError",
      offset: 5,
      clause: "§2.2.2.2",
    },
    {
      name: "a subscription identifier that is longer than it need be",
      versions: [5],
      bytes: `82 0c 00 01 03 0b 81 00 00 03 "a/+" 00`,
      error: "MalformedPacketError",
      offset: 4,
      clause: "MQTT-1.5.5-1",
    },
  ],
};
