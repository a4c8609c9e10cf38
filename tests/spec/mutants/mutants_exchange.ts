import type { Mutant } from "./mutant.ts";

/** Rules of acknowledgements, of bridges and of wills of clients that fall silent. */
export const EXCHANGE_MUTANTS: Mutant[] = [
  {
    rule: "a QoS 1 message is not acknowledged by PUBREC",
    file: "broker/session/inflight.ts",
    find: 'if (exchange.phase === "puback") throw misplaced("PUBREC", exchange);',
    replace: "",
    tests: ["traps/acknowledgements_test.ts"],
  },
  {
    rule: "a QoS 1 message is not acknowledged by PUBCOMP",
    file: "broker/session/inflight.ts",
    find: 'if (exchange.phase !== "pubcomp") throw misplaced("PUBCOMP", exchange);',
    replace: 'if (exchange.phase === "pubrec") throw misplaced("PUBCOMP", exchange);',
    tests: ["traps/acknowledgements_test.ts"],
  },
  {
    rule: "a QoS 2 message is not complete before it is released",
    file: "broker/session/inflight.ts",
    find: 'if (exchange.phase !== "pubcomp") throw misplaced("PUBCOMP", exchange);',
    replace: 'if (exchange.phase === "puback") throw misplaced("PUBCOMP", exchange);',
    tests: ["traps/acknowledgements_test.ts"],
  },
  {
    rule: "a QoS 2 message is not acknowledged by PUBACK",
    file: "broker/session/inflight.ts",
    find: 'if (exchange.phase !== "puback") throw misplaced("PUBACK", exchange);',
    replace: "",
    tests: ["traps/acknowledgements_test.ts"],
  },
  {
    rule: "a PUBREC of 0x80 and above is not answered by PUBREL",
    file: "broker/connection/handle_control.ts",
    find:
      "if (session.inflightMessages?.pubrec(packetId, reasonCode) || reasonCode >= 0x80) return;",
    replace: "if (session.inflightMessages?.pubrec(packetId, reasonCode)) return;",
    tests: ["traps/acknowledgements_test.ts"],
  },
  {
    rule: "in 3.1 the flags in the first byte of CONNECT are not used",
    file: "codec/connect.ts",
    find: 'if (version !== 3) expectFlags(first, 0, "MQTT-2.1.3-1");',
    replace: 'expectFlags(first, 0, "MQTT-2.1.3-1");',
    tests: ["v31_test.ts"],
  },
  {
    rule: "the flags in the first byte of a later CONNECT are 0",
    file: "codec/connect.ts",
    find: 'if (version !== 3) expectFlags(first, 0, "MQTT-2.1.3-1");',
    replace: "",
    tests: ["v5/packet_format_test.ts", "v311/headers_test.ts"],
  },
  {
    rule: "a client of a version that is not spoken is answered in a form that it can read",
    file: "codec/connect.ts",
    find: 'const answerVersion = name === "MQIsdp" ? 3 : answerVersionOf(level);',
    replace: "const answerVersion = 5 as ProtocolVersion;",
    tests: ["v31_test.ts", "v311/connect_test.ts", "v5/connect_header_test.ts"],
  },
  {
    rule: "a later version than is spoken is answered in the form of 3.1.1",
    file: "codec/connect.ts",
    find: 'const answerVersion = name === "MQIsdp" ? 3 : answerVersionOf(level);',
    replace:
      'const answerVersion = name === "MQIsdp" ? 3 : level > 5 ? 5 : answerVersionOf(level);',
    tests: ["v31_test.ts", "v311/connect_test.ts", "v5/connect_header_test.ts"],
  },
  {
    rule: "a bridge of 3.x is told by the highest bit of its level",
    file: "codec/connect.ts",
    find: "...level === version ? {} : { isBridge: true },",
    replace: "",
    tests: ["traps/bridges_test.ts"],
  },
  {
    rule: "the bit of a bridge belongs to the name of its version",
    file: "codec/connect.ts",
    find: 'if (name === "MQIsdp" && (level === 3 || level === (BRIDGE | 3))) return level;',
    replace: "if (level === 3 || level === (BRIDGE | 3)) return level;",
    tests: ["traps/bridges_test.ts"],
  },
  {
    rule: "a bridge of 3.x gets nothing back that it has sent",
    file: "broker/connection/handle_subscribe.ts",
    find: "noLocal: noLocal || (isBridge && !isShared),",
    replace: "noLocal,",
    tests: ["traps/bridges_test.ts"],
  },
  {
    rule: "a bridge of 3.x is sent RETAIN as it was published",
    file: "broker/connection/handle_subscribe.ts",
    find: "retainAsPublished: retainAsPublished || isBridge,",
    replace: "retainAsPublished,",
    tests: ["traps/bridges_test.ts"],
  },
  {
    rule: "the will of a silent client waits for none of its last bytes",
    file: "broker/connection/connection_end.ts",
    find: 'if (last !== "disconnect-last") this.#releaseSoon();',
    replace: "",
    tests: ["v5/connect_properties_test.ts"],
  },
  {
    rule: "a shared name comes with a filter",
    file: "router/topic.ts",
    find: 'return shared.filter === ""\n    ? "has no filter after its ShareName"\n    :',
    replace: 'return shared.filter === "" ? null :',
    tests: ["v5/shared_test.ts"],
  },
  {
    rule: "a shared name without a filter is malformed, not refused",
    file: "router/topic.ts",
    find: 'return (parseSharedFilter(filter)?.filter ?? filter) === "";',
    replace: 'return filter === "";',
    tests: ["v5/shared_test.ts"],
  },
];
