/** Reads and checks the certificates and keys of a listener. */
import { ConfigError } from "../config/errors/errors.ts";
import type { ListenerConfiguration } from "../config/options/configuration.ts";
import type { ConfigFiles } from "../config/parser/source.ts";
import type { ListenerValues } from "../config/options/options.ts";
import { whyNot } from "../config/errors/why.ts";
import { TlsContext, type TlsServerOptions } from "../transport/tls_options.ts";

/** Options that name a file, or a folder of files. */
type FileWord = "certfile" | "keyfile" | "cafile" | "capath" | "crlfile";

/**
 * Reads the certificates and keys of a listener, and checks whether they can be used.
 *
 * @returns `null` if the listener has no TLS.
 * @throws {ConfigError} If a file cannot be read, or its contents cannot be used.
 */
export async function readTls(
  listener: ListenerConfiguration,
  files: ConfigFiles,
): Promise<TlsServerOptions | null> {
  const { settings } = listener;
  if (settings.certfile === null || settings.keyfile === null) return null;
  const cert = await read(listener, "certfile", files);
  const key = await read(listener, "keyfile", files);
  const options: TlsServerOptions = {
    cert,
    key,
    minVersion: settings.tls_version === "tlsv1.3" ? "1.3" : "1.2",
    ...await clientOptions(listener, files),
  };
  try {
    new TlsContext(options, []);
  } catch (error) {
    throw fault(listener, wordOf(settings, error), error);
  }
  return options;
}

/** The option whose file caused an error. TLS names the fault but not its file. */
function wordOf({ cafile }: ListenerValues, error: unknown): FileWord {
  const message = error instanceof Error ? error.message : "";
  if (message.includes("private key")) return "keyfile";
  if (message.includes("authorities")) return cafile === null ? "capath" : "cafile";
  return message.includes("revoked") ? "crlfile" : "certfile";
}

/**
 * The requirements for client certificates. As in mosquitto, `cafile` alone does not require one.
 */
async function clientOptions(
  listener: ListenerConfiguration,
  files: ConfigFiles,
): Promise<Partial<TlsServerOptions>> {
  const { settings } = listener;
  const clientCertificate = wantedOf(settings);
  if (clientCertificate === "none") return {};
  const authorities: string[] = [];
  if (settings.cafile !== null) authorities.push(await read(listener, "cafile", files));
  if (settings.capath !== null) authorities.push(await readFolder(listener, "capath", files));
  return {
    clientCertificate,
    clientAuthorities: authorities.join("\n"),
    ...settings.crlfile === null ? {} : { revoked: await read(listener, "crlfile", files) },
  };
}

function wantedOf(settings: ListenerValues): "none" | "request" | "require" {
  if (settings.require_certificate) return "require";
  const isName = settings.use_identity_as_username || settings.use_subject_as_username;
  return isName ? "request" : "none";
}

async function read(
  listener: ListenerConfiguration,
  word: FileWord,
  files: ConfigFiles,
): Promise<string> {
  try {
    return await files.read(listener.settings[word]!);
  } catch (error) {
    throw fault(listener, word, error);
  }
}

/** All certificates in a folder. The file names that OpenSSL requires are not necessary. */
async function readFolder(
  listener: ListenerConfiguration,
  word: FileWord,
  files: ConfigFiles,
): Promise<string> {
  const folder = listener.settings[word]!;
  try {
    const names = (await files.list(folder)).sort();
    const texts = await Promise.all(names.map((name) => readText(`${folder}/${name}`, files)));
    return texts.filter((text) => text.includes("-----BEGIN CERTIFICATE-----")).join("\n");
  } catch (error) {
    throw fault(listener, word, error);
  }
}

async function readText(path: string, files: ConfigFiles): Promise<string> {
  try {
    return await files.read(path);
  } catch (error) {
    // A certificate in DER, or a file that is not PEM.
    if (error instanceof TypeError) return "";
    throw error;
  }
}

function fault(listener: ListenerConfiguration, word: FileWord, error: unknown): ConfigError {
  const why = whyNot(error, word === "capath" ? "read the folder" : "read the file");
  const place = listener.places.get(word) ?? listener.place;
  const text = `cannot use ${listener.settings[word]}: ${why}`;
  return new ConfigError([{ place, word, text }], { cause: error });
}
