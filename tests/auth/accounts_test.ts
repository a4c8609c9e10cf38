/**
 * Accounts and rules from mosquitto's files: written by us and by mosquitto_passwd, read by both
 * brokers, used by mosquitto's clients.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Broker, type BrokerHooks, connect } from "../../mod.ts";
import { AclFile, PasswordFile } from "../../auth/mod.ts";
import { Child, type Outcome } from "../harness/child.ts";
import { within } from "../harness/deadline.ts";
import { Subscriber } from "../harness/external_clients.ts";
import { testWith } from "../harness/tools.ts";

const PASSWD = new URL("../../cli/passwd.ts", import.meta.url).pathname;
const PERMISSIONS = ["--no-prompt", "--allow-read", "--allow-write"];
/** A start under load, with nothing cached, is slow. */
const DEADLINE_MS = 30_000;

/** Runs a command to its end. */
async function run(command: string, args: string[], input?: string): Promise<Outcome> {
  const options = { env: { NO_COLOR: "1" }, ...input !== undefined && { input } };
  await using child = new Child(command, args, options);
  return await child.outcome(DEADLINE_MS);
}

/** Runs our `passwd`. */
const passwd = (args: string[], input?: string) =>
  run(Deno.execPath(), ["run", ...PERMISSIONS, PASSWD, ...args], input);

async function withFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Publishes with mosquitto_pub; tells whether it was let in. */
async function mayEnter(port: number, username: string, password: string): Promise<boolean> {
  const who = ["-u", username, "-P", password];
  const args = ["-h", "127.0.0.1", "-p", `${port}`, ...who, "-t", "t", "-m", "x", "-q", "1"];
  return (await run("mosquitto_pub", args)).code === 0;
}

async function withMosquitto(file: string, fn: (port: number) => Promise<void>): Promise<void> {
  // It cannot choose a port; this one was free a moment ago.
  const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = probe.addr;
  probe.close();
  const settings = [`listener ${port} 127.0.0.1`, `password_file ${file}`];
  // It gives its rights up, and could not read the file then.
  if (Deno.uid() === 0) settings.push("user root");
  await using child = new Child("mosquitto", ["-v", "-c", "/dev/stdin"], {
    input: settings.join("\n"),
  });
  await child.waitFor(/mosquitto version .* running/, "stderr");
  await fn(port);
}

async function withFairway(file: string, fn: (port: number) => Promise<void>): Promise<void> {
  await using broker = new Broker({ authenticator: await PasswordFile.open(file) });
  const { port } = await broker.listen({ port: 0 });
  await fn(port);
}

testWith(
  ["mosquitto", "mosquitto_pub"],
  "a password file of ours opens mosquitto, and one of mosquitto_passwd opens Fairway",
  () =>
    withFolder(async (folder) => {
      const [ours, theirs] = [`${folder}/ours`, `${folder}/theirs`];
      for (const [n, flags] of [["-c"], ["-H", "sha512"], ["-I", "3000"]].entries()) {
        assertEquals(await passwd([...flags, "-b", ours, `user ${n}`, `p:${n} ü`]), OK);
        const { code, stderr } = await run("mosquitto_passwd", [
          ...flags,
          "-b",
          theirs,
          `user ${n}`,
          `p:${n} ü`,
        ]);
        assertEquals(code, 0, stderr);
      }
      const users = "user 0:p:0 ü\nuser 1:p:1 ü\nuser 2:p:2 ü\n";
      await Deno.writeTextFile(`${folder}/plain`, users, { mode: 0o600 });
      assertEquals(await passwd(["-U", `${folder}/plain`]), OK);
      for (const file of [ours, theirs, `${folder}/plain`]) {
        for (const broker of [withMosquitto, withFairway]) {
          await broker(file, async (port) => {
            for (const n of [0, 1, 2]) {
              assert(await mayEnter(port, `user ${n}`, `p:${n} ü`), `user ${n} of ${file}`);
            }
            assertEquals(await mayEnter(port, "user 0", "p:1 ü"), false);
            assertEquals(await mayEnter(port, "user 3", "p:0 ü"), false);
          });
        }
      }
      // Each edits what the other has written.
      assertEquals((await run("mosquitto_passwd", ["-D", ours, "user 1"])).code, 0);
      // mosquitto_passwd leaves it readable to everybody, which ours would tell.
      await Deno.chmod(theirs, 0o600);
      assertEquals(await passwd(["-D", theirs, "user 1"]), OK);
      assertEquals(await passwd(["-b", theirs, "user 0", "new"]), OK);
      for (const broker of [withMosquitto, withFairway]) {
        await broker(ours, async (port) => {
          assertEquals(await mayEnter(port, "user 1", "p:1 ü"), false);
          assertEquals(await mayEnter(port, "user 2", "p:2 ü"), true);
        });
        await broker(theirs, async (port) => {
          assertEquals(await mayEnter(port, "user 1", "p:1 ü"), false);
          assertEquals(await mayEnter(port, "user 0", "p:0 ü"), false);
          assertEquals(await mayEnter(port, "user 0", "new"), true);
        });
      }
    }),
);

const OK: Outcome = { code: 0, stdout: "", stderr: "" };

Deno.test("passwd asks for what is not given, and fails with one line that says why", () =>
  withFolder(async (folder) => {
    const file = `${folder}/passwords`;
    const failure = async (args: string[], input?: string, wanted = 1) => {
      const { code, stdout, stderr } = await passwd(args, input);
      assertEquals([code, stdout], [wanted, ""]);
      return stderr.trimEnd();
    };
    assertEquals(await failure([file, "ann"], "pw"), `There is no file ${file} (-c begins one)`);
    assertEquals(await failure(["-c", file, "ann"], "a\nb\n"), "The passwords are different");
    assertEquals(await failure(["-c", file, "ann"], ""), "No password on the standard input");
    assertEquals(await failure(["-c", file, "ann"], "\n"), "Empty password");
    assertEquals(await failure([file], undefined, 2), "USER is missing (see --help)");
    assertEquals(await passwd(["-c", file, "ann"], "secret\nsecret\n"), OK);
    assertEquals(await passwd([file, "bob"], "word"), OK);
    assertEquals(await failure(["-D", file, "eve"]), `User eve is not in ${file}`);
    const again = await passwd(["-U", file]);
    assertEquals(again.stderr, `Every password in ${file} is hashed already\n`);
    const users = await PasswordFile.open(file);
    assertEquals(users.size, 2);
    assertMatch((await passwd(["--help"])).stdout, /^Usage: deno task passwd/);
  }));

Deno.test({
  name: "passwd shows nothing of a password that is typed",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withFolder(async (folder) => {
      const file = `${folder}/passwords`;
      const command = [Deno.execPath(), "run", ...PERMISSIONS, PASSWD, "-c", file, "ann"].join(" ");
      // A terminal of its own, as a person has.
      const terminal = new Deno.Command("script", {
        args: ["-qec", command, "/dev/null"],
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
        env: { NO_COLOR: "1" },
      }).spawn();
      const writer = terminal.stdin.getWriter();
      let shown = "";
      for await (const text of terminal.stdout.pipeThrough(new TextDecoderStream())) {
        const prompts = countOf(shown + text, /assword: /g) - countOf(shown, /assword: /g);
        shown += text;
        // A slip of the finger, taken back.
        if (prompts > 0) await writer.write(new TextEncoder().encode("sesamy\x7fe\r"));
      }
      await writer.close();
      assertEquals((await terminal.status).code, 0, shown);
      assertEquals(shown.trim().split(/\s*\r?\n\s*/), ["Password:", "Reenter password:"]);
      await using broker = new Broker({ authenticator: await PasswordFile.open(file) });
      const { port } = await broker.listen({ port: 0 });
      const client = await connect(`mqtt://ann:sesame@127.0.0.1:${port}`);
      await client.close();
    }),
});

function countOf(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

testWith(
  ["mosquitto", "mosquitto_pub", "mosquitto_sub"],
  "accounts and rules from files, reloaded while clients are connected",
  () =>
    withFolder(async (folder) => {
      const [users, rules] = [`${folder}/users`, `${folder}/rules`];
      for (const flags of [["-c", "-b", users, "ann", "a"], ["-b", users, "bob", "b"]]) {
        assertEquals((await run("mosquitto_passwd", flags)).code, 0);
      }
      await Deno.writeTextFile(rules, "user ann\ntopic #\nuser bob\ntopic read news/#\n");
      const [authenticator, authorizer] = [
        await PasswordFile.open(users),
        await AclFile.open(rules),
      ];
      const refused = Promise.withResolvers<number>();
      const hooks: BrokerHooks = { refused: (_address, _id, code) => refused.resolve(code) };
      await using broker = new Broker({ authenticator, authorizer, hooks });
      const { port } = await broker.listen({ port: 0 });
      const as = (username: string, password: string) => ["-u", username, "-P", password];
      const tell = async (topic: string) => {
        const args = [...as("ann", "a"), "-t", topic, "-m", "x", "-q", "1"];
        assertEquals((await run("mosquitto_pub", ["-p", `${port}`, ...args])).code, 0);
      };
      const bob = await Subscriber.ready(port, ...as("bob", "b"), "-t", "#", "-q", "1");
      try {
        await tell("other");
        await tell("news/1");
        await Subscriber.together([bob], 1);
        await Deno.writeTextFile(rules, "user ann\ntopic #\nuser bob\ntopic read other\n");
        await authorizer.reload();
        await broker.reauthorize();
        await tell("news/2");
        await tell("other");
        await Subscriber.together([bob], 2);
        assertEquals(bob.messages.map(({ topic }) => topic), ["news/1", "other"]);
        assertEquals(broker.stats.dropped["read-denied"], 2);
        assertEquals((await run("mosquitto_passwd", ["-D", users, "bob"])).code, 0);
        await authenticator.reload();
        await broker.reauthorize();
        // mosquitto_sub tries again, and is not let in.
        assertEquals(await within("a refusal", refused.promise, DEADLINE_MS), 0x86);
      } finally {
        await bob.kill();
      }
    }),
);
