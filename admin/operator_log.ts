import type { LogDestination, LogType } from "../config/log_options.ts";
import { strftime } from "./strftime.ts";
import { Line } from "./visible.ts";

/** What is logged, where to, and how. */
export interface LogSettings {
  readonly destinations: readonly LogDestination[];
  readonly types: readonly LogType[];
  /** Whether each line begins with the time. */
  readonly hasTimestamp: boolean;
  /** The format of the time, as in strftime; `null` for seconds since 1970. */
  readonly timestampFormat: string | null;
}

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
  now(): Date;
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

/** The log for the operator of a broker, with one line per event. */
export class OperatorLog {
  readonly #outputs: LogOutputs;
  #settings: LogSettings;
  #file: LogFile | null = null;
  /** Whether a line is being written. Events that its publication causes are not logged. */
  #isWriting = false;

  /**
   * Opens the log.
   *
   * @throws If its file cannot be opened.
   */
  constructor(settings: LogSettings, outputs: LogOutputs) {
    this.#outputs = outputs;
    this.#settings = settings;
    this.#file = openFile(settings, outputs);
  }

  /**
   * Changes the settings. The file is opened again, even if its path is the same, because it may
   * have been moved away.
   *
   * @throws If the file cannot be opened; nothing has changed then.
   */
  change(settings: LogSettings): void {
    const file = openFile(settings, this.#outputs);
    this.#file?.close();
    this.#file = file;
    this.#settings = settings;
  }

  /** Writes nothing more. */
  close(): void {
    this.#file?.close();
    this.#file = null;
    this.#settings = { ...this.#settings, destinations: [] };
  }

  /** Whether lines of this type are written. */
  takes(type: LogType): boolean {
    return this.#settings.types.includes(type);
  }

  /** Writes a line if its type is enabled. Text from peers is escaped. */
  write(type: LogType, text: string | Line): void {
    if (this.#isWriting || !this.takes(type)) return;
    this.#isWriting = true;
    try {
      const line = `${this.#timestamp()}${Line.of(text).text}`;
      for (const destination of this.#settings.destinations) this.#to(destination, type, line);
    } finally {
      this.#isWriting = false;
    }
  }

  #to(destination: LogDestination, type: LogType, line: string): void {
    const outputs = this.#outputs;
    switch (destination.to) {
      case "topic":
        if (TOPICS[type] !== null) outputs.topic(`$SYS/broker/log/${TOPICS[type]}`, line);
        return;
      case "file":
        return this.#file?.write(line);
      default:
        return outputs[destination.to](line);
    }
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
