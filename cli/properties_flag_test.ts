import { assertEquals, assertThrows } from "@std/assert";
import { countPropertyWords, propertyWords, readProperties } from "./properties_flag.ts";
import { FlagError } from "./flag_error.ts";

/** What `-D` comes to, typed as on a command line. */
function read(...lines: string[]) {
  return readProperties(lines.map((line) => line.split(" ")));
}

Deno.test("readProperties() knows every word of mosquitto's", () => {
  const bytes = new TextEncoder().encode("abc");
  assertEquals(
    read(
      "connect receive-maximum 10",
      "connect maximum-packet-size 1000",
      "connect topic-alias-maximum 0",
      "connect session-expiry-interval 4294967295",
      "connect request-problem-information 0",
      "connect request-response-information 1",
      "connect authentication-method plain",
      "connect authentication-data abc",
    ).connect,
    {
      receiveMaximum: 10,
      maximumPacketSize: 1000,
      topicAliasMaximum: 0,
      sessionExpiryInterval: 0xffff_ffff,
      requestProblemInformation: false,
      requestResponseInformation: true,
      authenticationMethod: "plain",
      authenticationData: bytes,
    },
  );
  const message = {
    contentType: "text/plain",
    correlationData: bytes,
    messageExpiryInterval: 60,
    payloadFormatIndicator: 1 as const,
    responseTopic: "answers/1",
  };
  for (const command of ["publish", "will"] as const) {
    const sets = read(
      `${command} content-type text/plain`,
      `${command} correlation-data abc`,
      `${command} message-expiry-interval 60`,
      `${command} payload-format-indicator 1`,
      `${command} response-topic answers/1`,
    );
    assertEquals(sets[command], message);
  }
  assertEquals(read("will will-delay-interval 5").will, { willDelayInterval: 5 });
  assertEquals(read("subscribe subscription-identifier 268435455").subscribe, {
    subscriptionIdentifiers: [268_435_455],
  });
});

Deno.test("readProperties() keeps user properties of each packet in their order", () => {
  const commands = ["connect", "publish", "subscribe", "will"] as const;
  const lines = ["b 1", "a 2", "b 1"];
  for (const command of commands) {
    const sets = read(...lines.map((pair) => `${command} user-property ${pair}`));
    assertEquals(sets[command], { userProperties: [["b", "1"], ["a", "2"], ["b", "1"]] });
  }
});

Deno.test("countPropertyWords() counts two values for a user property, one for all others", () => {
  assertEquals(countPropertyWords(["publish", "user-property", "a", "b", "-t"]), 4);
  assertEquals(countPropertyWords(["publish", "content-type", "a", "b"]), 3);
  assertEquals(countPropertyWords([]), 3);
});

for (
  const [line, reason] of [
    ["puback user-property a b", '-D knows connect, publish, subscribe, will, not "puback"'],
    ["subscribe content-type a", "-D subscribe knows subscription-identifier, user-property, not"],
    ["will session-expiry-interval 1", "-D will knows content-type, correlation-data, message-"],
    ["publish message-expiry-interval -1", "-D publish message-expiry-interval needs a whole"],
    ["publish payload-format-indicator 2", "needs a whole number from 0 to 1"],
    ["connect request-problem-information yes", "needs a whole number from 0 to 1"],
    ["subscribe subscription-identifier 0", "needs a whole number from 1 to 268435455"],
  ] as const
) {
  Deno.test(`readProperties() refuses ${line}`, () => {
    assertThrows(() => read(line), FlagError, reason);
  });
}

Deno.test("readProperties() refuses a property that is given twice", () => {
  const twice = () => read("publish content-type a", "publish content-type b");
  assertThrows(twice, FlagError, "-D publish content-type may be given once only");
});

Deno.test("propertyWords() names properties, but no pairs", () => {
  const properties = { contentType: "a", userProperties: [["a", "b"] as const] };
  assertEquals([...propertyWords(properties)], [["content-type", "a"]]);
});
