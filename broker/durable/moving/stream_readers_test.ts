import { assertEquals } from "@std/assert";
import { Batch } from "../../../store/batch.ts";
import { MemoryStore } from "../../../store/mod.ts";
import { numberKey, RecordWriter } from "../../../store/record.ts";
import type { Variant } from "../../../router/variant.ts";
import { readerClientId } from "../../base/stream_reader.ts";
import type { ReplayRecord } from "../../session/session_replays.ts";
import type { ExchangeRecord, SessionRecord } from "../session_record.ts";
import { writeMovedSession } from "./moved_session.ts";
import { StreamReaders } from "./stream_readers.ts";

const VARIANT: Variant = {
  qos: 2,
  identifiers: null,
  retainAsPublished: false,
  retained: false,
  shared: null,
};
const SOURCE = { key: "k", stream: "day", streamId: 1, prefix: "", mountBytes: 0 };

function session(clientId: string, more: Partial<SessionRecord>): SessionRecord {
  return {
    ...{
      stamp: 9,
      clientId,
      expirySeconds: 60,
      disconnectedWallMs: 5,
      isLeaving: false,
      lastId: 7,
    },
    ...{ readers: [], exchanges: [], inboundIds: [], feeds: [], replays: [], places: new Map() },
    ...more,
  };
}

function exchange(packetId: number, phase: ExchangeRecord["phase"]): ExchangeRecord {
  return { packetId, phase, qos: 2, logId: 0, position: 0, variant: VARIANT };
}

function replay(key: string, more: Partial<ReplayRecord> = {}): ReplayRecord {
  return {
    ...{ key, stream: "day", position: "latest", filter: key, prefix: "", mountBytes: 0, qos: 1 },
    ...{ identifier: 3, noLocal: false, at: 12, until: 0, lost: null, group: "" },
    isExclusive: false,
    ...more,
  };
}

Deno.test("what stays with the client has the filter as the client knows it", async () => {
  const readers = await StreamReaders.open(new MemoryStore());
  const replays = [
    replay("häuser/s/#", { mountBytes: 8 }),
    replay("$share/g/häuser/s/#", { mountBytes: 8, group: "g" }),
    replay("$replay/day/latest/s/#", { prefix: "$replay/day/latest/", mountBytes: 8 }),
  ];
  const { own, reader } = await readers.split(session("ann", { replays }), () => {
    throw new Error("Nothing is in flight");
  });
  assertEquals(own.replays.map(({ key, filter, position }) => [key, filter, position]), [
    ["s/#", "häuser/s/#", ""],
    ["$share/g/s/#", "$share/g/häuser/s/#", ""],
    ["$replay/day/latest/s/#", "$replay/day/latest/s/#", ""],
  ]);
  assertEquals(reader!.replays, replays);
  assertEquals(reader!.clientId, readerClientId("ann"));
});

Deno.test("a packet identifier that both sessions use stays with the message that the client knows", async () => {
  const store = new MemoryStore();
  const place = { source: SOURCE, seq: 4, gap: null };
  const reading = session(readerClientId("ann"), {
    exchanges: [exchange(2, "pubrec"), exchange(3, "pubcomp"), exchange(40_000, "pubrec")],
    places: new Map([[2, place], [40_000, { ...place, seq: 5 }]]),
    replays: [replay("s/#")],
  });
  const writer = new RecordWriter();
  writeMovedSession(writer, reading);
  const batch = new Batch();
  batch.put("sessions", numberKey(1), writer.bytes);
  await store.commit(batch);
  const readers = await StreamReaders.open(store);
  const own = session("ann", { exchanges: [exchange(2, "pubrec"), exchange(3, "puback")] });
  const { exchanges, places, replays } = (await readers.joined(own))!;
  assertEquals(exchanges.map(({ packetId, phase }) => [packetId, phase]), [
    [2, "pubrec"],
    [3, "puback"],
    [1, "pubrec"],
    [40_000, "pubrec"],
  ]);
  assertEquals([...places].map(([id, { seq }]) => [id, seq]), [[1, 4], [40_000, 5]]);
  assertEquals(replays, reading.replays);
  assertEquals(await readers.joined(session("bob", {})), null);
});
