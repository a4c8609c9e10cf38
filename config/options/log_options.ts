/** The options about the log. */
import { oneOf } from "./kinds.ts";
import type { Option } from "./option.ts";

/** A destination of log lines. */
export type LogDestination =
  | { readonly to: "stdout" | "stderr" | "syslog" | "topic" }
  | { readonly to: "file"; readonly path: string };

/** The subject or severity of a log line. */
export type LogType =
  | "debug"
  | "error"
  | "warning"
  | "notice"
  | "information"
  | "subscribe"
  | "unsubscribe"
  | "websockets"
  | "internal";

const TYPES = [
  "debug",
  "error",
  "warning",
  "notice",
  "information",
  "subscribe",
  "unsubscribe",
  "websockets",
  "internal",
] as const;

/** The types that are logged by default. */
const USUAL_TYPES: readonly LogType[] = ["error", "warning", "notice", "information"];

const typeWord = oneOf(...TYPES, "all", "none");

/** `log_type`: each line adds a type; `all` and `none` replace the earlier ones. */
export const logType: Option<readonly LogType[]> = {
  expects: typeWord.expects,
  isOneWord: true,
  initial: USUAL_TYPES,
  isOnce: false,
  note: null,
  parse: (text, before = []) => {
    const type = typeWord.parse(text);
    if (type === undefined) return undefined;
    if (type === "none") return [];
    const types = type === "all" ? TYPES : [...before, type];
    return TYPES.filter((known) => types.includes(known));
  },
  print: (types) => {
    if (types.length === 0) return ["none"];
    return types.length === TYPES.length ? ["all"] : [...types];
  },
};

/** `log_dest`: each line adds a destination; `none` removes the earlier ones. */
export const logDest: Option<readonly LogDestination[]> = {
  expects: "stdout, stderr, syslog, topic, none or file and a path, such as file " +
    "/var/log/fairway.log",
  isOneWord: false,
  initial: [{ to: "stderr" }],
  isOnce: false,
  note: null,
  parse: (text, before = []) => {
    const [to] = text.split(/\s/, 1);
    if (to === "none") return [];
    if (to === "stdout" || to === "stderr" || to === "syslog" || to === "topic") {
      return before.some((known) => known.to === to) ? before : [...before, { to }];
    }
    const path = text.slice(4).trim();
    if (to !== "file" || path === "" || before.some((known) => known.to === "file")) {
      return undefined;
    }
    return [...before, { to, path }];
  },
  print: (destinations) => {
    if (destinations.length === 0) return ["none"];
    return destinations.map((known) => known.to === "file" ? `file ${known.path}` : known.to);
  },
};
