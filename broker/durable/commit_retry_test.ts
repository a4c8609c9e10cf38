import { assertEquals } from "@std/assert";
import { StoreError, StoreFullError, StoreGoneError } from "../../store/store.ts";
import { TestJournalHost } from "../testdata/journal_world.ts";
import { CommitRetry } from "./commit_retry.ts";

function world() {
  const host = new TestJournalHost();
  const retries: number[] = [];
  const retry = new CommitRetry(host, () => retries.push(host.clock.now()));
  return { host, retries, retry };
}

Deno.test("CommitRetry allows a failed commit again after a second", async () => {
  const { host, retries, retry } = world();
  retry.onCommitFailed(new StoreFullError("full"));
  assertEquals([retry.isFailing, retry.mayTry], [true, false]);
  await host.clock.advance(999);
  assertEquals(retries, []);
  await host.clock.advance(1);
  assertEquals([retries, retry.isFailing, retry.mayTry], [[1000], true, true]);
  retry.onCommitted();
  assertEquals(retry.isFailing, false);
  assertEquals(host.reports, ["commit failed", "full", "not full"]);
});

Deno.test("CommitRetry counts each failed commit, and reports each kind of reason once", () => {
  const { host, retry } = world();
  retry.onCommitFailed(new StoreFullError("full"));
  retry.onCommitFailed(new StoreFullError("full"));
  retry.onCommitFailed(new StoreGoneError("gone"));
  assertEquals(host.reports, ["commit failed", "full", "commit failed", "commit failed", "full"]);
});

Deno.test("CommitRetry reports the same reason again after a commit has succeeded", () => {
  const { host, retry } = world();
  for (let i = 0; i < 2; i++) {
    retry.onCommitFailed(new StoreFullError("full"));
    retry.onCommitted();
  }
  assertEquals(host.reports.filter((report) => report === "full").length, 2);
});

Deno.test("CommitRetry reports an unexpected reason as an error, too", () => {
  const { host, retry } = world();
  retry.onCommitFailed(new StoreError("broken"));
  assertEquals(host.reports, ["commit failed", "full", "failed StoreError: broken"]);
});

Deno.test("CommitRetry reports nothing while commits succeed", () => {
  const { host, retry } = world();
  retry.onCommitted();
  assertEquals([host.reports, retry.mayTry], [[], true]);
});

Deno.test("CommitRetry.tryNow() allows a commit at once, stop() no later one", async () => {
  const { host, retries, retry } = world();
  retry.onCommitFailed(new StoreFullError("full"));
  retry.tryNow();
  assertEquals(retry.mayTry, true);
  retry.onCommitFailed(new StoreFullError("full"));
  retry.stop();
  await host.clock.advance(10_000);
  assertEquals([retries, retry.mayTry], [[], false]);
});
