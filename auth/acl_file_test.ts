import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { matchesFilter } from "../router/topic.ts";
import { Random } from "../tests/harness/random.ts";
import { AclFile } from "./acl_file.ts";
import { FileFaultError } from "./file_errors.ts";
import { client, publication } from "./testdata/requests.ts";

/** What a client may do with a topic: `r`, `w`, `rw` or nothing. */
function may(acl: AclFile, username: string | null, topic: string, clientId = "c"): string {
  const who = { ...client, username, clientId };
  const read = acl.mayReceive(who, topic) ? "r" : "";
  return read + (acl.mayPublish(who, publication(topic)) ? "w" : "");
}

Deno.test("AclFile gives what the lines say, and nothing else", () => {
  const acl = AclFile.parse(`
# a comment
user ann
topic read in/#
topic write out
topic readwrite both/+
topic plain
topic read
topic readwrite with spaces/x y
  topic   read   indented
`);
  for (
    const [topic, expected] of Object.entries({
      "in/a/b": "r",
      "in": "r",
      "inn": "",
      "out": "w",
      "out/a": "",
      "both/a": "rw",
      "both": "",
      "both/a/b": "",
      "plain": "rw",
      "read": "rw",
      "with spaces/x y": "rw",
      "indented": "r",
      "other": "",
      "": "",
    })
  ) assertEquals(may(acl, "ann", topic), expected, topic);
  assertEquals(may(acl, "bob", "plain"), "");
  assertEquals(may(acl, null, "plain"), "");
});

Deno.test("AclFile has rules for clients without a user name before the first user", () => {
  const acl = AclFile.parse("topic open\nuser ann\ntopic a\nuser bob\ntopic b\nuser ann\ntopic c");
  const topics = ["open", "a", "b", "c"];
  const all = (username: string | null) => topics.map((topic) => may(acl, username, topic));
  assertEquals(all(null), ["rw", "", "", ""]);
  assertEquals(all("ann"), ["", "rw", "", "rw"]);
  assertEquals(all("bob"), ["", "", "rw", ""]);
});

Deno.test("AclFile: deny goes before whatever allows, wherever it stands", () => {
  const acl = AclFile.parse("user ann\ntopic a/#\ntopic deny a/secret\ntopic read a/secret");
  assertEquals(may(acl, "ann", "a/secret"), "");
  assertEquals(may(acl, "ann", "a/secret/x"), "rw");
  assertEquals(may(acl, "ann", "a"), "rw");
});

Deno.test("AclFile: a user's own rules go before patterns, both ways", () => {
  const acl = AclFile.parse(`
pattern deny shut
pattern deny open
pattern read news
user ann
topic shut
topic deny news
topic write half
pattern read half
`);
  assertEquals(may(acl, "ann", "shut"), "rw");
  assertEquals(may(acl, "bob", "shut"), "");
  assertEquals(may(acl, "ann", "news"), "");
  assertEquals(may(acl, "bob", "news"), "r");
  assertEquals(may(acl, "ann", "half"), "rw");
});

Deno.test("AclFile: patterns have the names of the client, in whole levels and parts", () => {
  const acl = AclFile.parse(
    "pattern read u/%u/#\npattern write c/%c\npattern x-%u-%c-y/z\npattern %%u\npattern %c",
  );
  assertEquals(may(acl, "ann", "u/ann/a/b"), "r");
  assertEquals(may(acl, "bob", "u/ann/a/b"), "");
  assertEquals(may(acl, "ann", "u/%u/a"), "");
  assertEquals(may(acl, "ann", "c/c1", "c1"), "w");
  assertEquals(may(acl, "ann", "x-ann-c1-y/z", "c1"), "rw");
  assertEquals(may(acl, "ann", "%ann"), "rw");
  assertEquals(may(acl, null, "c/c1", "c1"), "w");
  assertEquals(may(acl, null, "u//a"), "");
  assertEquals(may(acl, null, "u/null/a"), "");
  assertEquals(may(acl, "", "u//a"), "r");
  assertEquals(may(acl, "%c", "u/c/a"), "", "A name is not filled in itself");
  assertEquals(may(acl, "$1$&", "x-$1$&-c-y/z"), "rw");
});

Deno.test("AclFile: a name with slashes stands for several levels, for whole ones", () => {
  const acl = AclFile.parse(
    "pattern a/%u/b\npattern read p-%c-q\npattern deny %c/no/#\npattern %u",
  );
  assertEquals(may(acl, "x/y", "a/x/y/b"), "rw");
  assertEquals(may(acl, "x/y", "x/y"), "rw");
  for (
    const topic of ["a/x/b", "a/y/b", "a/x/y", "a/x/yy/b", "a/x/y/z/b", "x", "x/y/z", "a//x/y/b"]
  ) {
    assertEquals(may(acl, "x/y", topic), "", topic);
  }
  assertEquals(may(acl, "u", "p-c/d-q", "c/d"), "r");
  assertEquals(may(acl, "u", "p-c/d-q/e", "c/d"), "");
  assertEquals(may(acl, "u/no/a", "u/no/a", "u"), "", "What is denied is denied in either form");
  assertEquals(may(acl, "/", "a///b"), "rw");
  assertEquals(may(acl, "x/", "a/x//b"), "rw");
  assertEquals(may(acl, "x/", "a/x/b"), "");
  assertEquals(may(acl, "$SYS/x", "$SYS/x"), "", "No name makes the $ of a filter [MQTT-4.7.2-1]");
});

Deno.test("AclFile: names with + or # reach nothing", () => {
  const acl = AclFile.parse("pattern a/%u/b\npattern %c/#\npattern open\nuser +\ntopic own");
  for (const name of ["+", "#", "x/+", "+/x", "a#"]) {
    for (const topic of ["a/x/b", "a/+/b", "a", "open", "x/y"]) {
      assertEquals(may(acl, name, topic, "y"), "", `${name} ${topic}`);
      assertEquals(may(acl, "ann", topic, name), "", `${name} ${topic}`);
    }
  }
  assertEquals(may(acl, "+", "own"), "rw", "Rules by name are no patterns");
  assertEquals(may(acl, "ann", "x/y/z", "x/y"), "rw");
  assertEquals(may(acl, "x/b", "open"), "rw");
});

Deno.test("AclFile: wildcards and names do not reach topics that begin with $ [MQTT-4.7.2-1]", () => {
  const acl = AclFile.parse("pattern %c/#\npattern $x/%u\nuser ann\ntopic #\ntopic +/y");
  assertEquals(may(acl, "ann", "$SYS/y"), "");
  assertEquals(may(acl, "ann", "$SYS/y", "$SYS"), "");
  assertEquals(may(acl, "ann", "$x/ann"), "rw");
  assertEquals(may(acl, "ann", "a/$SYS"), "rw");
});

Deno.test("AclFile: an empty file denies everything, and everybody may subscribe", () => {
  const acl = AclFile.parse("\r\n# nothing\r\n \t\n");
  assertEquals(may(acl, "ann", "a"), "");
  assert(acl.maySubscribe());
});

Deno.test("AclFile names each faulty line, and what would be right", () => {
  const text =
    "topic\nuser ann\nuser\nfoo bar\ntopic foo bar\ntopic a/#/b\npattern a+/%u\ntopic #a" +
    `\npattern ${"x".repeat(70_000)}\nUSER x\n`;
  const error = assertThrows(() => AclFile.parse(text, "acl.txt"), FileFaultError);
  assertEquals(error.message.split("\n").map((line) => line.slice(0, 90)), [
    'acl.txt:1: topic is missing after "topic"',
    'acl.txt:3: user name is missing after "user"',
    'acl.txt:4: unknown word "foo": expected user, topic, pattern, or # and a comment',
    'acl.txt:5: unknown access "foo": expected read, write, readwrite or deny; a topic with spa',
    'acl.txt:6: topic "a/#/b" is not valid: # must come last',
    'acl.txt:7: topic "a+/%u" is not valid: + must stand alone between slashes',
    'acl.txt:8: topic "#a" is not valid: # must stand alone after a slash',
    `acl.txt:9: topic "${"x".repeat(72)}`,
    'acl.txt:10: unknown word "USER": expected user, topic, pattern, or # and a comment',
  ]);
  assertEquals(error.faults.map(({ line }) => line), [1, 3, 4, 5, 6, 7, 8, 9, 10]);
  const many = assertThrows(() => AclFile.parse("x\n".repeat(30)), FileFaultError);
  assertEquals(many.message.split("\n").length, 21);
  assertEquals(many.faults.length, 30);
});

Deno.test("AclFile.reload() takes the new rules, or none of them", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "topic a");
    const acl = await AclFile.open(path);
    assertEquals(may(acl, null, "a"), "rw");
    await Deno.writeTextFile(path, "topic b\nnonsense");
    const error = await assertRejects(() => acl.reload(), FileFaultError);
    assertEquals(error.message.startsWith(`${path}:2: `), true);
    assertEquals([may(acl, null, "a"), may(acl, null, "b")], ["rw", ""]);
    await Deno.writeFile(path, Uint8Array.of(0x23, 0x0a, 0x23, 0xff, 0x0a));
    assertEquals((await assertRejects(() => acl.reload(), FileFaultError)).faults[0]!.line, 2);
    await Deno.writeTextFile(path, "\ufefftopic b");
    await acl.reload();
    assertEquals([may(acl, null, "a"), may(acl, null, "b")], ["", "rw"]);
    await Deno.remove(path);
    await assertRejects(() => acl.reload(), Deno.errors.NotFound);
    assertEquals(may(acl, null, "b"), "rw");
    await assertRejects(() => AclFile.open(path), Deno.errors.NotFound);
  } finally {
    await Deno.remove(path).catch(() => {});
  }
});

Deno.test("AclFile.open() lets others have their turn between pages of a long file", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, `${"topic read a\n".repeat(5000)}topic write b`);
    let isOpen = false;
    const opening = AclFile.open(path).finally(() => isOpen = true);
    let turns = 0;
    const pass = (async () => {
      for (; !isOpen; turns++) await new Promise((resolve) => setTimeout(resolve, 0));
    })();
    const acl = await opening;
    await pass;
    assert(turns >= 5, `${turns} turns`);
    assertEquals([may(acl, null, "a"), may(acl, null, "b")], ["r", "w"]);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("AclFile agrees with going through the lines one by one", () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = new Random(seed);
  const levels = ["a", "b", "", "$x", "%u", "%c", "p%u", "+"];
  const names = ["a", "b", "", null, "a/b", "/", "+", "b/#"];
  for (let round = 0; round < 300; round++) {
    const lines: { filter: string; access: string; isPattern: boolean }[] = [];
    for (let n = random.integer(0, 8); n > 0; n--) {
      const parts = Array.from({ length: random.integer(1, 3) }, () => random.pick(levels));
      if (random.chance(0.2)) parts.push("#");
      const filter = parts.join("/");
      if (filter === "") continue;
      const access = random.pick(["read", "write", "readwrite", "deny"]);
      lines.push({ filter, access, isPattern: random.chance(0.5) });
    }
    const text = lines.map(({ filter, access, isPattern }) =>
      `${isPattern ? "pattern" : "topic"} ${access} ${filter}`
    );
    const acl = AclFile.parse(`user a\n${text.join("\n")}`);
    for (let n = 0; n < 20; n++) {
      const username = random.pick(names);
      const clientId = random.pick(["a", "c", "b/c", "+"]);
      const topic = Array.from(
        { length: random.integer(1, 3) },
        () => random.pick(["a", "b", "c", "", "$x", "pa"]),
      ).join("/");
      const allows = (want: string) => {
        for (const isPattern of [false, true]) {
          if (!isPattern && username !== "a") continue;
          const matching = lines.filter((line) =>
            line.isPattern === isPattern && matches(line, username, clientId, topic)
          );
          if (matching.some(({ access }) => access === "deny")) return "";
          if (matching.some(({ access }) => access.includes(want))) return want[0]!;
        }
        return "";
      };
      const expected = allows("read") + allows("write");
      const told = `seed ${seed}: ${username} ${clientId} ${topic}\n${text.join("\n")}`;
      assertEquals(may(acl, username, topic, clientId), expected, told);
    }
  }
});

/** As a line by itself says it. */
function matches(
  { filter, isPattern }: { filter: string; isPattern: boolean },
  username: string | null,
  clientId: string,
  topic: string,
): boolean {
  if (!isPattern) return matchesFilter(filter, topic);
  if (filter.includes("%u") && username === null) return false;
  if (/[+#]/.test(`${username}${clientId}`)) return false;
  const filled = filter.replaceAll("%u", username ?? "").replaceAll("%c", clientId);
  // A name never makes the `$` that only a filter may have.
  return matchesFilter(filled, topic) && !(topic.startsWith("$") && !filter.startsWith("$"));
}
