/** The files of this machine, as the configuration reads them. */
import type { ConfigFiles } from "../config/parser/source.ts";

/** Files of this machine. Needs `--allow-read` for them. */
export const systemFiles: ConfigFiles = {
  read: async (path) => {
    const bytes = await Deno.readFile(path);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  },
  list: async (folder) => {
    const names: string[] = [];
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (!isDirectory) names.push(name);
    }
    return names;
  },
};
