/** Reads a configuration with the files that it includes. */
import { ConfigError, type Place } from "../errors/errors.ts";
import { type Line, readLines } from "./lexer.ts";
import { type FileOperation, whyNot } from "../errors/why.ts";

/** Access to configuration files. */
export interface ConfigFiles {
  /** Reads a text file. */
  read(path: string): Promise<string>;
  /** The names of the files in a folder. */
  list(folder: string): Promise<string[]>;
}

/** A file of a configuration, and the files that it includes. */
export interface Source {
  readonly lines: readonly Line[];
  /** The included files of each `include_dir` line. */
  readonly included: ReadonlyMap<Line, readonly Source[]>;
}

/**
 * Reads a configuration and the files that it includes: for each `include_dir` the files whose
 * names end in `.conf`, sorted by name without regard to case. Included files cannot include
 * others.
 *
 * @throws {ConfigError} If a file or a folder cannot be read.
 */
export async function readSource(path: string, files: ConfigFiles): Promise<Source> {
  const lines = await linesOf(path, files, null);
  const included = new Map<Line, Source[]>();
  for (const line of lines) {
    if (line.word !== "include_dir" || line.value === "") continue;
    const sources: Source[] = [];
    for (const name of await namesIn(line, files)) {
      const inner = await linesOf(join(line.value, name), files, line);
      sources.push({ lines: inner, included: new Map() });
    }
    included.set(line, sources);
  }
  return { lines, included };
}

async function namesIn(line: Line, files: ConfigFiles): Promise<string[]> {
  try {
    const names = await files.list(line.value);
    return names.filter((name) => name.endsWith(".conf")).sort(byName);
  } catch (error) {
    throw unreadable("read the folder", line.value, error, line);
  }
}

async function linesOf(path: string, files: ConfigFiles, by: Line | null): Promise<Line[]> {
  try {
    return readLines(path, await files.read(path));
  } catch (error) {
    throw unreadable("read the file", path, error, by);
  }
}

function unreadable(
  operation: FileOperation,
  path: string,
  error: unknown,
  by: Line | null,
): ConfigError {
  const why = whyNot(error, operation);
  const place: Place = by?.place ?? { file: path, line: 0 };
  const text = by === null ? `cannot read it: ${why}` : `cannot ${operation} ${path}: ${why}`;
  return new ConfigError([{ place, word: by?.word ?? "", text }], { cause: error });
}

function join(folder: string, name: string): string {
  return folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`;
}

function byName(a: string, b: string): number {
  const [first, second] = [a.toUpperCase(), b.toUpperCase()];
  if (first !== second) return first < second ? -1 : 1;
  return a < b ? -1 : 1;
}
