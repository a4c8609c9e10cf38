import { assertEquals, assertThrows } from "@std/assert";
import { Batch } from "../store/batch.ts";
import { RecordWriter, textOfKey } from "../store/record.ts";
import { StoreError } from "../store/store.ts";
import { Random } from "../tests/harness/random.ts";
import { readGroupRow, writeGroupRow } from "./group_row.ts";
import { type GroupState, PendingMessage, StreamGroup } from "./stream_group.ts";
import { StreamGroups } from "./stream_groups.ts";

const NEW: GroupState = { name: "g", filter: "t/#", isExclusive: false, next: 1, pending: [] };

/** A group, and how often it had to be stored. */
function groupOf(state: Partial<GroupState> = {}) {
  const counts = { changes: 0 };
  const group = new StreamGroup({ ...NEW, ...state }, () => void counts.changes++);
  return { group, counts };
}

function seqsOf(group: StreamGroup): number[] {
  return [...group.pending()].map(({ seq }) => seq);
}

Deno.test("StreamGroup: what is settled in any order moves the floor as far as it is complete", () => {
  const { group, counts } = groupOf();
  const [one, two, three] = [group.add(1), group.add(2), group.add(5)];
  assertEquals([group.next, group.floor, group.size, counts.changes], [6, 1, 3, 0]);
  assertEquals(group.settle(two), true);
  assertEquals([group.floor, counts.changes], [1, 1]);
  group.settle(one);
  assertEquals(group.floor, 5);
  assertEquals(group.settle(one), false);
  group.settle(three);
  assertEquals([group.floor, group.size, counts.changes], [6, 0, 3]);
});

Deno.test("StreamGroup: what it passes without giving it is stored seldom", () => {
  const { group, counts } = groupOf();
  group.passTo(4000);
  assertEquals([group.next, counts.changes], [4000, 0]);
  group.passTo(4097);
  assertEquals(counts.changes, 1);
  group.takeState();
  group.passTo(5000);
  group.passTo(3);
  assertEquals([group.next, counts.changes], [5000, 1]);
});

Deno.test("StreamGroup: moveTo() forgets what is pending, also if the same message is given again", () => {
  const { group } = groupOf();
  const old = group.add(3);
  group.moveTo(9, [3, 7]);
  assertEquals([seqsOf(group), group.floor, group.next], [[3, 7], 3, 9]);
  assertEquals([group.isPending(old), group.settle(old)], [false, false]);
  assertEquals(seqsOf(group), [3, 7]);
});

Deno.test("the row of a group is read as it was written, whatever is pending", () => {
  const random = new Random(1);
  for (let run = 0; run < 200; run++) {
    const pending: PendingMessage[] = [];
    let seq = 0;
    for (let left = random.integer(0, 40); left > 0; left--) {
      seq += random.chance(0.7) ? 1 : random.integer(2, 2 ** 40);
      pending.push(new PendingMessage(seq, random.integer(0, 3)));
    }
    const next = seq + random.integer(1, 1000);
    const idleSinceMs = random.chance(0.5) ? 0 : 1_795_000_000_000;
    const state = { ...NEW, isExclusive: random.chance(0.5), next, pending, idleSinceMs };
    const writer = new RecordWriter();
    writeGroupRow(writer, state);
    assertEquals(readGroupRow("g", writer.bytes), state);
    const cut = writer.bytes.slice(0, random.integer(0, writer.bytes.length - 1));
    assertThrows(() => readGroupRow("g", cut), StoreError);
  }
});

Deno.test("a window of a thousand messages takes a few bytes in the row", () => {
  const pending = Array.from({ length: 1000 }, (_, i) => new PendingMessage(10_000 + i, 1));
  const writer = new RecordWriter();
  writeGroupRow(writer, { ...NEW, next: 11_000, pending });
  assertEquals(writer.bytes.length < 20, true);
});

Deno.test("a row that makes no sense is refused, and takes no memory", () => {
  const random = new Random(2);
  for (let run = 0; run < 2000; run++) {
    try {
      readGroupRow("g", random.bytes(random.integer(0, 40)));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }
  const writer = new RecordWriter();
  writer.number(1).text("#").number(0).number(2 ** 50).number(1).number(1).number(2 ** 45).number(
    1,
  );
  assertThrows(() => readGroupRow("g", writer.bytes), StoreError, "makes no sense");
});

Deno.test("StreamGroups: a failed commit is written again, with the state of then", () => {
  let changes = 0;
  const groups = new StreamGroups(7, [], () => void changes++);
  const group = groups.add(NEW);
  const rowsOf = () => {
    const batch = new Batch();
    groups.write(batch, new RecordWriter());
    return [...batch].map((change) =>
      change.kind === "put"
        ? readGroupRow(textOfKey(change.key), change.value).next
        : `${change.kind} ${change.kind === "remove" ? textOfKey(change.key) : ""}`
    );
  };
  assertEquals([rowsOf(), changes], [[1], 1]);
  groups.onWriteFailed();
  group.settle(group.add(1));
  assertEquals(rowsOf(), [2]);
  assertEquals(rowsOf(), []);
  assertEquals([groups.remove("g"), groups.remove("g")], [true, false]);
  assertEquals(rowsOf(), ["remove g"]);
  group.markChanged();
  assertEquals(rowsOf(), []);
});
