import { assert, assertEquals } from "@std/assert";
import { bridgeOptionsOf } from "./bridge_drafts.ts";
import { BRIDGE_OPTIONS } from "../options/bridge_words.ts";
import { printEffective } from "../effect/print.ts";
import { notesOf, parse, problemsOf } from "../testdata/conf.ts";

const ONE = "connection one\naddress example.org\ntopic a/#\n";

Deno.test("lines after connection add up to a bridge, with mosquitto's defaults", async () => {
  const { bridges } = await parse(ONE);
  assertEquals(bridgeOptionsOf(bridges[0]!, null, null), {
    name: "one",
    addresses: ["example.org"],
    topics: [{
      pattern: "a/#",
      direction: "out",
      qos: 0,
      localPrefix: "",
      remotePrefix: "",
      place: "main.conf:3: topic a/#",
    }],
    protocolVersion: 4,
    cleanSession: false,
    startType: "automatic",
    threshold: 10,
    idleTimeoutSeconds: 60,
    restart: { baseSeconds: 5, capSeconds: 30, stableSeconds: 0 },
    roundRobin: false,
    keepAliveSeconds: 60,
    notifications: true,
    notificationsLocalOnly: false,
    tryPrivate: true,
    attemptUnsubscribe: true,
    packetBytesMax: 0,
    outgoingRetain: true,
    topicAliasMax: 10,
    reloadType: "lazy",
    messagesPerSecondMax: 0,
  });
});

/** A value of each word, in mosquitto's language, and the option that comes of it. */
const VALUES: [string, string, unknown][] = [
  ["address 10.0.0.1:1884", "addresses", ["example.org", "10.0.0.1:1884"]],
  ["addresses ::1:1883 wss://example.org/mqtt", "addresses", [
    "example.org",
    "::1:1883",
    "wss://example.org/mqtt",
  ]],
  ["bridge_protocol_version mqttv31", "protocolVersion", 3],
  ["bridge_protocol_version mqttv311", "protocolVersion", 4],
  ["bridge_protocol_version mqttv50", "protocolVersion", 5],
  ["cleansession true", "cleanSession", true],
  ["local_cleansession true", "localCleanSession", true],
  ["start_type lazy", "startType", "lazy"],
  ["start_type once", "startType", "once"],
  ["threshold 3", "threshold", 3],
  ["idle_timeout 9", "idleTimeoutSeconds", 9],
  ["restart_timeout 20", "restart", { baseSeconds: 20, capSeconds: 20, stableSeconds: 0 }],
  ["restart_timeout 10 60", "restart", { baseSeconds: 10, capSeconds: 60, stableSeconds: 0 }],
  ["restart_timeout 10 60 30", "restart", { baseSeconds: 10, capSeconds: 60, stableSeconds: 30 }],
  ["round_robin true", "roundRobin", true],
  ["keepalive_interval 5", "keepAliveSeconds", 5],
  ["notifications false", "notifications", false],
  ["notifications_local_only true", "notificationsLocalOnly", true],
  ["notification_topic bridges/one", "notificationTopic", "bridges/one"],
  ["try_private false", "tryPrivate", false],
  ["remote_clientid me", "remoteClientId", "me"],
  ["clientid me", "remoteClientId", "me"],
  ["remote_username me", "remoteUsername", "me"],
  ["username me", "remoteUsername", "me"],
  ["remote_username me\nremote_password a b", "remotePassword", "a b"],
  ["username me\npassword a b", "remotePassword", "a b"],
  ["local_clientid me", "localClientId", "me"],
  ["local_username me", "localUsername", "me"],
  ["bridge_attempt_unsubscribe false", "attemptUnsubscribe", false],
  ["bridge_bind_address 127.0.0.2", "bindAddress", "127.0.0.2"],
  ["bridge_max_packet_size 100", "packetBytesMax", 100],
  ["bridge_max_topic_alias 0", "topicAliasMax", 0],
  ["bridge_outgoing_retain false", "outgoingRetain", false],
  ["bridge_receive_maximum 7", "receiveMaximum", 7],
  ["bridge_reload_type immediate", "reloadType", "immediate"],
  ["bridge_session_expiry_interval 63", "sessionExpirySeconds", 63],
  ["bridge_tcp_keepalive 30 5 5", "tcpKeepAliveSeconds", 30],
  ["bridge_tcp_user_timeout 9000", "answerTimeoutMs", 9000],
  ["fairway_bridge_proxy http://proxy:3128", "proxy", "http://proxy:3128"],
  ["fairway_bridge_messages_per_second 50", "messagesPerSecondMax", 50],
];

for (const [lines, option, value] of VALUES) {
  Deno.test(`a bridge takes ${lines.replace("\n", ", ")}`, async () => {
    const { bridges } = await parse(ONE + lines);
    const options = bridgeOptionsOf(bridges[0]!, null, null);
    assertEquals(options[option as keyof typeof options], value);
  });
}

Deno.test("TLS of one address does not turn it on for another one without a scheme", async () => {
  const text = `${ONE}addresses mqtts://a ::1:1883 b\n`;
  for (
    const [more, expected] of [
      ["bridge_insecure true", [
        "mqtt://example.org:1883",
        "mqtts://a",
        "mqtt://[::1]:1883",
        "mqtt://b:1883",
      ]],
      ["bridge_cafile x", ["example.org", "mqtts://a", "::1:1883", "b"]],
    ] as const
  ) {
    const { bridges } = await parse(text + more);
    assertEquals(bridgeOptionsOf(bridges[0]!, {}, null).addresses, [...expected]);
  }
});

Deno.test("a bridge has as many messages in flight as max_inflight_messages, unless it says otherwise", async () => {
  const { bridges } = await parse(`${ONE}connection two\naddress a\nbridge_receive_maximum 7`);
  assertEquals(bridges.map((one) => bridgeOptionsOf(one, null, 50).receiveMaximum), [50, 7]);
});

const TOPICS: [string, Record<string, unknown>][] = [
  ["a/#", { pattern: "a/#", direction: "out", qos: 0 }],
  ["a both 2", { pattern: "a", direction: "both", qos: 2 }],
  ['a in 1 L/ ""', { pattern: "a", direction: "in", qos: 1, localPrefix: "L/" }],
  ['"" out 1 here there', { pattern: "", localPrefix: "here", remotePrefix: "there" }],
  ['"a b/#" out 0', { pattern: "a b/#" }],
  ["# both 2 local/ remote/", { localPrefix: "local/", remotePrefix: "remote/" }],
  ["a out # as a comment", { pattern: "a", direction: "out", qos: 0 }],
];

for (const [text, expected] of TOPICS) {
  Deno.test(`a bridge takes topic ${text}`, async () => {
    const { bridges } = await parse(`connection one\naddress a\ntopic ${text}`);
    const topic = bridges[0]!.settings.topic[0]!;
    assertEquals({ ...topic, ...expected }, topic);
  });
}

const FAULTS: [string, string][] = [
  ["topic a", "main.conf:1: topic: needs a bridge: put a line such as connection plant before it"],
  ["connection", "main.conf:1: connection: expects the name of a bridge, not nothing"],
  [
    "connection a",
    'main.conf:1: connection: "a" needs an address: put a line such as address example.org',
  ],
  [`${ONE}${ONE}`, 'main.conf:4: connection: "one" was given already at main.conf:1'],
  [`${ONE}topic a up`, 'main.conf:4: topic: expects out, in or both, not "up"'],
  [`${ONE}topic a in 3`, 'main.conf:4: topic: expects a QoS of 0, 1 or 2, not "3"'],
  [
    `${ONE}topic a in 1 L/ R/ more`,
    'main.conf:4: topic: expects nothing behind the remote prefix, not "more"',
  ],
  [
    `${ONE}topic "" in 1 L/`,
    "main.conf:4: topic: an empty pattern needs both a local and a remote prefix",
  ],
  [`${ONE}topic a in 1 +/`, "main.conf:4: topic: the local prefix must have no + and #"],
  [
    `${ONE}topic # out 1 "" \${1}/`,
    "main.conf:4: topic: ${1} stands for a + of the pattern, which has none",
  ],
  [
    `${ONE}address http://x`,
    'main.conf:4: address: expects host, host:port or a URL such as wss://example.org/mqtt, or several of them, not "http://x"',
  ],
  [
    `${ONE}keepalive_interval 4`,
    'main.conf:4: keepalive_interval: expects a whole number from 5 to 65535, not "4"',
  ],
  [
    `${ONE}restart_timeout 60 10`,
    "main.conf:4: restart_timeout: expects a number of seconds from 1 to 3600, or the shortest and the longest wait, up to 7200, " +
    'and maybe how long a connection must last, not "60 10"',
  ],
  [
    `${ONE}bridge_tcp_keepalive 30`,
    'main.conf:4: bridge_tcp_keepalive: expects three numbers of 1 or more: seconds of silence, seconds between probes, probes, not "30"',
  ],
  [`${ONE}remote_password x`, "main.conf:4: remote_password: needs a remote_username beside it"],
  [
    `${ONE}bridge_psk 00`,
    "main.conf:4: bridge_psk: Fairway has no pre-shared keys: use bridge_cafile, and remote_password or " +
    "bridge_certfile and bridge_keyfile",
  ],
  [
    `${ONE}bridge_certfile x`,
    "main.conf:4: bridge_certfile: needs both bridge_certfile and bridge_keyfile\n" +
    "main.conf:4: bridge_certfile: needs TLS: give a bridge_cafile, or bridge_tls_use_os_certs true",
  ],
  [
    `${ONE}bridge_require_ocsp true`,
    "main.conf:4: bridge_require_ocsp: Deno cannot ask for OCSP: leave it out, or set it to false",
  ],
  [
    `${ONE}local_clientid x\nconnection two\naddress a\nlocal_clientid x`,
    'main.conf:4: local_clientid: "x" is that of "two" as well\nmain.conf:7: local_clientid: "x" is that of "one" as well',
  ],
  [
    `${ONE}remote_clientid x\nconnection two\naddress a\nremote_clientid x`,
    'main.conf:1: local_clientid: "local.x" is that of "two" as well\nmain.conf:5: local_clientid: "local.x" is that of "one" as well',
  ],
  [
    `${ONE}local_clientid x\nremote_clientid x`,
    "main.conf:4: local_clientid: must differ from the remote_clientid",
  ],
];

for (const [text, fault] of FAULTS) {
  Deno.test(`a bridge is refused: ${fault.split("\n")[0]!.slice(0, 90)}`, async () => {
    assertEquals((await problemsOf(text)).join("\n"), fault);
  });
}

Deno.test("what Deno cannot do for a bridge is noted, and does not stop the start", async () => {
  const notes = await notesOf(
    `${ONE}local_password x\nbridge_tcp_keepalive 1 2 3`,
  );
  assertEquals(notes.map((note) => note.split(" ").slice(0, 2).join(" ")), [
    "4 local_password",
    "5 bridge_tcp_keepalive",
  ]);
});

Deno.test("a bridge of an included file does not take lines of the file around it", async () => {
  const { bridges } = await parse({
    "main.conf": `${ONE}include_dir d\ntopic b/#\n`,
    "d/a.conf": "connection two\naddress b\ntopic c/#\n",
  });
  assertEquals(bridges.map(({ settings }) => settings.topic.map(({ pattern }) => pattern)), [
    ["a/#", "b/#"],
    ["c/#"],
  ]);
});

Deno.test("the bridges in effect are printed as a configuration, without their passwords", async () => {
  const text = `${ONE}topic "" both 2 l r\nremote_username u\nremote_password secret\n` +
    "restart_timeout 3 9\nbridge_tcp_keepalive 1 2 3\n";
  const printed = printEffective(await parse(text));
  assert(!printed.includes("secret"), printed);
  const again = (await parse(printed)).bridges[0]!.settings;
  const { settings } = (await parse(text)).bridges[0]!;
  const bare = (topics: typeof settings.topic) => topics.map(({ place: _, ...topic }) => topic);
  assertEquals(
    { ...again, topic: bare(again.topic) },
    { ...settings, topic: bare(settings.topic), remote_password: null },
  );
});

Deno.test("every word of a bridge has a default that can be printed", async () => {
  const { bridges } = await parse(ONE);
  assertEquals(Object.keys(bridges[0]!.settings).sort(), Object.keys(BRIDGE_OPTIONS).sort());
});
