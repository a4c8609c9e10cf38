/** Explains errors of the file system, and what helps. */

/** An operation on a file or folder. */
export type FileOperation =
  | "read the file"
  | "read the folder"
  | "write the file"
  | "make the folder";

/** Operating system errors that do not have a class on every system, by their numbers. */
const KINDS: Readonly<Record<string, string>> = {
  1: "PermissionDenied",
  2: "NotFound",
  13: "PermissionDenied",
  17: "AlreadyExists",
  20: "NotADirectory",
  21: "IsADirectory",
  28: "DiskFull",
  30: "ReadOnly",
};

/**
 * Explains why an operation on a file or folder failed, and what helps. The runtime's own message
 * repeats the path and offers no solution.
 *
 * @param error The error of the runtime. Its name or its number identifies the cause.
 */
export function whyNot(error: unknown, operation: FileOperation): string {
  if (!(error instanceof Error)) return String(error);
  const isFolder = operation.endsWith("folder");
  const isRead = operation.startsWith("read");
  const [, number] = /\(os error (\d+)\)/.exec(error.message) ?? [];
  switch (KINDS[number ?? ""] ?? error.name) {
    case "NotFound":
      if (isRead) return `there is no such ${isFolder ? "folder" : "file"}`;
      return "the folder that it is to be in does not exist: make that first";
    case "PermissionDenied":
      return `the user that Fairway runs as may not ${isRead ? "read" : "write"} it: ` +
        "give it the right to (chown, chmod)";
    case "IsADirectory":
      return "it is a folder, and a file is needed";
    case "NotADirectory":
      return isRead && isFolder
        ? "it is a file, and a folder is needed"
        : "a part of its path is a file, and a folder is needed";
    case "AlreadyExists":
      return "there is a file of that name, and a folder is needed";
    case "DiskFull":
      return "the disk is full: make room, or choose another";
    case "ReadOnly":
      return "the disk may only be read: choose another";
  }
  if (error instanceof TypeError && error.message.includes("encoded data")) {
    return "it is not UTF-8: save it as that";
  }
  return plain(error);
}

/** The message of an error without the runtime's numbers, calls, and hints to run it again. */
export function plain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const asked = /^Requires (\w+) access(?: to "?(.+?)"?)?, run again with the --allow-/.exec(
    message,
  );
  if (asked === null) return message.replace(/ \(os error \d+\)(?:: \w+ '[^]*')?$/, "");
  const [, kind, what] = asked;
  const value = what === undefined || what.startsWith("<") ? "" : `=${what.replace(/:0$/, "")}`;
  return `Deno does not allow it: start it with --allow-${kind}${value}`;
}
