import { assertEquals, assertThrows } from "@std/assert";
import type { LogOutputs, LogSettings } from "./operator_log.ts";
import { OperatorLog } from "./operator_log.ts";
import { Line, line } from "./visible.ts";

/** Outputs that remember what was written to them, `where: line`. */
class Outputs implements LogOutputs {
  readonly lines: string[] = [];
  published: ((line: string) => void) | null = null;
  /** Ends the window of repeated lines; `null` while there is none. */
  windowOver: (() => void) | null = null;

  stdout(line: string): void {
    this.lines.push(`stdout: ${line}`);
  }
  stderr(line: string): void {
    this.lines.push(`stderr: ${line}`);
  }
  topic(topic: string, line: string): void {
    this.lines.push(`${topic}: ${line}`);
    this.published?.(line);
  }
  open(path: string) {
    if (path === "/forbidden") throw new Error("forbidden");
    this.lines.push(`open ${path}`);
    return {
      write: (line: string) => void this.lines.push(`${path}: ${line}`),
      close: () => void this.lines.push(`close ${path}`),
    };
  }
  openSyslog() {
    this.lines.push("open syslog");
    return {
      write: (line: string) => void this.lines.push(`syslog: ${line}`),
      close: () => void this.lines.push("close syslog"),
    };
  }
  now(): Date {
    return new Date(2026, 2, 5, 13, 4, 9);
  }
  readonly after = (_ms: number, call: () => void) => {
    this.windowOver = call;
    return () => void (this.windowOver = null);
  };
}

function settings(changed: Partial<LogSettings> = {}): LogSettings {
  return {
    destinations: [{ to: "stdout" }],
    types: ["error", "notice"],
    hasTimestamp: false,
    timestampFormat: null,
    ...changed,
  };
}

Deno.test("OperatorLog writes to every destination, in their order", () => {
  const outputs = new Outputs();
  const log = new OperatorLog(
    settings({
      destinations: [{ to: "stderr" }, { to: "file", path: "/a" }, { to: "topic" }, {
        to: "stdout",
      }],
    }),
    outputs,
  );
  log.write("error", "oh");
  log.close();
  log.write("error", "too late");
  assertEquals(outputs.lines, [
    "open /a",
    "stderr: oh",
    "/a: oh",
    "$SYS/broker/log/E: oh",
    "stdout: oh",
    "close /a",
  ]);
});

Deno.test("OperatorLog leaves out what is not wanted", () => {
  const outputs = new Outputs();
  const log = new OperatorLog(settings(), outputs);
  log.write("debug", "a");
  log.write("notice", "b");
  assertEquals([log.takes("debug"), log.takes("notice")], [false, true]);
  assertEquals(outputs.lines, ["stdout: b"]);
});

Deno.test("OperatorLog begins with the time if it is to, in the format wanted", () => {
  const outputs = new Outputs();
  const log = new OperatorLog(settings({ hasTimestamp: true }), outputs);
  log.write("error", "a");
  log.change(settings({ hasTimestamp: true, timestampFormat: "%F %T" }));
  log.write("error", "b");
  const seconds = outputs.now().getTime() / 1000;
  assertEquals(outputs.lines, [`stdout: ${seconds}: a`, "stdout: 2026-03-05 13:04:09: b"]);
});

Deno.test("OperatorLog keeps a line a line, whatever a peer is called", () => {
  const outputs = new Outputs();
  const log = new OperatorLog(settings(), outputs);
  log.write("error", "a\nb\r\u001b[31m\u2028ü");
  assertEquals(outputs.lines, ["stdout: a\\u000ab\\u000d\\u001b[31m\\u2028ü"]);
});

Deno.test("OperatorLog opens its file anew, so that it can be moved away", () => {
  const outputs = new Outputs();
  const to = settings({ destinations: [{ to: "file", path: "/a" }] });
  const log = new OperatorLog(to, outputs);
  log.change(to);
  log.write("error", "x");
  assertEquals(outputs.lines, ["open /a", "open /a", "close /a", "/a: x"]);
});

Deno.test("OperatorLog changes nothing when its new file cannot be opened", () => {
  const outputs = new Outputs();
  const log = new OperatorLog(settings(), outputs);
  assertThrows(() => log.change(settings({ destinations: [{ to: "file", path: "/forbidden" }] })));
  log.write("error", "x");
  assertEquals(outputs.lines, ["stdout: x"]);
});

Deno.test("OperatorLog publishes no line of type debug, which may be about what is published", () => {
  const outputs = new Outputs();
  const to = [{ to: "topic" }, { to: "stdout" }] as const;
  const log = new OperatorLog(settings({ destinations: to, types: ["debug"] }), outputs);
  log.write("debug", "x");
  assertEquals(outputs.lines, ["stdout: x"]);
});

Deno.test("OperatorLog does not log what comes of publishing a line", () => {
  const outputs = new Outputs();
  const log = new OperatorLog(settings({ destinations: [{ to: "topic" }] }), outputs);
  outputs.published = () => log.write("error", "again");
  log.write("error", "once");
  assertEquals(outputs.lines, ["$SYS/broker/log/E: once"]);
});

Deno.test("OperatorLog writes a JSON object a line with format json, with what the event is about", () => {
  const outputs = new Outputs();
  const log = new OperatorLog(settings({ format: "json", hasTimestamp: true }), outputs);
  const clientId = 'evil"\n\u001b[2J\u009b\u202e';
  log.write("notice", `Client ${clientId} disconnected.`, { event: "disconnected", clientId });
  log.write("error", Line.of("a\nb"));
  const time = outputs.now().toISOString();
  const [first, second] = outputs.lines.map((line) => line.replace("stdout: ", ""));
  assertEquals(/[\p{Cc}\p{Bidi_Control}]/u.test(first!), false);
  assertEquals(JSON.parse(first!), {
    time,
    type: "notice",
    message: `Client ${clientId} disconnected.`,
    event: "disconnected",
    clientId,
  });
  assertEquals(JSON.parse(second!), { time, type: "error", message: "a\\u000ab" });
});

Deno.test("OperatorLog tells syslog the facility and how bad a line is", () => {
  const outputs = new Outputs();
  const log = new OperatorLog(settings({ destinations: [{ to: "syslog" }] }), outputs);
  log.write("error", "oh");
  log.write("notice", "well");
  log.change(settings({ destinations: [{ to: "syslog" }], facility: 7 }));
  log.write("error", "oh");
  log.change(settings());
  log.write("error", "elsewhere");
  log.close();
  assertEquals(outputs.lines, [
    "open syslog",
    "syslog: <27>oh",
    "syslog: <29>well",
    "syslog: <187>oh",
    "close syslog",
    "stdout: elsewhere",
  ]);
});

Deno.test("OperatorLog writes the first lines of a kind, and then how many there were more", () => {
  const outputs = new Outputs();
  const log = new OperatorLog(settings(), outputs);
  for (let i = 1; i <= 8; i++) log.writeSeldom("a", "notice", `a\n${i}`);
  for (let i = 1; i <= 6; i++) log.writeSeldom("b", "notice", line`b\\n${i}`);
  log.writeSeldom("c", "debug", "not wanted");
  log.write("notice", "every time");
  const written = [1, 2, 3, 4, 5];
  const first = [
    ...written.map((i) => `stdout: a\\u000a${i}`),
    ...written.map((i) => `stdout: b\\n${i}`),
    "stdout: every time",
  ];
  assertEquals(outputs.lines.splice(0), first);
  outputs.windowOver!();
  const told = [
    "stdout: Repeated 3 times in 10 s: a\\u000a8",
    "stdout: Repeated 1 times in 10 s: b\\n6",
  ];
  assertEquals(outputs.lines.splice(0), told);
  log.writeSeldom("a", "notice", "a again");
  log.close();
  assertEquals([outputs.lines, outputs.windowOver], [["stdout: a again"], null]);
});

Deno.test("OperatorLog tells in JSON how often a line was repeated, and what it was about", () => {
  const outputs = new Outputs();
  const log = new OperatorLog(settings({ format: "json" }), outputs);
  for (let i = 1; i <= 7; i++) log.writeSeldom("a", "notice", "a", { clientId: `c${i}` });
  outputs.lines.splice(0);
  log.close();
  const { message, clientId, repeated } = JSON.parse(outputs.lines[0]!.slice("stdout: ".length));
  assertEquals([message, clientId, repeated], ["Repeated 2 times in 10 s: a", "c7", 2]);
});
