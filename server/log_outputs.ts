/** Where the lines of the log go: files, stderr, syslog. */
import { SyslogProcess } from "./syslog_process.ts";
import type { LogFile, LogOutputs, LogSettings } from "../admin/operator_log.ts";
import type { Configuration } from "../config/options/configuration.ts";

/** Calls a function after a time. The wait does not keep the process alive. */
export function afterwards(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms);
  Deno.unrefTimer(timer);
  return () => clearTimeout(timer);
}

/**
 * The outputs of a server's log. Writes are synchronous, so that no line is lost when the process
 * ends.
 *
 * @param publish Publishes a log line.
 */
export function systemOutputs(publish: (topic: string, line: string) => void): LogOutputs {
  const encoder = new TextEncoder();
  return {
    stdout: (line) => writeAll(Deno.stdout, encoder.encode(`${line}\n`)),
    stderr: (line) => writeAll(Deno.stderr, encoder.encode(`${line}\n`)),
    topic: publish,
    open: (path) => openLog(path, encoder),
    openSyslog: () => new SyslogProcess(),
    now: () => new Date(),
    after: afterwards,
  };
}

function openLog(path: string, encoder: TextEncoder): LogFile {
  const file = Deno.openSync(path, { append: true, create: true, mode: 0o600 });
  return {
    write: (line) => writeAll(file, encoder.encode(`${line}\n`)),
    close: () => file.close(),
  };
}

/**
 * A log that cannot be written must not stop the broker, such as on a full disk or a closed pipe.
 */
function writeAll(to: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
  } catch {
    // There is no place to report it.
  }
}

/** The settings of the log in a configuration. */
export function logSettings({ global }: Configuration): LogSettings {
  return {
    destinations: global.log_dest,
    types: global.log_type,
    hasTimestamp: global.log_timestamp,
    timestampFormat: global.log_timestamp_format,
    format: global.fairway_log_format,
    facility: global.log_facility,
  };
}
