import { assertEquals } from "@std/assert";
import { Commit, type CommitListener } from "./commit.ts";

Deno.test("Commit: what one listener throws keeps nobody from being told, nor from waiting", () => {
  for (const end of ["succeed", "fail"] as const) {
    const told: string[] = [];
    const listener = (name: string): CommitListener => ({
      onCommitted: () => void told.push(name),
      onCommitFailed: () => void told.push(name),
    });
    const fault = new Error("of a listener");
    const broken = () => {
      throw fault;
    };
    const commit = new Commit(1);
    commit.tell(listener("first"));
    commit.tell({ onCommitted: broken, onCommitFailed: broken });
    commit.tell(listener("last"));
    const reported: unknown[] = [];
    if (end === "succeed") commit.succeed((error) => reported.push(error));
    else commit.fail(new Error("no room"), (error) => reported.push(error));
    assertEquals(told, ["first", "last"]);
    assertEquals(reported, [fault]);
    assertEquals(commit.over.isClosed, true);
  }
});
