import { assert, assertEquals } from "@std/assert";
import { ReasonCode, type SubscribePacket, type UserProperty } from "../../codec/mod.ts";
import { declarationOf, type StreamOptions } from "../stream/stream_options.ts";
import { TestConnection } from "../testdata/test_connection.ts";
import { planReplays } from "./plan_replays.ts";

const { ImplementationSpecificError, TopicFilterInvalid } = ReasonCode;
const DAY: StreamOptions = { name: "day", filters: ["s/#"], maxMessages: 10 };
const WEEK: StreamOptions = { name: "week", filters: ["s/#"], exclude: ["s/x"], maxMessages: 10 };
const ALARMS: StreamOptions = {
  name: "alarms",
  filters: ["alarm/+"],
  maxMessages: 10,
  exclusiveGroups: ["one"],
};
const NOW_MS = Date.UTC(2026, 10, 29);

/** Plans a SUBSCRIBE of these filters at a broker with these streams. */
function planned(
  filters: string[],
  user: UserProperty[] = [],
  { streams = [DAY, ALARMS], mountPoint = "" }: { streams?: StreamOptions[]; mountPoint?: string } =
    {},
) {
  const declared = streams.map((options) => ({ declaration: declarationOf(options) }));
  const get = (name: string) => declared.find(({ declaration }) => declaration.name === name);
  const connection = new TestConnection({
    host: { streams: { declared, get } },
    broker: { wallClock: () => NOW_MS },
    ...(mountPoint === "" ? {} : { rules: { mountPoint } }),
  });
  const packet: SubscribePacket = {
    type: "subscribe",
    packetId: 1,
    properties: user.length === 0 ? {} : { userProperties: user },
    subscriptions: filters.map((filter) => ({
      ...{ filter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    })),
  };
  const plans = planReplays(connection.asClient, packet);
  return { plans, filters: packet.subscriptions.map(({ filter }) => filter) };
}

/** The plan of the only filter, which must be one for a stream. */
function planOf(...args: Parameters<typeof planned>) {
  const { plans } = planned(...args);
  assertEquals(plans?.length, 1);
  return plans![0]!;
}

function faultOf(...args: Parameters<typeof planned>): string {
  const { code, text } = planOf(...args);
  assert(code === TopicFilterInvalid || code === ImplementationSpecificError);
  return text;
}

Deno.test("planReplays() plans nothing for filters that read no stream", () => {
  assertEquals(planned(["s/#", "$share/g/s/+"]), { plans: null, filters: ["s/#", "$share/g/s/+"] });
  assertEquals(planned(["s/#"], [["color", "blue"]]).plans, null);
});

Deno.test("planReplays() reads stream, position and filter of $replay/…, beside other filters", () => {
  const { plans, filters } = planned(["a", "$replay/day/after=7/s/+"]);
  assertEquals(filters, ["a", "s/+"]);
  assertEquals(plans![0], null);
  const { code, stream, request, position, group, isResumed } = plans![1]!;
  assertEquals([code, stream!.declaration.name, group, isResumed], [0, "day", null, false]);
  assertEquals(position, { kind: "from", seq: 8 });
  assertEquals(request, {
    key: "$replay/day/after=7/s/+",
    stream: "day",
    position: "after=7",
    filter: "s/+",
    prefix: "$replay/day/after=7/",
    mountBytes: 0,
  });
});

Deno.test("planReplays() says what is wrong with $replay/…", () => {
  for (const filter of ["$replay/", "$replay/day", "$replay/day/latest", "$replay/day/latest/"]) {
    assertEquals(faultOf([filter]), "use $replay/STREAM/POSITION/FILTER");
  }
  assertEquals(faultOf(["$replay/day/latest/a#"]), "use $replay/STREAM/POSITION/FILTER");
  assertEquals(
    faultOf(["$replay/year/latest/#"]),
    'There is no stream "year"; there are: day, alarms',
  );
  assertEquals(
    faultOf(["$replay/day/latest/#"], [], { streams: [] }),
    'There is no stream "day"; there is none',
  );
  const text = faultOf(["$replay/day/yesterday/#"]);
  assert(text.startsWith('"yesterday" is no position; use earliest, latest, '), text);
  assert(text.endsWith(", or resume"), text);
  assertEquals(planOf(["$replay/day/latest/a#"]).code, TopicFilterInvalid);
});

Deno.test("planReplays() finds the stream that has all topics of a filter", () => {
  const plan = planOf(["s/kitchen"], [["stream-offset", "earliest"]]);
  assertEquals([plan.code, plan.stream!.declaration.name], [0, "day"]);
  assertEquals(plan.position, { kind: "earliest" });
  assertEquals([plan.request!.key, plan.request!.prefix], ["s/kitchen", ""]);
  // A stream without the position begins with what comes from now on.
  assertEquals(planOf(["s/kitchen"], [["stream-name", "day"]]).position, { kind: "latest" });
});

Deno.test("planReplays() asks for stream-name where several streams have the topics", () => {
  const streams = [DAY, WEEK];
  const offset: UserProperty = ["stream-offset", "last=1"];
  assertEquals(
    faultOf(["s/#"], [offset], { streams: [DAY, { ...WEEK, exclude: [] }] }),
    "Several streams have them: choose one with stream-name: day, week",
  );
  const named = planOf(["s/y"], [offset, ["stream-name", "week"]], { streams });
  assertEquals(named.stream!.declaration.name, "week");
  // The stream that excludes the topic is not meant.
  assertEquals(planOf(["s/x"], [offset], { streams }).stream!.declaration.name, "day");
});

Deno.test("planReplays() says which stream a filter of 5.0 lacks", () => {
  const offset: UserProperty = ["stream-offset", "latest"];
  assertEquals(faultOf(["b"], [offset]), 'No stream has all topics of "b"');
  assertEquals(
    faultOf(["b"], [["stream-name", "day"]]),
    'No stream "day" has all topics of "b"',
  );
  assertEquals(
    faultOf(["b"], [["stream-name", "year"]]),
    'There is no stream "year"; there are: day, alarms',
  );
  assertEquals(planOf(["b"], [offset]).code, ImplementationSpecificError);
});

Deno.test("planReplays() takes a stream without topics of its own by its name only", () => {
  const streams = [DAY, { ...WEEK, filters: [], exclude: [] }];
  const offset: UserProperty = ["stream-offset", "latest"];
  const named = planOf(["#"], [offset, ["stream-name", "week"]], { streams });
  assertEquals([named.code, named.stream!.declaration.name], [0, "week"]);
  assertEquals(faultOf(["#"], [offset], { streams }), 'No stream has all topics of "#"');
});

Deno.test("planReplays() reads resume with and without a position to begin with", () => {
  const resumed = planOf(["$replay/day/resume/s/#"]);
  assertEquals([resumed.isResumed, resumed.position], [true, { kind: "latest" }]);
  const since = planOf(["$replay/day/resume,since=1h/s/#"]);
  assertEquals(since.position, { kind: "since", timeMs: NOW_MS - 3_600_000 });
  assertEquals(since.isResumed, true);
});

Deno.test("planReplays() reads the group of $share/…, and whether it is exclusive", () => {
  const { plans, filters } = planned(["$share/g/$replay/day/earliest/s/#"]);
  assertEquals(filters, ["$share/g/s/#"]);
  assertEquals(plans![0]!.group, { name: "g", isExclusive: null });
  const offset: UserProperty = ["stream-offset", "earliest"];
  const exclusive = (value: string) =>
    planOf(["$share/g/s/#"], [offset, ["group-exclusive", value]]);
  assertEquals(exclusive("true").group, { name: "g", isExclusive: true });
  assertEquals(exclusive("false").group, { name: "g", isExclusive: false });
  assertEquals(exclusive("yes").text, "group-exclusive is true or false");
  assertEquals(exclusive("yes").code, ImplementationSpecificError);
  // The declaration of the stream says it where the client does not.
  assertEquals(planOf(["$share/one/alarm/+"], [offset]).group, { name: "one", isExclusive: true });
});

Deno.test("planReplays() plans below a mount point", () => {
  const streams = [{ ...DAY, filters: ["hall/#"] }];
  const { plans, filters } = planned(
    ["$share/g/$replay/day/latest/s/#", "s/x"],
    [["stream-offset", "latest"]],
    { streams, mountPoint: "hall/" },
  );
  assertEquals(filters, ["$share/g/s/#", "s/x"]);
  assertEquals(plans![0]!.group!.name, "hall/g");
  const { request } = plans![1]!;
  assertEquals([request!.key, request!.filter, request!.mountBytes], ["hall/s/x", "s/x", 5]);
});
