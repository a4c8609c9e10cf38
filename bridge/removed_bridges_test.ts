import { assertEquals } from "@std/assert";
import { endRemoved, SESSION_MARK, type SessionOfAny } from "./removed_bridges.ts";

function session(clientId: string, filters: string[], isConnected = false): SessionOfAny {
  return {
    clientId,
    isConnected,
    subscriptionCount: filters.length,
    subscriptions: () => filters.map((filter) => ({ filter })),
  };
}

Deno.test("endRemoved() ends marked sessions of nobody, and rests between many", async () => {
  const ended: string[] = [];
  let turns = 0;
  const clients = Array.from({ length: 1200 }, (_, n) => session(`client ${n}`, ["a/#"]));
  const found = await endRemoved({
    sessions: () => [
      ...clients,
      session("wildcard", ["$SYS/#"]),
      session("none", []),
      session("here", ["a", SESSION_MARK], true),
      session("known", ["a", SESSION_MARK]),
      session("gone", ["a", SESSION_MARK]),
    ],
    endSession: (clientId) => void ended.push(clientId),
    nextTurn: () => Promise.resolve(void turns++),
  }, (clientId) => clientId === "known");
  assertEquals([found, ended, turns], [["gone"], ["gone"], 2]);
});
