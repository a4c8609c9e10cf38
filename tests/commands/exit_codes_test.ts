/**
 * Every command has exit code 2, and a line that says why, for a command line that makes no sense.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { Child } from "../harness/child.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const DEADLINE_MS = 30_000;

const COMMANDS: readonly (readonly [string, readonly string[]])[] = [
  ["server.ts", ["--nonsense"]],
  ["server.ts", ["nonsense"]],
  ["cli/pub.ts", ["--nonsense"]],
  ["cli/pub.ts", ["-t", "a", "-m", "b", "-q", "nonsense"]],
  ["cli/sub.ts", ["--nonsense"]],
  ["cli/sub.ts", ["-t", "a", "-F", "%nonsense"]],
  ["cli/health.ts", ["nonsense"]],
  ["cli/ticktock.ts", ["--nonsense"]],
  ["cli/passwd.ts", ["--nonsense"]],
  ["cli/passwd.ts", ["nonsense"]],
  ["cli/token.ts", ["--nonsense"]],
  ["cli/token.ts", ["file", "name", "nonsense"]],
  ["tests/crash/run.ts", ["--nonsense"]],
  ["tests/crash/run.ts", ["--rounds", "nonsense"]],
  ["tests/docs/write.ts", ["--nonsense"]],
  ["tests/fuzz/fuzz.ts", ["--nonsense"]],
  ["tests/fuzz/fuzz.ts", ["--minutes", "nonsense"]],
  ["tests/fuzz/fuzz.ts", ["--inputs", "nonsense"]],
  ["tests/spec/report.ts", ["--nonsense"]],
  ["tests/spec/mutants/run.ts", ["--nonsense"]],
  ["bench/pingtest.ts", ["--nonsense"]],
  ["bench/loadtest.ts", ["--nonsense"]],
  ["bench/many.ts", ["--nonsense"]],
  ["bench/fanout.ts", ["--nonsense"]],
  ["bench/compare.ts", ["--nonsense"]],
  ["bench/compare.ts", ["--flashmq", "nonsense"]],
  ["bench/durable.ts", ["nonsense"]],
  ["bench/replay.ts", ["--nonsense"]],
  ["bench/ring.ts", ["--nonsense"]],
  ["bench/ring.ts", ["nonsense"]],
  ["bench/store.ts", ["--nonsense"]],
  ["bench/streams.ts", ["--nonsense"]],
  ["bench/idle.ts", ["nonsense"]],
  ["bench/login_storm.ts", ["nonsense"]],
  ["bench/leaks.ts", ["--nonsense"]],
  ["bench/leaks.ts", ["--rounds", "nonsense"]],
  ["bench/memory_attacks.ts", ["--nonsense"]],
  ["bench/million.ts", ["nonsense"]],
  ["bench/stalls.ts", ["--nonsense"]],
];

for (const [command, args] of COMMANDS) {
  Deno.test(`${command} ${args.join(" ")} is refused in one line, with exit code 2`, async () => {
    const flags = ["run", "--allow-all", "--no-check", "--no-lock", `${ROOT}${command}`, ...args];
    await using child = new Child(Deno.execPath(), flags, { env: { NO_COLOR: "1" } });
    const { code, stdout, stderr } = await child.outcome(DEADLINE_MS);
    assertEquals([code, stdout], [2, ""], stderr);
    assertMatch(
      stderr,
      /^[^\n]*nonsense[^\n]*\n$|^USER is missing [^\n]*\n$|^-F does not know %n[^\n]*\n$/,
    );
  });
}

Deno.test("every command is tried", async () => {
  const config = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const tasks = Object.values<{ command: string }>(config.tasks);
  const named = tasks.flatMap(({ command }) => command.match(/\S+\.ts(?=\s|$)/g) ?? []);
  const tried = new Set(COMMANDS.map(([command]) => command));
  const others = named.filter((file) =>
    /^(server|cli|tests|bench)\b/.test(file) && !tried.has(file)
  );
  assertEquals(others, []);
});
