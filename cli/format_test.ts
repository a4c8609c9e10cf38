import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import type { ClientMessage } from "../client/mod.ts";
import { parseFormat, plainFormat } from "./format.ts";
import { TIME_LETTERS } from "./format_time.ts";
import { PayloadError } from "./json_message.ts";
import { FlagError } from "./flag_error.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const DATE = new Date(2016, 7, 10, 9, 47, 38, 786);

function message(payload: string | Uint8Array, parts: Partial<ClientMessage> = {}): ClientMessage {
  return {
    topic: "sea/wind",
    payload: typeof payload === "string" ? encoder.encode(payload) : payload,
    qos: 0,
    retain: false,
    dup: false,
    packetId: 0,
    properties: {},
    ...parts,
  };
}

const FULL = message("gale", {
  qos: 1,
  retain: true,
  packetId: 7,
  properties: {
    contentType: "text/plain",
    correlationData: encoder.encode("abc"),
    messageExpiryInterval: 30,
    payloadFormatIndicator: 1,
    responseTopic: "answers/1",
    subscriptionIdentifiers: [3],
    userProperties: [["a", "b"], ["a", "c"]],
  },
});

function print(format: string, of: ClientMessage = FULL): string {
  return decoder.decode(parseFormat(format, "")(of, DATE));
}

for (
  const [format, text] of [
    ["", ""],
    ["plain", "plain"],
    ["%t %p", "sea/wind gale"],
    ["%x|%X", "67616c65|67616C65"],
    ["%l %q %r %m %%", "4 1 1 7 %"],
    ["%C %D %E %F %R %S %A", "text/plain abc 30 1 answers/1 3 "],
    ["%P", "a:b a:c"],
    ["%10t|%-10t|%3t", "  sea/wind|sea/wind  |sea/wind"],
    ["%5.2t|%-5.2t|%.3t", "   se|se   |sea"],
    ["%08l|%-08l|%3q|%03m", "00000004|4       |  1|007"],
    ["%012x|%08t", "000067616c65|sea/wind"],
    ["%6p|%-6p|%.2p", "  gale|gale  |gale"],
    ["@Y-@m-@d @H:@M:@S", "2016-08-10 09:47:38"],
    ["@a @A @b @B @y @I@p", "Wed Wednesday Aug August 16 09AM"],
    ["@D @F @T @N @@", "08/10/16 2016-08-10 09:47:38 786000000 @"],
    ["%t\\n\\t\\\\\\r", "sea/wind\n\t\\\r"],
    ["\\0\\a\\e\\v", "\0\x07\x1b\x0b"],
    ["é%té", "ésea/windé"],
  ] as const
) {
  Deno.test(`parseFormat() prints ${JSON.stringify(format)}`, () => {
    assertEquals(print(format), text);
  });
}

Deno.test("parseFormat() prints nothing where a message has no property", () => {
  assertEquals(print("<%C%D%E%F%P%R%S%A>", message("")), "<>");
});

Deno.test("parseFormat() prints times", () => {
  assertMatch(print("%I"), /^2016-08-10T09:47:38[+-]\d{4}$/);
  assertMatch(print("@z"), /^[+-]\d{4}$/);
  assertEquals(print("%U"), `${Math.floor(DATE.getTime() / 1000)}.786000000`);
  assertEquals(print("@s"), `${Math.floor(DATE.getTime() / 1000)}`);
  for (const letter of TIME_LETTERS) assertMatch(print(`@${letter}`), /^[^@]+$/);
});

Deno.test("parseFormat() passes any payload on byte for byte", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  assertEquals(parseFormat("%p", "")(message(bytes), DATE), bytes);
  assertEquals(plainFormat(false, "")(message(bytes), DATE), bytes);
});

Deno.test("plainFormat() prints the payload, or the topic before it", () => {
  const of = message("calm");
  assertEquals(decoder.decode(plainFormat(false, "\n")(of, DATE)), "calm\n");
  assertEquals(decoder.decode(plainFormat(true, "")(of, DATE)), "sea/wind calm");
});

for (const format of ["%y", "%", "100%", "%é", "@k", "@", "\\q", "\\", "%5"]) {
  Deno.test(`parseFormat() refuses ${format} and tells what it knows`, () => {
    assertThrows(() => parseFormat(format, ""), FlagError, "-F does not know");
  });
}

Deno.test("parseFormat() prints JSON with the names of mosquitto_sub", () => {
  const { tst, ...rest } = JSON.parse(print("%j"));
  assertMatch(tst, /^2016-08-10T09:47:38\.786000[+-]\d{4}$/);
  assertEquals(rest, {
    topic: "sea/wind",
    qos: 1,
    retain: 1,
    payloadlen: 4,
    mid: 7,
    properties: {
      "user-properties": { a: ["b", "c"] },
      "content-type": "text/plain",
      "correlation-data": "abc",
      "message-expiry-interval": 30,
      "payload-format-indicator": 1,
      "response-topic": "answers/1",
      "subscription-identifier": 3,
    },
    payload: "gale",
  });
});

Deno.test("parseFormat() leaves out of JSON what there is not", () => {
  const { tst: _, ...rest } = JSON.parse(print("%j", message("")));
  assertEquals(rest, { topic: "sea/wind", qos: 0, retain: 0, payloadlen: 0, payload: null });
});

Deno.test("parseFormat() keeps user properties of strange names", () => {
  const properties = { userProperties: [["__proto__", "a"], ["constructor", "b"]] as const };
  const text = print(
    "%j",
    message("", { properties: { userProperties: [...properties.userProperties] } }),
  );
  const expected = '"user-properties":{"__proto__":"a","constructor":"b"}';
  assertEquals(text.includes(expected), true, text);
});

Deno.test("parseFormat() prints a JSON payload as it is, large numbers and all", () => {
  const payload = ' {"n":12345678901234567890.5} ';
  assertEquals(print("%J", message(payload)).endsWith(`"payload":${payload.trim()}}`), true);
  assertEquals(JSON.parse(print("%J", message(""))).payload, null);
  const pretty = parseFormat("%J", "", "  ")(message('{"a":1}'), DATE);
  assertEquals(decoder.decode(pretty).split("\n").length, 10);
});

Deno.test("parseFormat() refuses to print as JSON what is none", () => {
  assertThrows(() => print("%J"), PayloadError, "not valid JSON on topic sea/wind");
});
