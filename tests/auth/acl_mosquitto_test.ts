/**
 * The same ACL files for mosquitto and for Fairway: who can write and read what must be the same,
 * but for the differences named at the end.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Broker } from "../../mod.ts";
import { AclFile } from "../../auth/mod.ts";
import { Child } from "../harness/child.ts";
import { connect, publish, subscribe } from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { testWith } from "../harness/tools.ts";
import { parsePublish } from "../spec/parse.ts";

/** Sees and writes everything; the wildcard alone does not reach topics that begin with `$`. */
const ADMIN = "user admin-of-the-test\ntopic #\ntopic $x/#\n";

interface Who {
  clientId: string;
  username: string | null;
}

interface Case {
  name: string;
  acl: string;
  clients: Who[];
  topics: string[];
}

const as = (username: string | null, clientId = `client-${username}`): Who => ({
  clientId,
  username,
});

const CASES: Case[] = [
  {
    name: "access, and deny before everything",
    acl: "user u\ntopic a/#\ntopic deny a/secret\ntopic read b\ntopic write c\ntopic deny d\n" +
      "topic read d\ntopic readwrite with space\ntopic read\ntopic e/+/f\ntopic write write g",
    clients: [as("u"), as("nobody"), as(null)],
    topics: ["a", "a/1", "a/secret", "a/secret/x", "b", "c", "d", "with space", "read", "e/1/f"]
      .concat(["e//f", "e/f", "e/1/2/f", "write g", "g"]),
  },
  {
    name: "anonymous clients, sections that come again, comments and blanks",
    acl: "# first\n\ntopic read open/#\n  topic mine\nuser v\ntopic b  \n \nuser u\ntopic a\n" +
      "#topic x\nuser v\ntopic c\r\nuser my name\ntopic   write   spaced  \n",
    clients: [as("u"), as("v"), as("my name"), as(null)],
    topics: ["open/x", "mine", "a", "b", "c", "x", "spaced"],
  },
  {
    name: "patterns for everybody, after the user's own rules",
    acl:
      "topic anon/#\npattern readwrite p/%u/%c\npattern deny p/u/no\npattern pre-%u-post/%c/#\n" +
      "pattern read all\npattern deny shut/#\npattern shut/y\nuser u\ntopic deny all\ntopic shut/y",
    clients: [as("u", "c1"), as("u", "no"), as("v", "c2"), as(null, "c3")],
    topics: ["anon/x", "p/u/c1", "p/u/no", "p/v/c2", "p/v/c1", "p//c3", "p/%u/%c", "pre-u-post/c1"]
      .concat(["pre-v-post/c2/x", "pre--post/c3", "all", "shut/x", "shut/y"]),
  },
  {
    name: "names with wildcards",
    acl: "pattern p/%u\npattern q/%c\npattern open\nuser +\ntopic own\nuser x\ntopic own",
    clients: [as("+"), as("#"), as("x/+"), as("x", "+"), as("x", "a/#"), as(null, "#")],
    topics: ["p/x", "p/x/y", "q/x", "q/a", "open", "own"],
  },
  {
    name: "topics that begin with $",
    acl: "pattern $x/%u/#\npattern %u/$x\nuser u\ntopic #\ntopic +/y\nuser w\ntopic deny #",
    clients: [as("u"), as("v"), as("w")],
    topics: ["$x/u", "$x/u/y", "$x/y", "$x/v", "v/$x", "a/y"],
  },
  { name: "an empty file", acl: "", clients: [as("u"), as(null)], topics: ["a", "$x/a"] },
];

for (const { name, acl, clients, topics } of CASES) {
  testWith(["mosquitto"], `mosquitto and Fairway read an ACL file alike: ${name}`, async () => {
    const [theirs, ours] = [
      await onMosquitto(acl, (port) => table(port, clients, topics)),
      await onFairway(acl, (port) => table(port, clients, topics)),
    ];
    assertEquals(ours, theirs);
  });
}

testWith(
  ["mosquitto"],
  "names span levels in mosquitto and Fairway; where Fairway is stricter: $",
  async () => {
    const acl = "pattern p/%u\npattern %c/#";
    const clients = [as("x/y"), as("x", "q/r"), as("x", "$x")];
    const topics = ["p/x/y", "q/r/s", "$x/a"];
    const run = (port: number) => table(port, clients, topics);
    assertEquals(Object.values(await onMosquitto(acl, run)), [
      { "p/x/y": "rw", "q/r/s": "", "$x/a": "" },
      { "p/x/y": "", "q/r/s": "rw", "$x/a": "" },
      { "p/x/y": "", "q/r/s": "", "$x/a": "rw" },
    ]);
    assertEquals(Object.values(await onFairway(acl, run)), [
      { "p/x/y": "rw", "q/r/s": "", "$x/a": "" },
      { "p/x/y": "", "q/r/s": "rw", "$x/a": "" },
      { "p/x/y": "", "q/r/s": "", "$x/a": "" },
    ]);
  },
);

const FAULTS = [
  "foo bar",
  "topic foo bar",
  "topic",
  "user",
  "topic a/#/b",
  "pattern a+/%u",
  "USER x",
];

testWith(["mosquitto"], "a line that mosquitto does not take is told with its number", async () => {
  for (const line of FAULTS) {
    const acl = `# first\n${line}\n`;
    await withFiles(acl, async (path, config) => {
      await using child = new Child("mosquitto", ["-c", config(1)]);
      assertEquals((await child.outcome()).code === 0, false, line);
      const error = await AclFile.open(path).then(() => null, (error) => error);
      assertEquals(`${error?.message}`.startsWith(`${path}:2: `), true, `${line}: ${error}`);
    });
  }
});

/** What each client can do with each topic. */
type Table = Record<string, Record<string, string>>;

/** Tries out what each client can do with each topic. */
async function table(port: number, clients: Who[], topics: string[]): Promise<Table> {
  const rows: Table = {};
  await using admin = await enter(port, as("admin-of-the-test"));
  for (const who of clients) {
    await using client = await enter(port, who);
    await publishAll(client, topics);
    const written = await arrived(admin);
    await arrived(client);
    await publishAll(admin, topics);
    const readable = await arrived(client);
    await arrived(admin);
    rows[`${who.username} ${who.clientId}`] = Object.fromEntries(topics.map((topic) => [
      topic,
      (readable.has(topic) ? "r" : "") + (written.has(topic) ? "w" : ""),
    ]));
  }
  return rows;
}

/** Connects, and subscribes to everything. */
async function enter(port: number, { clientId, username }: Who): Promise<RawClient> {
  const client = await RawClient.dial(port);
  await client.send(connect({ clientId, ...username !== null && { username } }));
  await client.expect("20 02 00 00");
  await client.send(subscribe({ "#": 0, "$x/#": 0 }));
  await client.expect("90 04 0001 00 00");
  return client;
}

/** Publishes to each topic, and waits until the broker has dealt with all. */
async function publishAll(client: RawClient, topics: string[]): Promise<void> {
  for (const [n, topic] of topics.entries()) {
    await client.send(publish(topic, "x", { qos: 1, packetId: n + 1 }));
    // Its own message may come first; what is denied is acknowledged, too.
    while ((await client.readFrame())[0] !== 0x40);
  }
}

/** The topics of what has come. An answer may overtake messages once, but not twice. */
async function arrived(client: RawClient): Promise<Set<string>> {
  const topics = new Set<string>();
  for (let pings = 0; pings < 2; pings++) {
    await client.send("c0 00");
    for (;;) {
      const frame = await client.readFrame();
      if (frame[0] === 0xd0) break;
      topics.add(parsePublish(frame, 4).topic);
    }
  }
  return topics;
}

async function onFairway(acl: string, run: (port: number) => Promise<Table>): Promise<Table> {
  await using broker = new Broker({ authorizer: AclFile.parse(`${acl}\n${ADMIN}`) });
  const { port } = await broker.listen({ port: 0 });
  return await run(port);
}

async function onMosquitto(acl: string, run: (port: number) => Promise<Table>): Promise<Table> {
  return await withFiles(`${acl}\n${ADMIN}`, async (_, config) => {
    // It cannot choose a port; this one was free a moment ago.
    const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = probe.addr;
    probe.close();
    await using child = new Child("mosquitto", ["-v", "-c", config(port)]);
    await child.waitFor(/mosquitto version .* running/, "stderr");
    return await run(port);
  });
}

/** Writes an ACL file, and a configuration that names it. */
async function withFiles<T>(
  acl: string,
  run: (path: string, config: (port: number) => string) => Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/acl`, acl);
    const config = (port: number) => {
      const user = Deno.uid() === 0 ? "user root\n" : "";
      const lines = `listener ${port} 127.0.0.1\nallow_anonymous true\nacl_file ${folder}/acl\n`;
      Deno.writeTextFileSync(`${folder}/mosquitto.conf`, user + lines);
      return `${folder}/mosquitto.conf`;
    };
    return await run(`${folder}/acl`, config);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
