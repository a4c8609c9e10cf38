import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Flags, type FlagTable, helpOf } from "./flags.ts";
import { FlagError } from "./flag_error.ts";

type Name = "topic" | "message" | "rate" | "loud" | "pair";

const TABLE: FlagTable<Name> = {
  topic: { names: ["-t", "--topic"], value: "TOPIC", isRepeatable: true, about: "where" },
  message: { names: ["-m", "--message"], value: "TEXT", about: "what" },
  rate: { names: ["--rate"], value: "N", about: "how often" },
  loud: { names: ["-l"], about: "louder" },
  pair: {
    names: ["-D"],
    value: "A B",
    words: ([first]) => first === "three" ? 3 : 2,
    isRepeatable: true,
    about: "two",
  },
};

Deno.test("Flags reads short and long names, and = after long ones", () => {
  const flags = new Flags(["-t", "a", "--topic", "b", "--topic=c=d", "-l", "-l"], TABLE);
  assertEquals(flags.texts("topic"), ["a", "b", "c=d"]);
  assertEquals([flags.has("loud"), flags.has("message")], [true, false]);
  assertEquals([flags.text("topic"), flags.text("message")], ["a", null]);
});

Deno.test("Flags takes what follows a flag as its value, whatever it looks like", () => {
  for (const value of ["-5", "-t", "--topic", "", "a b", "--"]) {
    assertEquals(new Flags(["-m", value], TABLE).text("message"), value);
  }
});

Deno.test("Flags takes as many words as a flag wants", () => {
  const flags = new Flags(["-D", "a", "b", "-D", "three", "c", "d", "-l"], TABLE);
  assertEquals(flags.words("pair"), [["a", "b"], ["three", "c", "d"]]);
  assertEquals(flags.has("loud"), true);
});

for (
  const [args, reason] of [
    [["-x"], "Unknown argument: -x"],
    [["--nonsense=5"], "Unknown argument: --nonsense"],
    [["word"], "Unknown argument: word"],
    [["-t=a"], "Unknown argument: -t=a"],
    [["-m"], "-m needs a value: TEXT"],
    [["-D", "a"], "-D needs a value: A B"],
    [["-m", "a", "--message", "b"], "--message may be given once only"],
  ] as const
) {
  Deno.test(`Flags refuses ${args.join(" ")}`, () => {
    assertThrows(() => new Flags(args, TABLE), FlagError, reason);
  });
}

Deno.test("whole() and decimal() name the flag and what would be right", () => {
  const rate = (text: string) => new Flags(["--rate", text], TABLE);
  assertEquals(rate("7").whole("rate", 0, 9), 7);
  assertEquals(["0.5", ".5", "3", "3."].map((text) => rate(text).decimal("rate", "litres")), [
    ...[0.5, 0.5, 3, 3],
  ]);
  for (const text of ["", "-1", "10", "1.5", "0x1", "many"]) {
    const reason = `--rate needs a whole number from 0 to 9, not "${text}"`;
    assertThrows(() => rate(text).whole("rate", 0, 9), FlagError, reason);
  }
  for (const text of ["", "-1", ".", "1e3", "many"]) {
    const reason = `--rate needs a number of litres, not "${text}"`;
    assertThrows(() => rate(text).decimal("rate", "litres"), FlagError, reason);
  }
  assertEquals(new Flags([], TABLE).whole("rate", 0, 9), null);
  assertEquals(new Flags([], TABLE).decimal("rate", "litres"), null);
});

Deno.test("helpOf() has a line for each flag", () => {
  const help = helpOf(TABLE);
  assertStringIncludes(help, "  -t, --topic TOPIC          where\n");
  assertStringIncludes(help, "  -l                         louder\n");
});
