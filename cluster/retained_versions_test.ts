import { assert, assertEquals } from "@std/assert";
import type { RetainedContent, RetainedHost } from "../broker/retained_port.ts";
import { RetainedVersions, sumOf } from "./retained_versions.ts";

/** Retained messages in a map; those of the store came at second 1. */
class Messages implements RetainedHost {
  readonly all = new Map<string, RetainedContent>();

  *topics(): Generator<string | null, void, void> {
    yield* this.all.keys();
  }

  get(topic: string): RetainedContent | null {
    return this.all.get(topic) ?? null;
  }

  readonly versions = new Map<string, number>();

  *deletions(): Generator<string, void, void> {
    for (const topic of this.versions.keys()) if (!this.all.has(topic)) yield topic;
  }

  readonly lastDeletion = 0;

  collectDeletions(): void {}

  whenStored(): Promise<boolean> {
    return Promise.resolve(true);
  }

  versionOf(topic: string): number {
    return this.versions.get(topic) ?? (this.all.has(topic) ? 1_000_000 : 0);
  }

  setVersion(topic: string, version: number): void {
    this.versions.set(topic, version);
  }

  set(): boolean {
    return false;
  }

  watch(): () => void {
    return () => {};
  }
}

function content(text: string): RetainedContent {
  const payload = new TextEncoder().encode(text);
  return { qos: 0, properties: new Uint8Array(), payload, leftMs: -1, origin: "" };
}

function world() {
  const messages = new Messages();
  const time = { nowMs: 5000 };
  return { messages, time, versions: new RetainedVersions(messages, () => time.nowMs) };
}

Deno.test("RetainedVersions gives a stored message the version that is stored with it", () => {
  const { messages, versions } = world();
  messages.all.set("a", content("x"));
  assertEquals(versions.of("a"), { version: 1_000_000, sum: sumOf(content("x")) });
  assertEquals(versions.of("b"), { version: 0, sum: 0 });
});

Deno.test("RetainedVersions gives each change a later version, also within a millisecond and when the clock goes back", () => {
  const { messages, time, versions } = world();
  const seen: number[] = [];
  const change = () => {
    versions.onChanged("a");
    seen.push(versions.of("a").version);
  };
  messages.all.set("a", content("x"));
  change();
  change();
  messages.all.delete("a");
  change();
  time.nowMs -= 100;
  change();
  messages.all.set("a", content("y"));
  change();
  assertEquals(seen[0], 5_000_000);
  assertEquals(messages.versions.get("a"), seen.at(-1), "it is stored");
  assertEquals(seen, seen.toSorted((a, b) => a - b));
  assertEquals(new Set(seen).size, 5);
});

Deno.test("RetainedVersions decides between two states in the same way on every node", () => {
  const states = [content("x"), content("y"), null].flatMap((one) =>
    [5_000_000, 6_000_000].map((version) => ({ one, version, sum: one === null ? 0 : sumOf(one) }))
  );
  for (const here of states) {
    for (const there of states) {
      if (here === there) continue;
      const isLater = [[here, there], [there, here]].map(([own, other]) => {
        const { messages, versions } = world();
        if (own!.one !== null) messages.all.set("a", own!.one);
        versions.note("a", own!.version);
        return versions.isLater("a", other!);
      });
      assert(isLater[0] !== isLater[1], JSON.stringify([here, there]));
    }
  }
});

Deno.test("RetainedVersions has the version of a deletion stored, and tells of its topic", () => {
  const { messages, versions } = world();
  versions.onChanged("a");
  assertEquals(messages.versions.get("a"), 5_000_000);
  assertEquals(versions.of("a"), { version: 5_000_000, sum: 0 });
  assertEquals([...versions.others()], ["a"]);
});

Deno.test("RetainedVersions gives a change a later version than every one that was seen, also while the clock is behind", () => {
  const { messages, time, versions } = world();
  messages.all.set("stored", content("x"));
  messages.versions.set("stored", 9_000_000);
  versions.of("stored");
  messages.all.delete("stored");
  versions.onChanged("stored");
  assertEquals(versions.of("stored"), { version: 9_000_001, sum: 0 });
  versions.note("of another node", 12_000_000);
  versions.onChanged("a");
  assertEquals(versions.of("a").version, 12_000_001);
  time.nowMs = 20_000;
  versions.onChanged("a");
  assertEquals(versions.of("a").version, 20_000_000);
});

Deno.test("RetainedVersions tells of topics that # does not match [MQTT-4.7.2-1]", () => {
  const { messages, versions } = world();
  for (const topic of ["a", "$shop/a"]) {
    messages.all.set(topic, content("x"));
    versions.onChanged(topic);
  }
  assertEquals([...versions.others()], ["$shop/a"]);
});

Deno.test("RetainedVersions knows nothing of what has expired", () => {
  const { messages, versions } = world();
  messages.all.set("a", content("x"));
  versions.onChanged("a");
  messages.all.delete("a");
  messages.versions.delete("a");
  versions.onExpired("a");
  assertEquals([versions.of("a").version, [...versions.others()]], [0, []]);
});

Deno.test("sumOf() depends on every part of a message, and on both ends of a large one", () => {
  const large = (first: number, last: number) => {
    const payload = new Uint8Array(100_000);
    payload[0] = first;
    payload[99_999] = last;
    return { ...content(""), payload };
  };
  const all = [
    content(""),
    content("x"),
    content("y"),
    { ...content("x"), qos: 1 as const },
    { ...content(""), properties: Uint8Array.of(120) },
    large(0, 0),
    large(1, 0),
    large(0, 1),
  ].map(sumOf);
  assertEquals(new Set(all).size, all.length);
  assert(!all.includes(0));
});
