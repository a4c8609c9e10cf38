import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  type GlobalValues,
  LIMIT_OPTIONS,
  type ListenerValues,
  type SecurityValues,
} from "../options/options.ts";
import { logType } from "../options/log_options.ts";
import { parse, problemsOf } from "../testdata/conf.ts";
import { BARRED_WORDS, IDLE_WORDS } from "../options/words.ts";

/** A good value, what it means, and values that are none; an empty one never is. */
type Case = [good: string, meaning: unknown, ...bad: string[]];

const GLOBAL: Record<keyof GlobalValues, Case[]> = {
  per_listener_settings: [["true", true, "yes"], ["0", false, "True"]],
  connection_messages: [["false", false, "no"]],
  log_dest: [
    ["stdout", [{ to: "stdout" }], "dlt", "file", "std"],
    ["syslog", [{ to: "syslog" }]],
    ["stderr", [{ to: "stderr" }]],
    ["topic", [{ to: "topic" }]],
    ["none", []],
    ["file /var/log/a b.log", [{ to: "file", path: "/var/log/a b.log" }]],
  ],
  log_timestamp: [["false", false, "2"]],
  log_timestamp_format: [["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S"]],
  log_type: [
    ["all", logType.parse("all", undefined), "everything"],
    ["none", []],
    ["debug", ["debug"]],
  ],
  log_facility: [["0", 0, "8", "-1", "local0"], ["7", 7]],
  fairway_log_format: [["json", "json", "xml"], ["text", "text"]],
  fairway_presence: [["true", true, "on"]],
  fairway_delayed: [["true", true, "on"]],
  fairway_retain_expiry: [
    ["7d sensors/#", [{ filter: "sensors/#", seconds: 604_800 }], "7d", "7 a", "7d a/#/b", "0s a"],
    ["never a b", [{ filter: "a b", seconds: 0 }], "never $share/g/a"],
  ],
  fairway_native_sockets: [["true", true, "on"]],
  fairway_native_backlog: [["128", 128, "0", "65536", "long"]],
  fairway_native_reuse_port: [["true", true, "on"]],
  fairway_native_user_timeout_ms: [["30000", 30_000, "-1", "30s"], ["0", 0]],
  fairway_workers: [["1", 1, "0", "65", "many"]],
  pid_file: [["/run/mosquitto.pid", "/run/mosquitto.pid"]],
  user: [["mosquitto", "mosquitto"]],
  sys_interval: [["0", 0, "-1", "65536", "x", "1.5"], ["65535", 65_535]],
  persistence: [["true", true, "on"]],
  persistence_location: [["/var/lib/mosquitto/", "/var/lib/mosquitto/"]],
  persistent_client_expiration: [
    ["2h", 7200, "2", "2s", "0d", "-1d", "h"],
    ["3d", 259_200],
    ["1w", 604_800],
    ["1m", 2_592_000],
    ["1y", 31_536_000],
  ],
  queue_qos0_messages: [["true", true, "t"]],
  upgrade_outgoing_qos: [["1", true, "2"]],
  retain_available: [["false", false, "never"]],
  set_tcp_nodelay: [["true", true, "nodelay"]],
  max_inflight_messages: [["0", 0, "-1", "65536", "many"], ["65535", 65_535]],
  max_queued_messages: [["1000", 1000, "-1", "some"], ["0", 0]],
  max_queued_bytes: [["0", 0, "-1", "1k"]],
  max_packet_size: [["20", 20, "19", "268435461", "big"], ["268435460", 268_435_460]],
  message_size_limit: [["0", 0, "-1", "268435456"], ["268435455", 268_435_455]],
  clientid_prefixes: [["secure-", "secure-"]],
  memory_limit: [["0", 0, "-1"], ["1048576", 1_048_576]],
  max_keepalive: [["10", 10, "9", "65536", "0"], ["65535", 65_535]],
  global_max_connections: [["100", 100, "-2", "all"], ["-1", -1]],
  global_max_clients: [["100", 100, "-2", "all"]],
  fairway_data_dir: [["/var/lib/fairway", "/var/lib/fairway"]],
  fairway_strict_store: [["true", true, "x"]],
  fairway_overflow: [["end-session", "end-session", "drop"], ["drop-oldest", "drop-oldest"]],
};

const SECURITY: Record<keyof SecurityValues, Case[]> = {
  allow_anonymous: [["true", true, "maybe"], ["false", false]],
  password_file: [["/etc/mosquitto/passwd", "/etc/mosquitto/passwd"]],
  acl_file: [["/etc/mosquitto/my acl", "/etc/mosquitto/my acl"]],
  allow_zero_length_clientid: [["false", false, "none"]],
  auto_id_prefix: [["auto-", "auto-"]],
  fairway_scram_file: [["/etc/fairway/scram", "/etc/fairway/scram"]],
  fairway_dynamic_security_file: [["/etc/fairway/dynsec.json", "/etc/fairway/dynsec.json"]],
  fairway_jwt_secret_file: [["/etc/fairway/secret", "/etc/fairway/secret"]],
  fairway_jwt_key_file: [["/etc/fairway/key.pem", "/etc/fairway/key.pem"]],
  fairway_jwt_jwks_file: [["/etc/fairway/keys.json", "/etc/fairway/keys.json"]],
  fairway_jwt_jwks_url: [["https://a.org/keys", "https://a.org/keys", "a.org", "ftp://a.org/b"]],
  fairway_jwt_issuer: [["https://a.org", ["https://a.org"]]],
  fairway_jwt_audience: [["mqtt", ["mqtt"]]],
  fairway_jwt_username_claim: [["name", "name"]],
  fairway_jwt_acl_claim: [["acl", "acl"]],
  fairway_jwt_token_in: [["username", "username", "header"]],
  fairway_http_auth_url: [["http://[::1]:8080/a", "http://[::1]:8080/a", "localhost:8080"]],
  fairway_http_acl_url: [["http://127.0.0.1/b", "http://127.0.0.1/b", "/b"]],
  fairway_http_timeout_ms: [["100", 100, "0", "1s"]],
  fairway_http_fail_open: [["true", true, "open"]],
};

const LISTENER: Record<keyof ListenerValues, Case[]> = {
  protocol: [["mqtt", "mqtt", "mqttsn", "http", "MQTT"], ["websockets", "websockets"]],
  bind_interface: [["lo", "lo"]],
  socket_domain: [["ipv4", "ipv4", "ipv5", "unix"], ["ipv6", "ipv6"]],
  max_connections: [["-1", -1, "-2", "unlimited"], ["0", 0]],
  max_qos: [["0", 0, "-1", "3"], ["2", 2]],
  max_topic_alias: [["65535", 65_535, "-1", "65536"], ["0", 0]],
  mount_point: [["site/", "site/", "site/#", "site/+/"]],
  accept_protocol_versions: [["4, 5", ["4", "5"], "6", "3.1", ","], ["3", ["3"]]],
  listener_allow_anonymous: [["true", true, "x"]],
  listener_auto_id_prefix: [["web-", "web-"]],
  use_identity_as_username: [["false", false, "cn"]],
  use_subject_as_username: [["false", false, "dn"]],
  use_username_as_clientid: [["true", true, "x"]],
  cafile: [["/etc/ca.pem", "/etc/ca.pem"]],
  capath: [["/etc/ca", "/etc/ca"]],
  certfile: [["/etc/cert.pem", "/etc/cert.pem"]],
  keyfile: [["/etc/key.pem", "/etc/key.pem"]],
  require_certificate: [["false", false, "x"]],
  crlfile: [["/etc/crl.pem", "/etc/crl.pem"]],
  tls_version: [["tlsv1.2", "tlsv1.2", "tlsv1.1", "tlsv1", "1.2"], ["tlsv1.3", "tlsv1.3"]],
  http_dir: [["/usr/share/mosquitto/dashboard", "/usr/share/mosquitto/dashboard"]],
  fairway_admin_tokens: [["/etc/fairway/tokens", "/etc/fairway/tokens"]],
  fairway_admin_allow_anonymous: [["true", true, "yes"], ["0", false]],
  fairway_admin_host: [["mqtt.example.org", ["mqtt.example.org"]]],
  websockets_origin: [["https://example.org", ["https://example.org"]]],
  fairway_forwarded_for_from: [["127.0.0.1", ["127.0.0.1"], "proxy", "1.2.3"]],
  fairway_proxy_from: [
    ["10.0.0.0/8", ["10.0.0.0/8"], "10.0.0.0/33", "10.0.0.256", "any", "10.0.0.0/", "/8"],
    ["fd00::/64", ["fd00::/64"], "fd00::/129", "fd00::g"],
  ],
  fairway_proxy_others: [["refuse", "refuse", "yes"]],
  fairway_lenient: [["true", true, "x"]],
  fairway_refuse_control_characters: [["true", true, "x"]],
  fairway_socket_mode: [["0660", 0o660, "rw", "888", "99999"], ["600", 0o600]],
  fairway_websockets_path: [["/mqtt", "/mqtt", "mqtt"]],
};

/** What a word needs around it before it makes sense. */
const CONTEXT: Record<string, string> = {
  cafile: "certfile c\nkeyfile k\n",
  capath: "certfile c\nkeyfile k\n",
  tls_version: "certfile c\nkeyfile k\n",
  crlfile: "certfile c\nkeyfile k\ncafile a\n",
  certfile: "keyfile k\n",
  keyfile: "certfile c\n",
  fairway_forwarded_for_from: "protocol websockets\n",
  fairway_jwt_issuer: "fairway_jwt_key_file k\n",
  fairway_jwt_audience: "fairway_jwt_key_file k\n",
  fairway_jwt_username_claim: "fairway_jwt_key_file k\n",
  fairway_jwt_acl_claim: "fairway_jwt_key_file k\n",
  fairway_jwt_token_in: "fairway_jwt_key_file k\n",
  fairway_http_timeout_ms: "fairway_http_acl_url http://a/\n",
  fairway_http_fail_open: "fairway_http_acl_url http://a/\n",
  fairway_data_dir: "persistence true\n",
  http_dir: "protocol http_api\n",
  fairway_admin_tokens: "protocol http_api\n",
  fairway_admin_allow_anonymous: "protocol http_api\n",
  fairway_admin_host: "protocol http_api\n",
  websockets_origin: "protocol websockets\n",
  fairway_websockets_path: "protocol websockets\n",
};

function before(word: string): string {
  const where = { fairway_socket_mode: "0 /tmp/a.sock" }[word] ?? "1883 127.0.0.1";
  const listener = `listener ${where}`;
  return `${listener}\n${CONTEXT[word] ?? ""}`;
}

for (const [word, cases] of Object.entries({ ...GLOBAL, ...SECURITY, ...LISTENER })) {
  Deno.test(`${word} takes what it should, and tells what is wrong otherwise`, async () => {
    for (const [good, meaning, ...bad] of cases) {
      const text = word === "per_listener_settings" ? "" : before(word);
      const { global, listeners } = await parse(`${text}${word} ${good}\n`);
      const [listener] = listeners;
      const values = { ...global, ...listener!.security, ...listener!.settings };
      assertEquals(values[word as keyof typeof values], meaning);
      for (const value of ["", ...bad]) {
        const problems = await problemsOf(`${text}${word} ${value}\n`);
        const line = text.split("\n").length;
        assertEquals(problems.length, 1, `${word} ${value}: ${problems.join("; ")}`);
        assertMatch(problems[0]!, new RegExp(`^main\\.conf:${line}: ${word}: expects `));
        assert(problems[0]!.includes(value === "" ? "not nothing" : `not "${value}"`));
      }
    }
  });
}

Deno.test("limits of the broker have words of their own, with the ranges that they have there", async () => {
  const words = Object.keys(LIMIT_OPTIONS);
  assert(words.includes("fairway_limit_connect_timeout_ms"));
  assert(words.includes("fairway_limit_inflight_max"));
  for (const word of words) {
    assertEquals(await problemsOf(`${word} 1\n`), []);
    for (const bad of ["", "-1", "x", "1.5"]) {
      assertMatch((await problemsOf(`${word} ${bad}\n`)).join("\n"), /^main\.conf:1: \w+: expects/);
    }
  }
  const { limits } = await parse("fairway_limit_sessions_max 7\n");
  assertEquals(limits, { sessionsMax: 7 });
  const [problem] = await problemsOf("fairway_limit_receive_maximum 0\n");
  assertMatch(problem!, /^main\.conf:1: fairway_limit_receive_maximum: .* 1 to 65535$/);
});

Deno.test("a burst of 0 is a problem of its line, unless there is no limit on the rate", async () => {
  const none = "fairway_limit_address_connects_burst 0\n";
  const rate = "fairway_limit_address_connects_per_second_max";
  assertEquals(await problemsOf(`\n${none}`), [
    "main.conf:2: fairway_limit_address_connects_burst: 0 would refuse every connection while " +
    `${rate} is 500; give 1 or more, or ${rate} 0 for no limit`,
  ]);
  assertEquals(await problemsOf(`${none}${rate} 0\n`), []);
});

for (const [word, advice] of Object.entries(BARRED_WORDS)) {
  Deno.test(`${word}, which Fairway has not, stops the start and tells what to do`, async () => {
    const whole = word.endsWith("_") ? `${word}any` : word;
    assertEquals(await problemsOf(`listener 1883\n${whole} 1\n`), [
      `main.conf:2: ${whole}: ${advice}`,
    ]);
  });
}

Deno.test("words that change nothing are noted", async () => {
  for (const [word, why] of Object.entries(IDLE_WORDS)) {
    const { notes } = await parse(`allow_anonymous true\n${word} 1\n`);
    assertEquals(notes, [{ place: { file: "main.conf", line: 2 }, word, text: why }]);
  }
});
