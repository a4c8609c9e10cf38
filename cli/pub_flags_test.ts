import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { COMMON_FLAGS } from "./flags_common.ts";
import { PUB_HELP, type PubSettings, readPubFlags } from "./pub_flags.ts";
import { FlagError } from "./flag_error.ts";

async function read(...args: string[]): Promise<PubSettings> {
  const settings = await readPubFlags(args);
  if (settings === null) throw new Error("It asks for help");
  return settings;
}

/** The settings of a client, of a message that could be any. */
async function connection(...args: string[]): Promise<PubSettings["connection"]> {
  return (await read("-t", "a", "-n", ...args)).connection;
}

Deno.test("readPubFlags() fills in the defaults", async () => {
  const { connection, source, ...rest } = await read("-t", "lamp/1", "-m", "on");
  assertEquals(source, { kind: "message", payload: new TextEncoder().encode("on") });
  assertEquals(rest, {
    topic: "lamp/1",
    qos: 0,
    retain: false,
    properties: {},
    repeat: 1,
    gapMs: 0,
  });
  assertEquals([connection.url, connection.topic], ["mqtt://localhost", null]);
  assertEquals(connection.options, {
    protocolVersion: 5,
    cleanStart: true,
    keepAliveSeconds: 60,
    will: null,
    tls: {},
    limits: {},
  });
});

Deno.test("readPubFlags() reads what is published and how often", async () => {
  const settings = await read(
    ...["--topic", "a", "-f", "x.bin", "-q", "2", "-r", "--repeat", "3", "--rate", "50"],
    ...["-D", "publish", "content-type", "text/plain"],
  );
  assertEquals(settings.source, { kind: "file", path: "x.bin" });
  assertEquals([settings.qos, settings.retain], [2, true]);
  assertEquals([settings.repeat, settings.gapMs], [3, 20]);
  assertEquals(settings.properties, { contentType: "text/plain" });
  assertEquals((await read("-t", "a", "-n", "--repeat-delay", "0.5")).gapMs, 500);
  assertEquals((await read("-t", "a", "-l")).source, { kind: "lines" });
  assertEquals((await read("-t", "a", "-s")).source, { kind: "stdin" });
  assertEquals((await read("-t", "a", "-m", "")).source, {
    kind: "message",
    payload: new Uint8Array(),
  });
});

for (
  const [args, url, topic] of [
    ["-h 10.0.0.1", "mqtt://10.0.0.1", null],
    ["-h ::1 -p 1884", "mqtt://[::1]:1884", null],
    ["-p 8883", "mqtts://localhost:8883", null],
    ["--insecure", "mqtts://localhost", null],
    ["--tls-use-os-certs -p 1884", "mqtts://localhost:1884", null],
    ["--unix /run/my.sock", "unix:/run/my.sock", null],
    ["-L mqtt://b.example", "mqtt://b.example", null],
    ["-L mqtt://b.example/", "mqtt://b.example", null],
    ["-L mqtts://u:p@b.example:1/a/b?c", "mqtts://u:p@b.example:1", "a/b?c"],
    ["-L mqtt://b.example//a", "mqtt://b.example", "/a"],
    ["-L mqtt://b.example/a --insecure", "mqtts://b.example", "a"],
    ["-L wss://b.example/mqtt", "wss://b.example/mqtt", null],
    ["-L unix:/run/my.sock", "unix:/run/my.sock", null],
  ] as const
) {
  Deno.test(`readPubFlags() finds the broker of ${args}`, async () => {
    const found = await connection(...args.split(" "));
    assertEquals([found.url, found.topic], [url, topic]);
  });
}

Deno.test("readPubFlags() takes the topic from the URL, unless -t says another", async () => {
  const url = ["-L", "mqtt://b.example/a/b", "-n"];
  assertEquals((await read(...url)).topic, "a/b");
  assertEquals((await read(...url, "-t", "c")).topic, "c");
});

Deno.test("readPubFlags() reads who the client is", async () => {
  const { options } = await connection(
    ...["-i", "me", "-u", "ada", "-P", "-secret", "-k", "0", "-M", "5", "-V", "mqttv5"],
    ...["-c", "-D", "connect", "receive-maximum", "7", "-D", "connect", "user-property", "a", "b"],
    ...["-D", "connect", "request-problem-information", "0"],
  );
  assertEquals(options, {
    protocolVersion: 5,
    clientId: "me",
    username: "ada",
    password: "-secret",
    cleanStart: false,
    sessionExpirySeconds: 0xffff_ffff,
    keepAliveSeconds: 0,
    will: null,
    tls: {},
    limits: { inflightMax: 5, receiveMaximum: 7 },
    userProperties: [["a", "b"]],
    requestProblemInformation: false,
  });
  assertEquals((await connection("-I", "me-")).options.clientId, `me-${Deno.pid}`);
});

Deno.test("readPubFlags() reads the version as mosquitto does", async () => {
  for (const [text, version] of [["mqttv5", 5], ["5", 5], ["mqttv311", 4], ["311", 4]] as const) {
    assertEquals((await connection("-V", text)).options.protocolVersion, version);
  }
});

Deno.test("readPubFlags() reads how long the session is kept", async () => {
  const expiry = async (...args: string[]) => {
    return (await connection(...args)).options.sessionExpirySeconds;
  };
  assertEquals(await expiry(), undefined);
  assertEquals(await expiry("-x", "10"), 10);
  assertEquals(await expiry("-x", "-1"), 0xffff_ffff);
  assertEquals(await expiry("-x", "∞"), 0xffff_ffff);
  assertEquals(await expiry("-D", "connect", "session-expiry-interval", "9"), 9);
  assertEquals(await expiry("-c", "-i", "me", "-x", "10"), 10);
});

Deno.test("readPubFlags() reads the will", async () => {
  const { options } = await connection(
    ...["--will-topic", "wills/a", "--will-payload", "gone", "--will-qos", "1", "--will-retain"],
    ...["-D", "will", "will-delay-interval", "5"],
  );
  assertEquals(options.will, {
    topic: "wills/a",
    payload: "gone",
    qos: 1,
    retain: true,
    properties: { willDelayInterval: 5 },
  });
});

Deno.test("readPubFlags() has an authentication say its first word", async () => {
  const method = ["-D", "connect", "authentication-method", "token"];
  const data = ["-D", "connect", "authentication-data", "abc"];
  const { authentication } = (await connection(...method, ...data)).options;
  assertEquals(authentication?.method, "token");
  assertEquals(await authentication?.begin(), new TextEncoder().encode("abc"));
});

for (
  const [args, reason] of [
    ["-n", "-t is missing"],
    ["-t a", "The message is missing: give -m TEXT, -f FILE, -s, -l or -n"],
    ["-t a -n -l", "-l and -n: the message can come from one of them only"],
    ["-t a/# -n", '-t needs a topic to publish to: "a/#" contains a wildcard'],
    ["-t a -n -q 3", '-q needs a whole number from 0 to 2, not "3"'],
    ["-t a -n -h x -L mqtt://y", "-L and -h: give one of them"],
    ["-t a -n -p 1 -L mqtt://y", "-p goes with -h only"],
    ["-t a -n -p 0", "-p needs a whole number from 1 to 65535"],
    ["-t a -n -h a/b", '-h needs a host such as localhost, not "a/b"'],
    ["-t a -n -L http://ada:secret@x", "-L needs a URL such as mqtt://localhost:1883/topic"],
    ["-n -L mqtt://x:y/a", "-L needs a URL such as"],
    ["-t a -n -V mqttv31", "-V needs mqttv5 or mqttv311: this client does not speak MQTT 3.1"],
    ["-t a -n -V 4", '-V needs mqttv5 or mqttv311: not "4"'],
    ["-t a -n -V 311 -x 5", "-x is of no use with -V mqttv311"],
    ["-t a -n -V 311 -D publish content-type a", "-D is of no use with -V mqttv311"],
    ["-t a -n -x never", "-x needs a whole number from 0 to 4294967295"],
    ["-t a -n -i a -I b", "-i and -I: give one of them"],
    ["-t a -n -c", "-c needs -i"],
    ["-t a -n --cert x", "--cert is of no use without --key"],
    ["-t a -n --cafile /nowhere", "--cafile cannot read /nowhere: there is no such file"],
    ["-t a -n --will-payload x", "--will-payload is of no use without --will-topic"],
    ["-t a -n -D will content-type x", "-D will is of no use without --will-topic"],
    ["-t a -n --will-topic +", '--will-topic needs a topic: "+" contains a wildcard'],
    ["-t a -n -D subscribe user-property a b", "-D subscribe is of no use here"],
    ["-t a -n -D connect authentication-data x", "needs authentication-method as well"],
    ["-t a -l --repeat 2", "--repeat goes with -m, -f, -s and -n, not with -l"],
    ["-t a -n --repeat 0", "--repeat needs a whole number of 1 or more"],
    ["-t a -n --rate 0", "--rate needs a number of messages a second above 0"],
    ["-t a -n --rate 1 --repeat-delay 1", "--rate and --repeat-delay: give one of them"],
  ] as const
) {
  Deno.test(`readPubFlags() refuses ${args}`, async () => {
    const error = await assertRejects(() => readPubFlags(args.split(" ")), FlagError, reason);
    assertEquals(error.message.includes("secret"), false);
  });
}

Deno.test("readPubFlags() wants help whatever else there is", async () => {
  assertEquals(await readPubFlags(["-t", "#", "--help"]), null);
  for (const { names } of Object.values(COMMON_FLAGS)) assertStringIncludes(PUB_HELP, names[0]!);
});
