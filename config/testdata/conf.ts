import type { Configuration } from "../options/configuration.ts";
import { ConfigError } from "../errors/errors.ts";
import { parseConfiguration } from "../parser/parse.ts";
import { type ConfigFiles, readSource } from "../parser/source.ts";

/** Files in memory: `main.conf`, and what folders hold, by path. */
function memoryFiles(files: Record<string, string>): ConfigFiles {
  return {
    read: (path) => {
      const text = files[path];
      return text === undefined ? Promise.reject(new Error("no such file")) : Promise.resolve(text);
    },
    list: (folder) => {
      const prefix = folder.endsWith("/") ? folder : `${folder}/`;
      const names = Object.keys(files).filter((path) => path.startsWith(prefix));
      if (names.length === 0) return Promise.reject(new Error("no such folder"));
      return Promise.resolve(names.map((path) => path.slice(prefix.length)));
    },
  };
}

/** Reads a configuration of one file, or of several. */
export async function parse(files: string | Record<string, string>): Promise<Configuration> {
  const all = typeof files === "string" ? { "main.conf": files } : files;
  const source = await readSource("main.conf", memoryFiles(all));
  return parseConfiguration(source, { file: "main.conf", line: 1 });
}

/** What is wrong with a configuration, a line each; empty if nothing is. */
export async function problemsOf(files: string | Record<string, string>): Promise<string[]> {
  try {
    await parse(files);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
}

/** What is noted about a configuration, `line word text`. */
export async function notesOf(files: string | Record<string, string>): Promise<string[]> {
  const { notes } = await parse(files);
  return notes.map(({ place, word, text }) => `${place.line} ${word} ${text}`);
}
