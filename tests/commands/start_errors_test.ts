/**
 * Whatever keeps `server.ts` from starting is told in one line: what, where, and what would be
 * right. The exit code is 2 for what was typed or configured, and 1 for everything else.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { bindFault } from "../../server/bind_fault.ts";
import { CONFIG_PERMISSIONS, startServer } from "../harness/broker_process.ts";

const DEADLINE_MS = 30_000;

/** A command line, or a configuration; the line that is said, and the exit code. */
interface Case {
  readonly what: string;
  /** `FOLDER` is a folder with files in it, `TAKEN` a port that is. */
  readonly flags?: string;
  readonly config?: string;
  readonly line: string;
  readonly code: 1 | 2;
  readonly permissions?: readonly string[];
}

const L = "listener 0 127.0.0.1\nallow_anonymous true\n";
const AT = "Cannot start: FOLDER/conf:1: cannot listen on";
const NO_FILE = "there is no such file";
const NO_FOLDER = "the folder that it is to be in does not exist: make that first";
const IS_FOLDER = "it is a folder, and a file is needed";
const IN_USE = "port TAKEN is in use: choose another";
const NO_NAME =
  "no.such.invalid is neither an address nor a name that is known here: choose another";

const CASES: readonly Case[] = [
  {
    what: "an unknown flag",
    flags: "--prot 1",
    line: "Unknown argument: --prot (see --help)",
    code: 2,
  },
  {
    what: "a port that is none",
    flags: "--port a",
    line: '--port needs a whole number from 0 to 65535, not "a"',
    code: 2,
  },
  {
    what: "native sockets without the permission",
    flags: "--native-sockets --memory --port 0",
    line: "Cannot start: Native sockets cannot be used: they need the permission --allow-ffi",
    code: 2,
  },
  {
    what: "native sockets of a configuration without the permission",
    config: `${L}fairway_native_sockets true
`,
    line: "Cannot start: Native sockets cannot be used: they need the permission --allow-ffi",
    code: 2,
  },
  {
    what: "a stream without a filter",
    flags: "--stream day",
    line: '--stream needs NAME=FILTER, such as day=sensors/#, not "day"',
    code: 2,
  },
  {
    what: "a stream of topics that are in none",
    flags: "--stream day=$SYS/#",
    line:
      '--stream: Cannot declare stream "day": "$SYS/#": topics that begin with $ are in no stream: use a filter such as sensors/#',
    code: 2,
  },
  {
    what: "a port in use",
    flags: "--port TAKEN",
    line:
      `Cannot start: cannot listen on 127.0.0.1:TAKEN: ${IN_USE} with --port, or stop the program that listens there`,
    code: 1,
  },
  {
    what: "a port for WebSockets in use",
    flags: "--port 0 --ws-port TAKEN",
    line:
      `Cannot start: cannot listen on 127.0.0.1:TAKEN: ${IN_USE} with --ws-port, or stop the program that listens there`,
    code: 1,
  },
  {
    what: "an unknown host",
    flags: "--port 0 --host no.such.invalid",
    line: `Cannot start: cannot listen on no.such.invalid:0: ${NO_NAME} with --host`,
    code: 1,
  },
  {
    what: "no permission for the network",
    flags: "--port 1884",
    permissions: ["--no-prompt"],
    line:
      "Cannot start: cannot listen on 127.0.0.1:1884: Deno does not allow it: start it with --allow-net=127.0.0.1:1884",
    code: 1,
  },
  {
    what: "a file where the state is to be",
    flags: "--port 0 --data FOLDER/garbage",
    line:
      "Cannot start: cannot keep state in FOLDER/garbage: there is a file of that name, and a folder is needed",
    code: 1,
  },
  {
    what: "no configuration",
    flags: "-c FOLDER/none",
    line: `FOLDER/none: cannot read it: ${NO_FILE}`,
    code: 2,
  },
  {
    what: "a folder as the configuration",
    flags: "-c FOLDER",
    line: `FOLDER: cannot read it: ${IS_FOLDER}`,
    code: 2,
  },
  {
    what: "a configuration that is no text",
    flags: "-c FOLDER/binary",
    line: "FOLDER/binary: cannot read it: it is not UTF-8: save it as that",
    code: 2,
  },
  {
    what: "no permission to read the configuration",
    flags: "-c FOLDER/garbage",
    permissions: ["--no-prompt", "--allow-net"],
    line:
      "FOLDER/garbage: cannot read it: Deno does not allow it: start it with --allow-read=FOLDER/garbage",
    code: 2,
  },
  {
    what: "no folder to include",
    config: `${L}include_dir FOLDER/none\n`,
    line: "FOLDER/conf:3: include_dir: cannot read the folder FOLDER/none: there is no such folder",
    code: 2,
  },
  {
    what: "a file to include as a folder",
    config: `${L}include_dir FOLDER/garbage\n`,
    line:
      "FOLDER/conf:3: include_dir: cannot read the folder FOLDER/garbage: it is a file, and a folder is needed",
    code: 2,
  },
  ...["password_file", "acl_file", "fairway_scram_file", "fairway_jwt_key_file"].flatMap((word) => [
    {
      what: `no file for ${word}`,
      config: `${L}${word} FOLDER/none\n`,
      line: `FOLDER/conf:3: ${word}: cannot use FOLDER/none: ${NO_FILE}`,
      code: 2,
    } as const,
    {
      what: `a folder for ${word}`,
      config: `${L}${word} FOLDER\n`,
      line: `FOLDER/conf:3: ${word}: cannot use FOLDER: ${IS_FOLDER}`,
      code: 2,
    } as const,
  ]),
  {
    what: "no file for fairway_jwt_jwks_file",
    config: `${L}fairway_jwt_jwks_file FOLDER/none\n`,
    line: `FOLDER/conf:3: fairway_jwt_jwks_file: cannot use FOLDER/none: ${NO_FILE}`,
    code: 2,
  },
  {
    what: "a faulty password file",
    config: `${L}password_file FOLDER/garbage\n`,
    line: "FOLDER/garbage:1: password_file: there is no colon: expected USER:HASH",
    code: 2,
  },
  {
    what: "a faulty ACL file",
    config: `${L}acl_file FOLDER/garbage\n`,
    line:
      'FOLDER/garbage:1: acl_file: unknown word "garbage": expected user, topic, pattern, or # and a comment',
    code: 2,
  },
  {
    what: "a faulty SCRAM file",
    config: `${L}fairway_scram_file FOLDER/garbage\n`,
    line: 'FOLDER/garbage:1: fairway_scram_file: not "user:SCRAM-SHA-256$…"',
    code: 2,
  },
  {
    what: "no certificate",
    config: `${L}certfile FOLDER/none\nkeyfile FOLDER/garbage\n`,
    line: `FOLDER/conf:3: certfile: cannot use FOLDER/none: ${NO_FILE}`,
    code: 2,
  },
  {
    what: "a certificate that is none",
    config: `${L}certfile FOLDER/garbage\nkeyfile FOLDER/garbage\n`,
    line:
      "FOLDER/conf:3: certfile: cannot use FOLDER/garbage: Cannot use the certificate: it holds no certificate in PEM",
    code: 2,
  },
  {
    what: "no folder for the pid file",
    config: `${L}log_type none\npid_file FOLDER/none/pid\n`,
    line: `FOLDER/conf:4: pid_file: cannot write the file FOLDER/none/pid: ${NO_FOLDER}`,
    code: 2,
  },
  {
    what: "no folder for the log",
    config: `${L}log_dest file FOLDER/none/log\n`,
    line: `FOLDER/conf:3: log_dest: cannot write the file FOLDER/none/log: ${NO_FOLDER}`,
    code: 2,
  },
  {
    what: "a folder for the log",
    config: `${L}log_dest file FOLDER\n`,
    line: `FOLDER/conf:3: log_dest: cannot write the file FOLDER: ${IS_FOLDER}`,
    code: 2,
  },
  {
    what: "a file where a configuration wants a folder",
    config: `${L}log_type none\npersistence true\npersistence_location FOLDER/garbage\n`,
    line:
      "FOLDER/conf:5: persistence_location: cannot make the folder FOLDER/garbage/fairway: a part of its path is a file, and a folder is needed",
    code: 2,
  },
  {
    what: "a listener on a port in use",
    config: "listener TAKEN 127.0.0.1\nallow_anonymous true\nlog_type none\n",
    line:
      `${AT} 127.0.0.1:TAKEN (mqtt): ${IN_USE} in that line, or stop the program that listens there`,
    code: 1,
  },
  {
    what: "a listener on an unknown host",
    config: "listener 1884 no.such.invalid\nallow_anonymous true\nlog_type none\n",
    line: `${AT} no.such.invalid:1884 (mqtt): ${NO_NAME} in that line`,
    code: 1,
  },
  {
    what: "a socket without a folder",
    config: "listener 0 FOLDER/none/s\nallow_anonymous true\nlog_type none\n",
    line: `${AT} FOLDER/none/s (mqtt): ${NO_FOLDER}`,
    code: 1,
  },
  {
    what: "a socket where a file is",
    config: "listener 0 FOLDER/garbage\nallow_anonymous true\nlog_type none\n",
    line:
      `${AT} FOLDER/garbage (mqtt): there is a file of that name: choose another path, or remove it`,
    code: 1,
  },
];

/** Runs a server, and returns what it says with the names of the test in it. */
async function said({ flags, config, permissions }: Case): Promise<[string, number]> {
  const folder = await Deno.makeTempDir();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const fill = (text: string) =>
    text.replaceAll("FOLDER", folder).replaceAll("TAKEN", `${taken.addr.port}`);
  try {
    await Deno.writeTextFile(`${folder}/garbage`, "garbage\n");
    await Deno.writeFile(`${folder}/binary`, new Uint8Array([0xff, 0xfe]));
    if (config !== undefined) await Deno.writeTextFile(`${folder}/conf`, fill(config));
    const args = fill(flags ?? "-c FOLDER/conf").split(" ");
    await using server = startServer(args, permissions ?? CONFIG_PERMISSIONS);
    const { code, stdout, stderr } = await server.outcome(DEADLINE_MS);
    assertEquals(stdout, "");
    const text = stderr.replaceAll(folder, "FOLDER").replaceAll(`${taken.addr.port}`, "TAKEN");
    return [text, code];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const each of CASES) {
  Deno.test(`server.ts does not start with ${each.what}, and says so in one line`, async () => {
    assertEquals(await said(each), [`${each.line}\n`, each.code]);
  });
}

Deno.test("server.ts tells which addresses there are when it is given another", async () => {
  const [text, code] = await said({
    what: "",
    // An address that is for documents only (RFC 5737).
    flags: "--port 0 --host 203.0.113.1",
    line: "",
    code: 1,
  });
  assertMatch(
    text,
    /^Cannot start: cannot listen on 203\.0\.113\.1:0: 203\.0\.113\.1 is not an address of this machine: choose another with --host \(there are .*127\.0\.0\.1.*; 0\.0\.0\.0 and :: are all of them\)\n$/,
  );
  assertEquals(code, 1);
});

const WANTED = { host: "0.0.0.0", port: 80, portBy: "with --port", hostBy: "with --host" };

Deno.test("a port below 1024 that is not allowed is named, with what would help", () => {
  assertEquals(
    bindFault(new Deno.errors.PermissionDenied("Permission denied (os error 13)"), WANTED),
    "port 80 is below 1024, and not for every user: choose another with --port, or grant " +
      "CAP_NET_BIND_SERVICE (AmbientCapabilities= in a systemd unit)",
  );
});

Deno.test("without the permission to look, it is told how to find out which addresses there are", () => {
  const interfaces = () => {
    throw new Deno.errors.NotCapable();
  };
  assertEquals(
    bindFault(new Deno.errors.AddrNotAvailable(), WANTED, { interfaces }),
    "0.0.0.0 is not an address of this machine: choose another with --host " +
      "(`ip address` tells which there are; 0.0.0.0 and :: are all of them)",
  );
});
