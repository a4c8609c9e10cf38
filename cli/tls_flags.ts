/** The flags for TLS of `pub` and `sub`. */
import type { TlsSettings } from "../client/mod.ts";
import type { Flags, FlagTable } from "./flags.ts";
import { FlagError } from "./flag_error.ts";

type TlsFlag = "cafile" | "cert" | "key" | "insecure" | "osCerts";

/** The flags for TLS. Each of them enables it. */
export const TLS_FLAGS: FlagTable<TlsFlag> = {
  cafile: {
    names: ["--cafile"],
    value: "FILE",
    about: "trust the certificate authorities in this PEM file",
  },
  cert: { names: ["--cert"], value: "FILE", about: "the client's own certificate, in PEM" },
  key: { names: ["--key"], value: "FILE", about: "the private key for --cert, in PEM" },
  insecure: { names: ["--insecure"], about: "do not compare the host with its certificate" },
  osCerts: {
    names: ["--tls-use-os-certs"],
    about: "TLS, trusting whom the runtime trusts",
  },
};

/** Whether TLS is enabled. */
export function asksForTls(flags: Flags<TlsFlag>): boolean {
  return (Object.keys(TLS_FLAGS) as TlsFlag[]).some((name) => flags.has(name));
}

/**
 * Reads the named files.
 *
 * @throws {FlagError} If one cannot be read, or needs another flag.
 */
export async function readTls(flags: Flags<TlsFlag>): Promise<TlsSettings> {
  if (flags.has("cert") !== flags.has("key")) {
    const [given, missing] = flags.has("cert") ? ["--cert", "--key"] : ["--key", "--cert"];
    throw new FlagError(`${given} is of no use without ${missing}`);
  }
  const [ca, cert, key] = await Promise.all(
    (["cafile", "cert", "key"] as const).map((name) => readPem(flags, name)),
  );
  return {
    ...(ca === undefined ? {} : { caCerts: [ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(flags.has("insecure") ? { unsafelyDisableHostnameVerification: true } : {}),
  };
}

async function readPem(flags: Flags<TlsFlag>, name: TlsFlag): Promise<string | undefined> {
  const path = flags.text(name);
  if (path === null) return undefined;
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new FlagError(`${flags.label(name)} cannot read ${path}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** A short reason why a file could not be read. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder";
  return error instanceof Error ? error.message : String(error);
}
