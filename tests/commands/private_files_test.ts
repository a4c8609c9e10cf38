/**
 * Whatever the umask is: what a server or a tool writes is its owner's alone, and what is there and
 * others can get at is told, with the cure.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { CONFIG_PERMISSIONS } from "../harness/broker_process.ts";
import { Child } from "../harness/child.ts";

const DEADLINE_MS = 30_000;
const ROOT = new URL("../../", import.meta.url).pathname;

const CONFIGURATION = `
  listener 0 FOLDER/mqtt.sock
  allow_anonymous true
  persistence true
  fairway_data_dir FOLDER/new/data
  pid_file FOLDER/fairway.pid
  log_dest file FOLDER/fairway.log
  log_dest stdout
`;

/** Starts a program of ours with a umask that takes nothing away. */
function startOpenly(program: string, ...args: string[]): Child {
  const command = ["run", ...CONFIG_PERMISSIONS, `${ROOT}${program}`, ...args];
  return new Child("sh", ["-c", 'umask 000; exec "$0" "$@"', Deno.execPath(), ...command], {
    env: { NO_COLOR: "1" },
  });
}

async function withFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Permissions by path of everything in a folder, in octal. */
async function modesIn(folder: string, below = ""): Promise<Record<string, string>> {
  const modes: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${below}`)) {
    const { mode } = await Deno.lstat(`${folder}/${below}${name}`);
    modes[below + name] = (mode! & 0o777).toString(8);
    if (isDirectory) Object.assign(modes, await modesIn(folder, `${below}${name}/`));
  }
  return modes;
}

Deno.test("what a server writes is its owner's alone with a umask of 000", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/fairway.conf`;
    await Deno.writeTextFile(file, CONFIGURATION.replaceAll("FOLDER", folder), { mode: 0o600 });
    // Damaged, for that is set aside and made anew.
    await Deno.mkdir(`${folder}/new/data`, { recursive: true, mode: 0o700 });
    await Deno.writeFile(`${folder}/new/data/fairway.db`, new Uint8Array(9000), { mode: 0o600 });
    for (let start = 1; start <= 2; start++) {
      await using server = startOpenly("server.ts", "-c", file);
      await server.waitFor(/mqtt\.sock for anyone/, "stdout", DEADLINE_MS);
      const modes = await modesIn(folder);
      for (const [path, mode] of Object.entries(modes)) {
        assertEquals(mode, /^new(\/data)?$/.test(path) ? "700" : "600", path);
      }
      const names = Object.keys(modes).map((path) => path.split("/").at(-1)!);
      for (
        const name of [
          "mqtt.sock",
          "fairway.pid",
          "fairway.log",
          "fairway.db",
          "fairway.db-wal",
          "fairway.lock",
          "fairway.reserve",
        ]
      ) assert(names.includes(name), `${name} is not there`);
      assert(!server.stdout.includes("chmod"), server.stdout);
      // Killed: the second start finds everything there, and makes a directory that is missing.
      await server.kill();
      await Deno.remove(`${folder}/new`, { recursive: true });
    }
  });
});

Deno.test("a directory and a log that others can get at are told when a server starts, with the cure", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/fairway.conf`;
    await Deno.writeTextFile(file, CONFIGURATION.replaceAll("FOLDER", folder));
    await Deno.mkdir(`${folder}/new/data`, { recursive: true });
    await Deno.writeTextFile(`${folder}/fairway.log`, "");
    await Deno.chmod(`${folder}/new/data`, 0o755);
    await Deno.chmod(`${folder}/fairway.log`, 0o644);
    await using server = startOpenly("server.ts", "-c", file);
    await server.waitFor(
      new RegExp(
        `can access ${folder}/new/data \\(its mode is 0755\\): chmod 700 ${folder}/new/data`,
      ),
      "stdout",
      DEADLINE_MS,
    );
    await server.waitFor(new RegExp(`chmod 600 ${folder}/fairway.log`), "stdout", DEADLINE_MS);
    assertEquals(server.stdout.match(/chmod/g)!.length, 2);
  });
});

Deno.test("passwd writes a file that is its owner's alone, and tells of one that is not", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/passwords`;
    {
      await using passwd = startOpenly("cli/passwd.ts", "-c", "-b", file, "ann", "secret");
      assertEquals(await passwd.outcome(DEADLINE_MS), { code: 0, stdout: "", stderr: "" });
    }
    assertEquals(await modesIn(folder), { passwords: "600" });
    await Deno.chmod(file, 0o644);
    await using passwd = startOpenly("cli/passwd.ts", "-b", file, "bob", "secret");
    const { code, stderr } = await passwd.outcome(DEADLINE_MS);
    assertEquals(code, 0);
    assertMatch(stderr, /passwords \(its mode is 0644\): chmod 600 \S+passwords\n$/);
    assertEquals(await modesIn(folder), { passwords: "644" });
  });
});
