import { assertEquals } from "@std/assert";
import { notesOf, parse, problemsOf } from "../testdata/conf.ts";

/** Where each listener of a configuration is. */
async function places(text: string | Record<string, string>): Promise<string[]> {
  const { listeners } = await parse(text);
  return listeners.map(({ port, host, path }) => `${port} ${path ?? host ?? "*"}`);
}

Deno.test("parseConfiguration() opens 1883 on this machine only, to anyone, when nothing is said", async () => {
  const { listeners } = await parse("");
  assertEquals(listeners.map(({ port, host }) => `${port} ${host}`), [
    "1883 127.0.0.1",
    "1883 ::1",
  ]);
  assertEquals(listeners.map(({ security }) => security.allow_anonymous), [true, true]);
});

Deno.test("parseConfiguration() takes a port, a port and an address, and a Unix socket", async () => {
  assertEquals(
    await places(
      "listener 1883\nlistener 1884 127.0.0.1\nlistener 1885 ::1\nlistener 0 /run/a b.sock",
    ),
    ["1883 *", "1884 127.0.0.1", "1885 ::1", "0 /run/a b.sock"],
  );
  // Not in mosquitto, where port 0 is a Unix socket only.
  assertEquals(await places("listener 0 127.0.0.1\nlistener 0 ::"), ["0 127.0.0.1", "0 ::"]);
});

for (const bad of ["", "x", "65536", "-1", "1883x", "0"]) {
  Deno.test(`parseConfiguration() refuses listener ${bad}`, async () => {
    const [problem, ...more] = await problemsOf(`listener ${bad}`);
    assertEquals([problem?.startsWith("main.conf:1: listener: expects"), more], [true, []]);
  });
}

Deno.test("parseConfiguration() lets nobody in without a name once a listener is given", async () => {
  const { listeners } = await parse("listener 1883");
  assertEquals(listeners[0]!.security.allow_anonymous, false);
  assertEquals(await notesOf("listener 1883"), [
    "1 listener nobody may connect: there are no accounts, such as a password_file, and allow_anonymous is false",
  ]);
});

Deno.test("parseConfiguration() takes port and bind_address for the default listener", async () => {
  assertEquals(await places("port 1884"), ["1884 *"]);
  assertEquals(await places("bind_address ::1"), ["1883 ::1"]);
  assertEquals(await places("port 1884\nport 1885\nbind_address 127.0.0.1"), ["1885 127.0.0.1"]);
  assertEquals(await places("port 1884\nlistener 1885"), ["1885 *", "1884 *"]);
  assertEquals(
    (await notesOf("allow_anonymous true\nport 1884"))[0],
    "2 port is outdated: write listener 1884",
  );
  assertEquals(await problemsOf("port 0\nport x\nport"), [
    'main.conf:1: port: expects a port from 1 to 65535, not "0"',
    'main.conf:2: port: expects a port from 1 to 65535, not "x"',
    'main.conf:3: port: expects a port from 1 to 65535, not ""',
  ]);
  assertEquals(await problemsOf("bind_address a\nbind_address b"), [
    "main.conf:2: bind_address: was given already",
  ]);
});

Deno.test("parseConfiguration() opens the default listener for what is said of it, as mosquitto does", async () => {
  const opening = ["max_connections 5", "max_qos 1", "socket_domain ipv4", "bind_interface lo"];
  for (const line of [...opening, "protocol websockets", "use_username_as_clientid true"]) {
    assertEquals(await places(`${line}\nlistener 1884`), ["1884 *", "1883 *"], line);
  }
  const modest = ["max_connections -1", "max_topic_alias 3", "protocol mqtt", "max_keepalive 60"];
  for (const line of [...modest, "password_file x", "allow_zero_length_clientid false"]) {
    assertEquals(await places(`${line}\nlistener 1884`), ["1884 *"], line);
    assertEquals((await places(line)).length, 2, line);
  }
  assertEquals(await places("per_listener_settings true\npassword_file x"), ["1883 *"]);
  assertEquals(await problemsOf("mount_point a/\nlistener 1884"), [
    "main.conf:1: mount_point: needs a listener: put a line such as listener 1883 before it",
  ]);
});

Deno.test("parseConfiguration() gives words of a listener to the one begun last", async () => {
  const { listeners } = await parse(
    "listener 1\nmax_qos 1\nlistener 2\nmax_qos 0\nmax_connections 9",
  );
  assertEquals(
    listeners.map(({ settings }) => [settings.max_qos, settings.max_connections]),
    [[1, -1], [0, 9]],
  );
});

Deno.test("parseConfiguration() shares who may among all listeners", async () => {
  const { listeners } = await parse(
    "listener 1\npassword_file p\nlistener 2\nallow_anonymous true",
  );
  for (const { security } of listeners) {
    assertEquals([security.password_file, security.allow_anonymous], ["p", true]);
  }
  assertEquals(await problemsOf("listener 1\npassword_file p\nlistener 2\npassword_file q"), [
    "main.conf:4: password_file: was given already at main.conf:2",
  ]);
});

Deno.test("parseConfiguration() keeps who may apart with per_listener_settings", async () => {
  const { listeners } = await parse(
    "per_listener_settings true\nlistener 1\npassword_file p\nlistener 2\nallow_anonymous true",
  );
  assertEquals(
    listeners.map(({ security }) => [security.password_file, security.allow_anonymous]),
    [["p", false], [null, true]],
  );
});

Deno.test("per_listener_settings must stand before the words that it is about", async () => {
  assertEquals(await problemsOf("listener 1\nacl_file a\nper_listener_settings true"), [
    "main.conf:3: per_listener_settings: must stand before acl_file, which is at main.conf:2",
  ]);
  assertEquals(await problemsOf("acl_file a\nper_listener_settings false"), []);
});

Deno.test("parseConfiguration() lets the last number or truth value hold, and takes a text once", async () => {
  const { global } = await parse(
    "sys_interval 3\nsys_interval 4\npersistence true\npersistence false",
  );
  assertEquals([global.sys_interval, global.persistence], [4, false]);
  assertEquals(await problemsOf("pid_file a\npid_file b"), [
    "main.conf:2: pid_file: was given already at main.conf:1",
  ]);
});

Deno.test("parseConfiguration() takes one word, and tells that it is one", async () => {
  const { global } = await parse("sys_interval  5 # seconds\nlog_type error\n");
  assertEquals(global.sys_interval, 5);
  assertEquals(await notesOf("log_type error warning"), [
    '1 log_type takes one value; "warning" has no effect',
  ]);
});

Deno.test("log_type and log_dest add up, and none takes away", async () => {
  const { global } = await parse("log_type error\nlog_type debug\nlog_dest stdout\nlog_dest topic");
  assertEquals(global.log_type, ["debug", "error"]);
  assertEquals(global.log_dest, [{ to: "stdout" }, { to: "topic" }]);
  const none = await parse("log_type all\nlog_type none\nlog_dest stdout\nlog_dest none");
  assertEquals([none.global.log_type, none.global.log_dest], [[], []]);
});

Deno.test("an unknown word is told with the one that was probably meant", async () => {
  assertEquals(
    await problemsOf("allow_anonymus true\nlisten 1883\nMAX_QOS 1\nxyzzy 1\nwebsocket_origin x"),
    [
      "main.conf:1: allow_anonymus: is not an option: did you mean allow_anonymous?",
      "main.conf:2: listen: is not an option: did you mean listener?",
      "main.conf:3: MAX_QOS: is not an option: did you mean max_qos?",
      "main.conf:4: xyzzy: is not an option",
      "main.conf:5: websocket_origin: is not an option: did you mean websockets_origin?",
    ],
  );
});

Deno.test("every problem is told at once", async () => {
  assertEquals((await problemsOf("listener x\nmax_qos 5\nplugin a.so\nfoo 1")).length, 4);
});

for (
  const [text, problem] of [
    ["listener 1\ncafile a", "2: cafile: the listener would not be encrypted"],
    ["cafile a\nlistener 1", "1: cafile: the listener would not be encrypted"],
    ["listener 1\nrequire_certificate true\ncafile a", "3: cafile: the listener would not be"],
    ["listener 1\ntls_version tlsv1.3", "2: tls_version: the listener would not be encrypted"],
    ["listener 1\nuse_identity_as_username true", "2: use_identity_as_username: the listener"],
    ["listener 1\ncertfile a", "2: certfile: needs a keyfile"],
    ["listener 1\nkeyfile a", "2: keyfile: needs a certfile"],
    [
      "listener 1\ncertfile a\nkeyfile b\nrequire_certificate true",
      "4: require_certificate: needs a",
    ],
    ["listener 1\ncertfile a\nkeyfile b\ncrlfile c", "4: crlfile: needs a cafile"],
    ["fairway_jwt_issuer a", "1: fairway_jwt_issuer: needs one of fairway_jwt_secret_file"],
    ["fairway_jwt_key_file a\nfairway_jwt_jwks_file b", "2: fairway_jwt_jwks_file: is one too"],
    ["fairway_http_fail_open true", "1: fairway_http_fail_open: needs fairway_http_auth_url"],
    ["fairway_data_dir /a", "1: fairway_data_dir: needs persistence true"],
    ["listener 0 /a\nprotocol websockets", "2: protocol: is not for a Unix socket"],
    ["listener 0 /a\nbind_interface lo", "2: bind_interface: is not for a Unix socket"],
    ["listener 0 /a\nsocket_domain ipv4", "2: socket_domain: is not for a Unix socket"],
    ["listener 1\nfairway_socket_mode 660", "2: fairway_socket_mode: is for a Unix socket only"],
    ["listener 1\nfairway_forwarded_for_from ::1", "2: fairway_forwarded_for_from: is for"],
    ["listener 1\nfairway_proxy_others direct", "2: fairway_proxy_others: needs fairway_proxy"],
    ["listener 0 /a\nfairway_proxy_from ::1", "2: fairway_proxy_from: is not for a Unix socket"],
    ["listener 1\nwebsockets_origin a", "2: websockets_origin: is for protocol websockets"],
    ["listener 1\nfairway_websockets_path /a", "2: fairway_websockets_path: is for protocol web"],
  ] as const
) {
  Deno.test(`what does not go together is refused: ${text.replaceAll("\n", ", ")}`, async () => {
    const problems = await problemsOf(text);
    assertEquals(problems.length, 1, problems.join("\n"));
    assertEquals(problems[0]!.startsWith(`main.conf:${problem}`), true, problems[0]);
  });
}

Deno.test("both the identity and the subject cannot be the user name", async () => {
  const text =
    "listener 1\ncertfile a\nkeyfile b\nuse_identity_as_username 1\nuse_subject_as_username 1";
  assertEquals(await problemsOf(text), [
    "main.conf:5: use_subject_as_username: leave it out, or use_identity_as_username",
  ]);
});

Deno.test("include_dir reads what ends in .conf, by name, whatever the case", async () => {
  const files = {
    "main.conf": "listener 1\ninclude_dir d\nmax_qos 1",
    "d/b.conf": "listener 3",
    "d/Z.conf": "listener 4",
    "d/10.conf": "listener 2",
    "d/9.conf": "sys_interval 9",
    "d/c.conf.bak": "nonsense",
    "d/C.CONF": "nonsense",
    "d/_.conf": "listener 5",
  };
  assertEquals(await places(files), ["1 *", "2 *", "3 *", "4 *", "5 *"]);
  const { global, listeners } = await parse(files);
  assertEquals([global.sys_interval, listeners[0]!.settings.max_qos], [9, 1]);
});

Deno.test("in an included file, words before any listener are of the default one", async () => {
  const files = { "main.conf": "listener 1\ninclude_dir d", "d/a.conf": "max_connections 3" };
  const { listeners } = await parse(files);
  assertEquals(listeners.map(({ settings }) => settings.max_connections), [-1, 3]);
});

Deno.test("problems in an included file are told with its name and line", async () => {
  const files = { "main.conf": "include_dir d/", "d/a.conf": "\n# hello\nmax_qos 7" };
  assertEquals(await problemsOf(files), [
    'd/a.conf:3: max_qos: expects a whole number from 0 to 2, not "7"',
  ]);
});

Deno.test("an include_dir within an included file has no effect, as in mosquitto, and is noted", async () => {
  const files = {
    "main.conf": "allow_anonymous 1\ninclude_dir d",
    "d/a.conf": "include_dir e",
    "e/b.conf": "foo",
  };
  assertEquals(await notesOf(files), [
    "1 include_dir has no effect in a file that is itself included",
  ]);
});

Deno.test("folders and files that cannot be read are told with the line that names them", async () => {
  assertEquals(await problemsOf("sys_interval 1\ninclude_dir d"), [
    "main.conf:2: include_dir: cannot read the folder d: no such folder",
  ]);
  assertEquals(await problemsOf({}), [
    "main.conf: cannot read it: no such file",
  ]);
  assertEquals(await problemsOf("include_dir"), [
    "main.conf:1: include_dir: expects the path of a folder, not nothing",
  ]);
});

Deno.test("aliases of old mean what they meant", async () => {
  const { global, listeners } = await parse("retained_persistence true\nlistener 1\nmaximum_qos 1");
  assertEquals([global.persistence, listeners[0]!.settings.max_qos], [true, 1]);
});
