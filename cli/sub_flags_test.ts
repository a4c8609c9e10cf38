import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { readSubFlags, SUB_HELP, type SubSettings } from "./sub_flags.ts";
import { FlagError } from "./flag_error.ts";

async function read(...args: string[]): Promise<SubSettings> {
  const settings = await readSubFlags(args);
  if (settings === null) throw new Error("It asks for help");
  return settings;
}

/** What a message looks like with some flags. */
async function print(...args: string[]): Promise<string> {
  const { format } = await read("-t", "a", ...args);
  const message = { topic: "a", payload: new TextEncoder().encode("b"), qos: 0 } as const;
  const rest = { retain: false, dup: false, packetId: 0, properties: {} };
  return new TextDecoder().decode(format({ ...message, ...rest }, new Date()));
}

Deno.test("readSubFlags() fills in the defaults", async () => {
  const { connection, format: _, ...rest } = await read("-t", "lamp/+");
  assertEquals(connection.url, "mqtt://localhost");
  assertEquals(rest, {
    filters: ["lamp/+"],
    options: { qos: 0 },
    filtersOut: [],
    unsubscribe: [],
    noRetained: false,
    retainedOnly: false,
    removeRetained: false,
    countMax: Infinity,
    timeoutMs: null,
    exits: false,
  });
});

Deno.test("readSubFlags() takes filters from several flags and the URL", async () => {
  const { filters, filtersOut, unsubscribe, connection } = await read(
    ...["-t", "a/#", "-t", "$share/g/b", "-L", "mqtt://b.example/c/#"],
    ...["-T", "a/1", "-T", "a/2/+", "-U", "old"],
  );
  assertEquals(filters, ["a/#", "$share/g/b", "c/#"]);
  assertEquals([filtersOut, unsubscribe], [["a/1", "a/2/+"], ["old"]]);
  assertEquals(connection.url, "mqtt://b.example");
});

Deno.test("readSubFlags() reads how to subscribe and when to end", async () => {
  const settings = await read(
    ...["-t", "a", "-q", "2", "-R", "-C", "3", "-W", "0.5", "-E", "--remove-retained"],
    ...["-D", "subscribe", "subscription-identifier", "7"],
    ...["-D", "subscribe", "user-property", "a", "b"],
  );
  assertEquals(settings.options, {
    qos: 2,
    retainHandling: 2,
    identifier: 7,
    properties: { userProperties: [["a", "b"]] },
  });
  assertEquals([settings.countMax, settings.timeoutMs], [3, 500]);
  assertEquals([settings.exits, settings.noRetained, settings.removeRetained], [true, true, true]);
  assertEquals((await read("-t", "a", "-R", "-V", "311")).options, { qos: 0 });
});

Deno.test("readSubFlags() reads how to print", async () => {
  assertEquals(await print(), "b\n");
  assertEquals(await print("-v", "-N"), "a b");
  assertEquals(await print("-F", "%t=%p\\n"), "a=b\n\n");
  assertEquals(await print("-F", "%t", "-N"), "a");
  assertEquals((await print("-F", "%j")).split("\n").length, 2);
  assertEquals((await print("-F", "%j", "--pretty")).split("\n").length, 9);
});

for (
  const [args, reason] of [
    ["-v", "-t is missing: what to subscribe to"],
    ["-t a#", '-t needs a topic filter: "a#"'],
    ["-T +a -t a", '-T needs a topic filter: "+a"'],
    ["-t a -C 0", "-C needs a whole number of 1 or more"],
    ["-t a -W 0", "-W needs a number of seconds above 0"],
    ["-t a -W soon", '-W needs a number of seconds, not "soon"'],
    ["-t a -R --retained-only", "-R and --retained-only: together they leave nothing"],
    ["-t a -F %t -v", "-F and -v: give one of them"],
    ["-t a -F %y", "-F does not know %y"],
    ["-t a -m x", "Unknown argument: -m"],
    ["-t a -D publish content-type x", "-D publish is of no use here"],
  ] as const
) {
  Deno.test(`readSubFlags() refuses ${args}`, async () => {
    await assertRejects(() => readSubFlags(args.split(" ")), FlagError, reason);
  });
}

Deno.test("readSubFlags() wants help whatever else there is", async () => {
  assertEquals(await readSubFlags(["--help", "-q", "9"]), null);
  assertStringIncludes(SUB_HELP, "%t topic");
});
