import { assertEquals, assertStringIncludes } from "@std/assert";
import { printEffective } from "../effect/print.ts";
import { streamOptionsOf } from "./stream_drafts.ts";
import { notesOf, parse, problemsOf } from "../testdata/conf.ts";

const DAY = "fairway_stream day\nfairway_stream_topic sensors/#\nfairway_stream_max_age 7d\n";

Deno.test("lines after fairway_stream add up to a stream, wherever they stand", async () => {
  const { streams, removedStreams } = await parse({
    "main.conf": `persistence true\n${DAY}listener 1883\nmax_qos 1\n` +
      "fairway_stream_topic doors/+\nfairway_stream_exclude sensors/camera/#\n" +
      "fairway_stream_max_bytes 1G\nfairway_stream night\nfairway_stream_topic #\n" +
      "fairway_stream_max_messages 5\nfairway_stream_store memory\nfairway_stream_max_per_topic 3\ninclude_dir d\n" +
      "fairway_stream_dead lost\nfairway_stream_dead_reason backlog\nfairway_stream_dead_reason expired\n" +
      "fairway_stream_max_deliver 3\nfairway_stream_exclusive_group workers\n",
    "d/a.conf":
      "fairway_stream lost\nfairway_stream_max_bytes 10M\nfairway_stream_compact topic\nfairway_stream_remove old\n",
  });
  assertEquals(streams.map(streamOptionsOf), [
    {
      name: "day",
      filters: ["sensors/#", "doors/+"],
      exclude: ["sensors/camera/#"],
      store: "disk",
      maxAgeMs: 604_800_000,
      maxBytes: 2 ** 30,
    },
    {
      name: "night",
      filters: ["#"],
      exclude: [],
      store: "memory",
      maxMessages: 5,
      maxPerTopic: 3,
      dead: "lost",
      deadReasons: ["backlog", "expired"],
      maxDeliver: 3,
      exclusiveGroups: ["workers"],
    },
    {
      name: "lost",
      filters: [],
      exclude: [],
      store: "disk",
      maxBytes: 10 * 2 ** 20,
      compact: "topic",
    },
  ]);
  assertEquals(removedStreams.map(({ name }) => name), ["old"]);
});

const WRONG: Record<string, [text: string, ...problems: string[]]> = {
  "a name that is none": [
    "fairway_stream my day\n",
    ':1: fairway_stream: expects a name of 1 to 64 of the characters A-Z a-z 0-9 _ . -, such as day, not "my day"',
  ],
  "a name twice": [
    `${DAY}fairway_stream day\n`,
    ':4: fairway_stream: "day" was given already at main.conf:1',
  ],
  "an option without a stream": [
    "fairway_stream_topic a\n",
    ":1: fairway_stream_topic: needs a stream: put a line such as fairway_stream day before it",
  ],
  "a topic of the broker": [
    `${DAY}fairway_stream_topic $SYS/#\n`,
    ':4: fairway_stream_topic: "$SYS/#": topics that begin with $ are in no stream: use a filter such as sensors/#',
  ],
  "a shared subscription": [
    `${DAY}fairway_stream_exclude $share/g/a/+\n`,
    ':4: fairway_stream_exclude: "$share/g/a/+": a stream has topics, which groups read later: use a/+',
  ],
  "a reason for dead letters that there is not": [
    `${DAY}fairway_stream_dead_reason lag\n`,
    ':4: fairway_stream_dead_reason: expects backlog, expired, too-large or session-ended, not "lag"',
  ],
  "reasons for dead letters, and nowhere to put them": [
    `${DAY}fairway_stream_dead_reason backlog\n`,
    ":4: fairway_stream_dead_reason: needs a line such as fairway_stream_dead lost",
  ],
  "a group with a wildcard": [
    `${DAY}fairway_stream_exclusive_group a+\n`,
    ':4: fairway_stream_exclusive_group: expects the name of a group, without / + #, such as workers, not "a+"',
  ],
  "no limit": [
    "fairway_stream day\nfairway_stream_topic a\n",
    ':1: fairway_stream: "day" needs a limit: a line such as fairway_stream_max_age 7d',
  ],
  "no topic": [
    "fairway_stream day\nfairway_stream_max_age 7d\n",
    ':1: fairway_stream: "day" needs a line such as fairway_stream_topic sensors/#',
  ],
  "two limits by topic": [
    `${DAY}fairway_stream_compact topic\nfairway_stream_max_per_topic 2\n`,
    ":5: fairway_stream_max_per_topic: leave it out: fairway_stream_compact topic keeps 1 message of each",
  ],
  "dead letters in itself": [
    `${DAY}fairway_stream_dead day\n`,
    ":4: fairway_stream_dead: is the stream itself: name another one",
  ],
  "dead letters nowhere": [
    `${DAY}fairway_stream_dead lost\n`,
    ':4: fairway_stream_dead: there is no stream "lost": declare it with a line fairway_stream lost',
  ],
  "kept and removed": [
    `${DAY}fairway_stream_remove day\n`,
    ':4: fairway_stream_remove: "day" is declared at main.conf:1: leave one of the two out',
  ],
  "more than there may be": [
    `fairway_limit_streams_max 1\n${DAY}${DAY.replace("day", "b")}`,
    ":5: fairway_stream: is one too many: fairway_limit_streams_max is 1",
  ],
};

for (const [what, [text, ...problems]] of Object.entries(WRONG)) {
  Deno.test(`a stream: ${what} is told with its line and what would be right`, async () => {
    assertEquals(await problemsOf(text), problems.map((problem) => `main.conf${problem}`));
  });
}

const VALUES: [word: string, good: string[], bad: string[]][] = [
  ["max_age", ["1s", "90m", "48h", "7d", "2w"], ["", "0d", "7", "7y", "1.5h", "-1d"]],
  ["max_bytes", ["1", "64K", "10M", "1G", "2T"], ["", "0", "1GB", "-1", "1.5G", "1g"]],
  ["max_messages", ["1", "1000000"], ["", "0", "-1", "1K"]],
  ["max_per_topic", ["1", "1000"], ["", "0", "x"]],
  ["compact", ["topic", "none"], ["", "true", "topics"]],
  ["store", ["disk", "memory"], ["", "ram"]],
];

for (const [word, good, bad] of VALUES) {
  Deno.test(`fairway_stream_${word} takes what it should, and tells what is wrong otherwise`, async () => {
    for (const value of good) {
      const configuration = await parse(`${DAY}fairway_stream_${word} ${value}\n`);
      const again = await parse(printEffective(configuration));
      assertEquals(again.streams.map(streamOptionsOf), configuration.streams.map(streamOptionsOf));
    }
    for (const value of bad) {
      const [problem = ""] = await problemsOf(`${DAY}fairway_stream_${word} ${value}\n`);
      assertStringIncludes(problem, `main.conf:4: fairway_stream_${word}: expects `);
      assertStringIncludes(problem, value === "" ? "not nothing" : `not "${value}"`);
    }
  });
}

Deno.test("--test-config prints streams as they are read, in the largest whole unit", async () => {
  const printed = printEffective(await parse(`${DAY}fairway_stream_max_bytes 2048K\n`));
  assertStringIncludes(
    printed,
    "\nfairway_stream day\nfairway_stream_topic sensors/#\nfairway_stream_max_age 1w\n" +
      "fairway_stream_max_bytes 2M\nfairway_stream_compact none\nfairway_stream_store disk\n",
  );
});

Deno.test("without persistence it is noted that a restart forgets a stream, unless it is to be in memory", async () => {
  const listener = "allow_anonymous true\n";
  assertEquals(await notesOf(`${listener}${DAY}`), [
    "2 fairway_stream without persistence true, streams are kept in memory, and a restart forgets them",
  ]);
  assertEquals(await notesOf(`${listener}${DAY}fairway_stream_store memory\n`), []);
});
