/**
 * How the source files depend on each other: which rooms use which, that no arrow runs upward, and
 * that no files form a circle but those that are named here with a reason.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { sharedFields } from "./fields.ts";
import { importsOf, readImports } from "./imports.ts";
import { circles, drawRooms, floorOf, roomOf, upwardImports } from "./rooms.ts";

const ROOT = new URL("../../", import.meta.url);

/** Pairs of files that are two halves of one concept; everything between them is a type. */
const CIRCLES: Record<string, string> = {
  "auth/authenticator.ts auth/authorizer.ts": "a grant may bring an authorizer, which is asked " +
    "about the client that was authenticated",
  "broker/delivery/local_subscriber.ts broker/delivery/local_subscription.ts":
    "the iterator of the program and what fills it",
  "broker/delivery/publish_batch.ts broker/delivery/subscriber.ts":
    "a batch leads to subscribers, which take batches",
  "broker/durable/durable_cursor.ts broker/durable/durable_log.ts": "a log and its readers",
  "log/byte_cursor.ts log/byte_log.ts": "a log and its readers",
  "log/cursor.ts log/log.ts": "a log and its readers",
  "router/audience.ts router/filter_entry.ts": "an audience is made of entries, which keep theirs",
  "router/subscription.ts router/variant.ts": "a subscription stands for a variant by itself",
  "store/batch.ts store/store.ts": "a store takes batches of changes to its tables",
};

/** The most lines of a file; what is longer holds more than one concept. */
const LINES_MAX = 350;

/** The most parameters of a constructor; more of them want an options object. */
const PARAMETERS_MAX = 6;
/** Constructors that may have more, with the reason. */
const WIDE_CONSTRUCTORS: Record<string, string> = {
  "broker/base/message.ts": "made for each PUBLISH from a view; Message.of() is for other callers",
};

/** Fields that seem to be written by another file, and what is written there instead. */
const LIKENAMED: Record<string, string> = {
  "ChunkIndex.bytes": "the counters of StreamChunks",
  "ChunkIndex.messages": "the counters of StreamChunks",
  "PublishBatch.end": "the result of handlePublishBatch()",
  "RecordView.bytes": "the counters of StreamChunks",
};

const graph = await readImports(ROOT);
const sources = new Map<string, string>();
for (const file of graph.files) {
  sources.set(file, await Deno.readTextFile(new URL(file, ROOT)));
}

Deno.test("every room has a floor", () => {
  const homeless = new Set(graph.files.map(roomOf).filter((room) => floorOf(room) < 0));
  assertEquals([...homeless], []);
});

Deno.test("a room uses the rooms below it, never above", () => {
  const upward = upwardImports(graph).map(({ from, to }) => `${from} -> ${to}`);
  assertEquals(upward, []);
});

Deno.test("no files form a circle but those that are named with a reason", () => {
  const found = circles(graph).map((files) => files.join(" ")).sort();
  assertEquals(found, Object.keys(CIRCLES).sort());
});

Deno.test("a circle in the text of two files is found", () => {
  const imports = [
    ...importsOf("a/x.ts", 'import type { Y } from "./y.ts";\n'),
    ...importsOf("a/y.ts", 'export { type X } from "../a/x.ts";\nimport "./z.ts";\n'),
  ];
  assertEquals(circles({ files: ["a/x.ts", "a/y.ts", "a/z.ts"], imports }), [["a/x.ts", "a/y.ts"]]);
});

Deno.test("an import that runs upward is found", () => {
  const imports = importsOf("log/log.ts", 'import { Broker } from "../broker/broker.ts";\n');
  assertEquals(upwardImports({ files: [], imports }), imports);
  assertEquals(
    upwardImports({ files: [], imports: importsOf("broker/broker.ts", 'import "../log/log.ts";') }),
    [],
  );
});

Deno.test(`no file has more than ${LINES_MAX} lines`, () => {
  const tooLong: Record<string, number> = {};
  for (const [file, text] of sources) {
    const lines = text.split("\n").length - 1;
    if (lines > LINES_MAX) tooLong[file] = lines;
  }
  assertEquals(tooLong, {});
});

Deno.test(`no constructor has more than ${PARAMETERS_MAX} parameters`, () => {
  const wide: string[] = [];
  for (const [file, text] of sources) {
    for (
      const [, parameters] of text.matchAll(/\n {2}(?:private )?constructor\(([^]*?)\)(?: \{|;)/g)
    ) {
      if (countParameters(parameters!) > PARAMETERS_MAX) wide.push(file);
    }
  }
  assertEquals(wide, Object.keys(WIDE_CONSTRUCTORS));
});

Deno.test("a public field that another file writes has a comment that says why", () => {
  const fields = sharedFields(graph, sources).filter(({ name }) => !(name in LIKENAMED));
  assert(fields.some(({ name }) => name === "Session.feeds"), "fields are found");
  assertEquals(
    fields.filter(({ isExplained }) => !isExplained).map(({ name, writers }) =>
      `${name}, written by ${writers.join(", ")}`
    ),
    [],
    "Say in the comment of the field, or of its class, by what it is set",
  );
});

Deno.test("a field that another file writes is found", () => {
  const sources = new Map([
    ["a/x.ts", "export class X {\n  /** Its size. */\n  size = 0;\n  readonly #y = 1;\n}\n"],
    ["a/y.ts", "export class Y {\n  /** Set by z.ts. */\n  name: string | null = null;\n}\n"],
    [
      "b/z.ts",
      'import "../a/x.ts";\nimport "../a/y.ts";\none.size += 2; this.name = two.name ??= "";',
    ],
  ]);
  const imports = [...sources].flatMap(([file, text]) => importsOf(file, text));
  assertEquals(sharedFields({ files: [...sources.keys()], imports }, sources), [
    { file: "a/x.ts", name: "X.size", writers: ["b/z.ts"], isExplained: false },
    { file: "a/y.ts", name: "Y.name", writers: ["b/z.ts"], isExplained: true },
  ]);
});

Deno.test("every file begins with a comment that says what lives there", () => {
  const silent = graph.files.filter((file) => !hasFileComment(sources.get(file)!));
  assertEquals(silent, [], "Begin these files with a line /** What lives there. */");
});

Deno.test("the comment of a declaration is none of its file", () => {
  assertEquals(hasFileComment('/** Reads logs. */\nimport { a } from "./a.ts";\n'), true);
  assertEquals(hasFileComment("/**\n * Reads logs.\n *\n * @module\n */\nconst A = 1;\n"), true);
  assertEquals(hasFileComment("/** Reads logs. */\n\n/** One. */\nconst A = 1;\n"), true);
  assertEquals(hasFileComment("/** One. */\nconst A = 1;\n"), false);
  assertEquals(hasFileComment('import { a } from "./a.ts";\n/** One. */\nconst A = 1;\n'), false);
});

Deno.test("docs/how-it-works.md draws the rooms as they are", async () => {
  const guide = await Deno.readTextFile(new URL("docs/how-it-works.md", ROOT));
  assert(
    guide.includes(drawRooms(graph)),
    `The drawing is stale; it has to be\n${drawRooms(graph)}`,
  );
});

/** Whether a file begins with a comment that is not that of its first declaration. */
function hasFileComment(text: string): boolean {
  const [, comment, next] = /^(\/\*\*[^]*?\*\/)\n(.*)/.exec(text) ?? [];
  if (comment === undefined) return false;
  return /^ \* @module$/m.test(comment) ||
    /^(?:$|import\b|export (?:type )?[{*]|\/[/*])/.test(next!);
}

/** Counts the parameters of a list; commas within types, strings and calls separate none. */
function countParameters(list: string): number {
  let depth = 0;
  let count = 0;
  let isEmpty = true;
  for (const character of list.replace(/=>/g, "").replace(/\/\/.*|\/\*[^]*?\*\//g, "")) {
    if ("([{<".includes(character)) depth++;
    else if (")]}>".includes(character)) depth--;
    if (character === "," && depth === 0) {
      if (!isEmpty) count++;
      isEmpty = true;
    } else if (character.trim() !== "") isEmpty = false;
  }
  return isEmpty ? count : count + 1;
}
