/** Reads the certificates and keys of the bridges of a configuration. */
import type { BridgeTls } from "../bridge/options.ts";
import { hasTlsWords } from "../config/parser/check_bridges.ts";
import type { BridgeConfiguration } from "../config/options/configuration.ts";
import { ConfigError, type Remark } from "../config/errors/errors.ts";
import type { ConfigFiles } from "../config/parser/source.ts";
import { whyNot } from "../config/errors/why.ts";

/** Options that name a file, or a folder of files. */
type FileWord = "bridge_cafile" | "bridge_capath" | "bridge_certfile" | "bridge_keyfile";

const CERTIFICATE = "-----BEGIN CERTIFICATE-----";

/**
 * Reads the files of all bridges.
 *
 * @returns For each bridge its TLS options, by its name; `null` for one without TLS.
 * @throws {ConfigError} If a file cannot be read, or is not what it should be.
 */
export async function readBridgeFiles(
  bridges: readonly BridgeConfiguration[],
  files: ConfigFiles,
): Promise<Map<string, BridgeTls | null>> {
  const problems: Remark[] = [];
  const all = new Map<string, BridgeTls | null>();
  for (const bridge of bridges) {
    all.set(bridge.name, await tlsOf(bridge, files, problems));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return all;
}

async function tlsOf(
  bridge: BridgeConfiguration,
  files: ConfigFiles,
  problems: Remark[],
): Promise<BridgeTls | null> {
  const { settings } = bridge;
  if (!hasTlsWords(settings) && !settings.address.some((address) => address.includes("://"))) {
    return null;
  }
  const read = async (word: FileWord, mark: string, load = files.read): Promise<string | null> => {
    const path = settings[word];
    if (path === null) return null;
    const complain = (text: string) => {
      const place = bridge.places.get(word) ?? bridge.place;
      problems.push({ place, word, text: `cannot use ${path}: ${text}` });
    };
    try {
      const text = await load(path);
      if (text.includes(mark)) return text;
      complain(`it has no line ${mark}`);
    } catch (error) {
      complain(whyNot(error, word === "bridge_capath" ? "read the folder" : "read the file"));
    }
    return null;
  };
  const authorities = [
    await read("bridge_cafile", CERTIFICATE),
    await read("bridge_capath", CERTIFICATE, (path) => readFolder(path, files)),
  ].filter((text) => text !== null);
  const cert = await read("bridge_certfile", CERTIFICATE);
  const key = await read("bridge_keyfile", "PRIVATE KEY-----");
  // Only addresses with a scheme have TLS without words that turn it on.
  const isTls = settings.address.some((address) => /^(?:mqtts|wss):/.test(address));
  if (!hasTlsWords(settings) && !isTls) return null;
  return {
    ...(authorities.length === 0 ? {} : { caCerts: authorities }),
    ...(cert === null || key === null ? {} : { cert, key }),
    insecure: settings.bridge_insecure,
    ...(settings.bridge_alpn === null ? {} : { alpn: settings.bridge_alpn }),
    ...(settings.bridge_tls_version === "tlsv1.3" ? { minVersion: "1.3" } : {}),
  };
}

/** All certificates in a folder; other files are left out. */
async function readFolder(folder: string, files: ConfigFiles): Promise<string> {
  const texts: string[] = [];
  for (const name of (await files.list(folder)).sort()) {
    const text = await files.read(`${folder}/${name}`).catch((error) => {
      // A certificate in DER, or a file that is not PEM.
      if (error instanceof TypeError) return "";
      throw error;
    });
    if (text.includes(CERTIFICATE)) texts.push(text);
  }
  return texts.join("\n");
}
