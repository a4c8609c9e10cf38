/**
 * Services of operating systems: the files are checked by the tools that there are, and their
 * commands are run.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Child, type Outcome } from "../harness/child.ts";
import { PYTHON } from "../harness/tools.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const DEADLINE_MS = 180_000;
/** How exposed systemd may find the service, in tenths; 100 is the worst. */
const EXPOSURE_MAX = 20;

async function outcome(command: string, args: string[], cwd = ROOT): Promise<Outcome> {
  await using child = new Child(command, args, { cwd, env: { NO_COLOR: "1" } });
  return await child.outcome(DEADLINE_MS);
}

function isThere(command: string): boolean {
  try {
    return new Deno.Command(command, { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The values of a key of a unit. */
function valuesOf(unit: string, key: string): string[] {
  return [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value]) => value!);
}

/** Starts a command in a folder of its own, with its files there, and stops it. */
async function starts(words: readonly string[]): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.mkdir(`${folder}/state`);
    await Deno.writeTextFile(
      `${folder}/fairway.conf`,
      (await Deno.readTextFile(`${ROOT}deploy/systemd/fairway.conf`))
        .replaceAll("/var/lib/fairway", `${folder}/state`).replace(/1883|9883/g, "0"),
    );
    const args = words.slice(1).map((word) =>
      word.replace(/\/(?:var\/lib|usr\/local\/var)\/fairway/, `${folder}/state`)
        .replace(/^\/.*\.conf$/, `${folder}/fairway.conf`).replace(/^.*server\.ts$/, "server.ts")
    );
    await using child = new Child(Deno.execPath(), args, { cwd: ROOT, env: { NO_COLOR: "1" } });
    await child.waitFor(/Listening on http:/, "stderr", DEADLINE_MS);
    child.signal("SIGTERM");
    const { code, stderr } = await child.outcome(DEADLINE_MS);
    assertEquals(code, 0, stderr);
    assertEquals(/WARNING|allow-/.test(stderr), false, stderr);
    assert((await Deno.stat(`${folder}/state/fairway.db`)).isFile);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const unit = await Deno.readTextFile(`${ROOT}deploy/systemd/fairway.service`);

Deno.test("the unit of systemd starts the broker, with the permissions it needs and its configuration", async () => {
  const [command] = valuesOf(unit, "ExecStart");
  await starts(command!.split(" "));
  assertEquals(valuesOf(unit, "Type"), ["notify"]);
  // systemd-notify is a child of the broker.
  assertEquals(valuesOf(unit, "NotifyAccess"), ["all"]);
  assertMatch(command!, /--allow-run=\S*systemd-notify/);
  assertMatch(command!, /--allow-env=NOTIFY_SOCKET,WATCHDOG_USEC/);
});

Deno.test({
  name: "systemd finds no fault in the unit, and finds it hardened",
  ignore: !isThere("systemd-analyze"),
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      // Wherever Deno is here.
      const file = `${folder}/fairway.service`;
      await Deno.writeTextFile(file, unit.replace("/usr/bin/deno", Deno.execPath()));
      const { code, stdout, stderr } = await outcome("systemd-analyze", ["verify", file]);
      assertEquals([code, stdout, stderr], [0, "", ""]);
      const flags = ["security", "--offline=true", `--threshold=${EXPOSURE_MAX}`, file];
      const security = await outcome("systemd-analyze", flags);
      assertEquals(security.code, 0, security.stdout);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "the script of OpenRC is one of a shell, and starts the broker",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const script = `${ROOT}deploy/openrc/fairway.initd`;
    const { code, stdout, stderr } = await outcome("sh", [
      ...["-e", "-u", "-c"],
      '. "$1"; depend() { :; }; printf "%s %s\\n%s\\n%s\\n" ' +
      '"$command" "$command_args" "$supervisor" "$command_user"',
      ...["sh", script],
    ]);
    assertEquals([code, stderr], [0, ""]);
    const [command, supervisor, user] = stdout.trim().split("\n");
    assertEquals([supervisor, user], ["supervise-daemon", "fairway:fairway"]);
    await starts(command!.split(" "));
    const names = [...(await Deno.readTextFile(`${ROOT}deploy/openrc/fairway.confd`))
      .matchAll(/^#(\w+)=/gm)].map(([, name]) => name!);
    const text = await Deno.readTextFile(script);
    assertEquals(names.filter((name) => !text.includes(`$\{${name}:`)), []);
  },
});

Deno.test({
  name: "the property list of launchd is one, and starts the broker",
  ignore: !isThere(PYTHON),
  fn: async () => {
    const { code, stdout, stderr } = await outcome(PYTHON, [
      "-c",
      "import json,plistlib,sys; print(json.dumps(plistlib.load(open(sys.argv[1],'rb'))))",
      `${ROOT}deploy/macos/fairway.plist`,
    ]);
    assertEquals(code, 0, stderr);
    await starts(JSON.parse(stdout).ProgramArguments);
  },
});
