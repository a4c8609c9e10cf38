/** The log for operators: its lines, destinations, kinds and timestamps. */
import type { LogDestination, LogType } from "../config/options/log_options.ts";
import { type After, LogRepeats, REPEAT_WINDOW_MS } from "./log_repeats.ts";
import { strftime } from "./strftime.ts";
import { Line, line } from "./visible.ts";

/** What is logged, where to, and how. */
export interface LogSettings {
  readonly destinations: readonly LogDestination[];
  readonly types: readonly LogType[];
  /** Whether each line begins with the time. */
  readonly hasTimestamp: boolean;
  /** The format of the time, as in strftime; `null` for seconds since 1970. */
  readonly timestampFormat: string | null;
  /** Lines of text, which is the default, or one JSON object a line. */
  readonly format?: "text" | "json";
  /** The facility for syslog: 0 to 7 for local0 to local7; `null`, the default, for daemon. */
  readonly facility?: number | null;
}

/** The fields of an event, besides its text: `clientId`, `username`, `address`, `reasonCode`, … */
export type LogFields = Readonly<Record<string, string | number | null>>;

/** The outputs of the log. */
export interface LogOutputs {
  stdout(line: string): void;
  stderr(line: string): void;
  /**
   * Publishes a line on a topic for its type. It is called during the broker's work, so it must
   * publish later.
   */
  topic(topic: string, line: string): void;
  /** Opens a file to append to. */
  open(path: string): LogFile;
  /** Opens syslog. A line begins with its priority, as `<29>`. */
  openSyslog(): LogFile;
  now(): Date;
  /** Calls a function after a time; a wait does not keep the process alive. */
  readonly after: After;
}

/** A line that may repeat. */
interface Repeated {
  readonly type: LogType;
  readonly text: string | Line;
  readonly fields: LogFields;
}

/** A file that lines are appended to. */
export interface LogFile {
  write(line: string): void;
  close(): void;
}

/** The topic of each type of lines; `null` for none. */
const TOPICS: Readonly<Record<LogType, string | null>> = {
  // A line about a dropped message must not be a message that may be dropped.
  debug: null,
  error: "E",
  warning: "W",
  notice: "N",
  information: "I",
  subscribe: "M/subscribe",
  unsubscribe: "M/unsubscribe",
  websockets: "WS",
  internal: "I",
};

/** The severity of each type of lines in syslog (RFC 5424, 6.2.1). */
const SEVERITIES: Readonly<Record<LogType, number>> = {
  error: 3,
  warning: 4,
  notice: 5,
  information: 6,
  debug: 7,
  subscribe: 6,
  unsubscribe: 6,
  websockets: 6,
  internal: 6,
};

/** The facility daemon, and the first of the facilities local0 to local7 (RFC 5424, 6.2.1). */
const DAEMON = 3;
const LOCAL0 = 16;

/** Characters that JSON leaves as they are, and a terminal or a reader of lines may interpret. */
const JSON_UNSEEN_REGEXP = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** The log for the operator of a broker, with one line per event. */
export class OperatorLog {
  readonly #outputs: LogOutputs;
  readonly #repeats: LogRepeats<Repeated>;
  #settings: LogSettings;
  #file: LogFile | null = null;
  #syslog: LogFile | null = null;
  /** Whether a line is being written. Events that its publication causes are not logged. */
  #isWriting = false;

  /**
   * Opens the log.
   *
   * @throws If its file cannot be opened.
   */
  constructor(settings: LogSettings, outputs: LogOutputs) {
    this.#outputs = outputs;
    this.#repeats = new LogRepeats(outputs.after, ({ type, text, fields }, times) => {
      const told = `Repeated ${times} times in ${REPEAT_WINDOW_MS / 1000} s: `;
      const all = typeof text === "string" ? `${told}${text}` : line`${told}${text}`;
      this.write(type, all, { ...fields, repeated: times });
    });
    this.#settings = settings;
    this.#file = openFile(settings, outputs);
    this.#syslog = openSyslog(settings, outputs);
  }

  /**
   * Changes the settings. The file is opened again, even if its path is the same, because it may
   * have been moved away.
   *
   * @throws If the file cannot be opened; nothing has changed then.
   */
  change(settings: LogSettings): void {
    const file = openFile(settings, this.#outputs);
    if (this.#syslog === null) this.#syslog = openSyslog(settings, this.#outputs);
    else if (!isFor(settings, "syslog")) this.#closeSyslog();
    this.#file?.close();
    this.#file = file;
    this.#settings = settings;
  }

  /** Writes nothing more. */
  close(): void {
    this.#repeats.flush();
    this.#file?.close();
    this.#file = null;
    this.#closeSyslog();
    this.#settings = { ...this.#settings, destinations: [] };
  }

  /** Whether lines of this type are written. */
  takes(type: LogType): boolean {
    return this.#settings.types.includes(type);
  }

  /**
   * Writes a line if its type is enabled. Text from peers is escaped.
   *
   * @param fields The fields of the event. They are only written in the format `json`, because the
   * text says the same.
   */
  write(type: LogType, text: string | Line, fields: LogFields = {}): void {
    if (this.#isWriting || !this.takes(type)) return;
    this.#isWriting = true;
    try {
      const line = this.#settings.format === "json"
        ? this.#jsonLine(type, text, fields)
        : `${this.#timestamp()}${Line.of(text).text}`;
      for (const destination of this.#settings.destinations) this.#to(destination, type, line);
    } finally {
      this.#isWriting = false;
    }
  }

  /**
   * Writes a line as {@linkcode write} does. Only the first few lines of one kind are written in a
   * window of time, and then the number of the others.
   *
   * @param kind Identifies lines that count as the same, such as the event and its client.
   */
  writeSeldom(kind: string, type: LogType, text: string | Line, fields: LogFields = {}): void {
    if (this.#isWriting || !this.takes(type)) return;
    const repeated = { type, text, fields };
    if (this.#repeats.takes(kind, type, repeated)) this.write(type, text, fields);
  }

  #to(destination: LogDestination, type: LogType, line: string): void {
    const outputs = this.#outputs;
    switch (destination.to) {
      case "topic":
        if (TOPICS[type] !== null) outputs.topic(`$SYS/broker/log/${TOPICS[type]}`, line);
        return;
      case "file":
        return this.#file?.write(line);
      case "syslog":
        return this.#syslog?.write(`<${this.#facility * 8 + SEVERITIES[type]}>${line}`);
      default:
        return outputs[destination.to](line);
    }
  }

  get #facility(): number {
    const { facility = null } = this.#settings;
    return facility === null ? DAEMON : LOCAL0 + facility;
  }

  #closeSyslog(): void {
    this.#syslog?.close();
    this.#syslog = null;
  }

  #jsonLine(type: LogType, text: string | Line, fields: LogFields): string {
    const message = typeof text === "string" ? text : text.text;
    const time = this.#outputs.now().toISOString();
    return JSON.stringify({ time, type, message, ...fields }).replaceAll(
      JSON_UNSEEN_REGEXP,
      (unseen) => `\\u${unseen.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  }

  #timestamp(): string {
    const { hasTimestamp, timestampFormat } = this.#settings;
    return hasTimestamp ? `${strftime(timestampFormat ?? "%s", this.#outputs.now())}: ` : "";
  }
}

function openFile({ destinations }: LogSettings, outputs: LogOutputs): LogFile | null {
  for (const destination of destinations) {
    if (destination.to === "file") return outputs.open(destination.path);
  }
  return null;
}

function openSyslog(settings: LogSettings, outputs: LogOutputs): LogFile | null {
  return isFor(settings, "syslog") ? outputs.openSyslog() : null;
}

function isFor({ destinations }: LogSettings, to: LogDestination["to"]): boolean {
  return destinations.some((destination) => destination.to === to);
}
