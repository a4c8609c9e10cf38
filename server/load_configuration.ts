/** Reads a configuration, with all that it names. */
import { parseConfiguration } from "../config/parser/parse.ts";
import { readSource } from "../config/parser/source.ts";
import { systemFiles } from "./config_files.ts";
import type { Loaded } from "./configured_server.ts";
import { readMaterial } from "./listener_files.ts";
import { checkUser, ownUid } from "./user_check.ts";

/**
 * Reads a configuration, and every file that it names.
 *
 * @param failed Called when a service or keys cannot be reached later.
 * @throws {ConfigError} If anything is wrong with it.
 */
export async function loadConfiguration(
  path: string,
  failed: (error: Error) => void,
): Promise<Loaded> {
  const source = await readSource(path, systemFiles);
  const configuration = parseConfiguration(source, { file: path, line: 1 });
  checkUser(configuration, ownUid());
  return { configuration, material: await readMaterial(configuration, systemFiles, failed) };
}
