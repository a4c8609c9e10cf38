/**
 * `deno task compile` and `deno install -g`: the broker as a program.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Child, type Outcome } from "../harness/child.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const DEADLINE_MS = 120_000;
const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));

async function outcome(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  await using child = new Child(command, [...args], { cwd: ROOT, env: { NO_COLOR: "1", ...env } });
  return await child.outcome(DEADLINE_MS);
}

/** Whether the runtime for compiled programs is here, or can be downloaded. */
async function hasRuntime(): Promise<boolean> {
  const file = `v${Deno.version.deno}/denort-${Deno.build.target}.zip`;
  const { stdout } = await outcome(Deno.execPath(), ["info", "--json"]);
  const cached = `${JSON.parse(stdout).denoDir}/dl/release/${file}`;
  if (await Deno.stat(cached).then(() => true, () => false)) return true;
  try {
    const url = `https://dl.deno.land/release/${file}`;
    const signal = AbortSignal.timeout(10_000);
    return (await fetch(url, { method: "HEAD", signal })).ok;
  } catch {
    return false;
  }
}

/** The arguments of the task, with another output. */
function compileArgs(output: string): string[] {
  const words = tasks.compile.command.split(" ").slice(1);
  const args = words.map((word: string) => word === "dist/fairway" ? output : word);
  return ["compile", "--no-check", ...args.slice(1)];
}

/** Starts a program that is the broker, sees that it serves and keeps, and stops it. */
async function serves(command: string, env: Record<string, string> = {}): Promise<void> {
  const data = await Deno.makeTempDir();
  try {
    for (const answer of ["20 02 00 00", "20 02 01 00"]) {
      await using child = new Child(command, ["--port", "0", "--admin-port", "0", "--data", data], {
        cwd: data,
        env: { NO_COLOR: "1", ...env },
      });
      const [, port] = await child.waitFor(
        /listening on 127\.0\.0\.1:(\d+)/,
        "stdout",
        DEADLINE_MS,
      );
      await child.waitFor(/At most .* of memory/, "stdout", DEADLINE_MS);
      // The disk has a thread of its own, whose code is in the program.
      assertEquals(child.stdout.includes("Everything waits for the disk"), false);
      await using client = await RawClient.dial(Number(port));
      await client.send(packets.connect({ clientId: "c", clean: false }));
      await client.expect(answer);
      client.close();
      child.signal("SIGTERM");
      const { code, stderr } = await child.outcome(DEADLINE_MS);
      assertEquals([code, stderr], [0, ""]);
    }
  } finally {
    await Deno.remove(data, { recursive: true });
  }
}

const runs = await hasRuntime();

Deno.test({
  name: "deno task compile makes a program that is the broker" +
    (runs ? "" : " (ignored: the runtime for compiled programs cannot be downloaded)"),
  ignore: !runs,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const { code, stderr } = await outcome(Deno.execPath(), compileArgs(`${folder}/fairway`));
      assertEquals(code, 0, stderr);
      await serves(`${folder}/fairway`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("deno task compile takes in the worker of the store, and what is imported when needed", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // Deno itself in the place of the runtime: that program does not run, but it is made.
    const args = compileArgs(`${folder}/fairway`);
    const env = { DENORT_BIN: Deno.execPath() };
    const { code, stderr } = await outcome(Deno.execPath(), args, env);
    assertEquals(code, 0, stderr);
    for (const file of ["sqlite_worker.ts", "listen.ts", "ffi_libc.ts", "server.ts"]) {
      assert(stderr.includes(` ${file} (`), `${file}: ${stderr}`);
    }
    // What the page and tokens need of npm, and nothing of what the tests need.
    for (const name of ["htm", "uplot", "jose"]) assert(stderr.includes(` ${name}/`), stderr);
    for (const name of ["_test.ts", "playwright", "mqtt/"]) assert(!stderr.includes(name), stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "the line of the guide for deno install makes a command that is the broker",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const guide = await Deno.readTextFile(`${ROOT}docs/running.md`);
    const [, line] = /^(deno install --global [^]*?[^\\])\n/m.exec(guide)!;
    const folder = await Deno.makeTempDir();
    try {
      const [command, ...args] = line!.replace(/\\\n/g, " ").split(/\s+/).slice(1);
      const env = { DENO_INSTALL_ROOT: folder };
      const installed = await outcome(Deno.execPath(), [command!, "--force", ...args], env);
      assertEquals(installed.code, 0, installed.stderr);
      const path = `${Deno.execPath().replace(/\/[^/]+$/, "")}:${Deno.env.get("PATH")}`;
      const version = await outcome(`${folder}/bin/fairway`, ["--version"], { PATH: path });
      assertMatch(version.stdout, /^Fairway \d/);
      await serves(`${folder}/bin/fairway`, { PATH: path });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
