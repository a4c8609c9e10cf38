import { Child } from "./child.ts";

/** Time for openssl, on a machine that has other things to do. */
const DEADLINE_MS = 20_000;

/** What is written about certificates, in the language of openssl. */
const SETTINGS = `
[req]
distinguished_name = dn
utf8 = yes
[dn]
[authority]
basicConstraints = critical, CA:true
keyUsage = keyCertSign, cRLSign
[client]
basicConstraints = CA:false
keyUsage = digitalSignature
[ca]
default_ca = list
[list]
database = index.txt
crlnumber = crlnumber
default_md = sha256
new_certs_dir = .
rand_serial = yes
policy = any
[any]
commonName = supplied
`;
const AUTHORITY = ["ca", "-config", "settings", "-keyfile", "ca.key", "-cert", "ca.pem"];
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/**
 * An authority with certificates, made by openssl for one test and worth nothing after it: no
 * private key is kept anywhere.
 */
export class Certificates implements AsyncDisposable {
  /** The folder in which each name has a `.pem` and a `.key`. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes an authority, `ca`, and a server at localhost, `server`. */
  static async make(): Promise<Certificates> {
    const made = new Certificates(await Deno.makeTempDir());
    await Deno.writeTextFile(`${made.folder}/settings`, SETTINGS);
    await Deno.writeTextFile(`${made.folder}/index.txt`, "");
    await Deno.writeTextFile(`${made.folder}/crlnumber`, "01");
    await made.authority("ca");
    await made.server("server", ["localhost"]);
    return made;
  }

  /** Makes an authority. */
  async authority(name: string): Promise<void> {
    await this.#certificate(name, `/CN=Authority ${name}`, ["-extensions", "authority"]);
  }

  /** Makes a certificate for a server of some names, and of 127.0.0.1. */
  async server(name: string, names: readonly string[]): Promise<void> {
    const all = [...names.map((host) => `DNS:${host}`), "IP:127.0.0.1"].join(",");
    const own = `\n[${name}]\nbasicConstraints = CA:false\nsubjectAltName = ${all}\n`;
    await Deno.writeTextFile(`${this.folder}/settings`, own, { append: true });
    await this.#certificate(name, `/CN=${names[0]}`, ["-extensions", name, ...by("ca")]);
  }

  /** Makes a certificate for a client. */
  async client(name: string, subject = `/CN=${name}`, authority = "ca"): Promise<void> {
    await this.#certificate(name, subject, ["-extensions", "client", ...by(authority)]);
  }

  /** Makes a certificate for a client that is good from one year's start to another's. */
  async dated(name: string, fromYear: number, toYear: number): Promise<void> {
    const request = ["req", "-config", "settings", "-subj", `/CN=${name}`, ...NEW_KEY];
    await this.openssl(...request, "-keyout", `${name}.key`, "-out", `${name}.csr`);
    const dates = ["-startdate", `${fromYear}0101000000Z`, "-enddate", `${toYear}0101000000Z`];
    const files = ["-in", `${name}.csr`, "-out", `${name}.pem`, "-notext", "-batch"];
    await this.openssl(...AUTHORITY, ...dates, ...files, "-extensions", "client");
  }

  /** Revokes certificates, and makes the list that says so. */
  async revoke(names: readonly string[], validSeconds = 3600): Promise<string> {
    for (const name of names) await this.openssl(...AUTHORITY, "-revoke", `${name}.pem`);
    const list = ["-gencrl", "-crlsec", `${validSeconds}`, "-out", "revoked.pem"];
    await this.openssl(...AUTHORITY, ...list);
    return await Deno.readTextFile(this.path("revoked.pem"));
  }

  /** The path of a file, such as `ca.pem`. */
  path(file: string): string {
    return `${this.folder}/${file}`;
  }

  /** A certificate in PEM. */
  pem(name: string): Promise<string> {
    return Deno.readTextFile(this.path(`${name}.pem`));
  }

  /** A certificate and its key, both in PEM. */
  async identity(name: string): Promise<{ cert: string; key: string }> {
    return { cert: await this.pem(name), key: await Deno.readTextFile(this.path(`${name}.key`)) };
  }

  /** Runs openssl in the folder; tells what it printed. */
  async openssl(...args: string[]): Promise<string> {
    await using child = new Child("openssl", args, { cwd: this.folder });
    const { code, stdout, stderr } = await child.outcome(DEADLINE_MS);
    if (code !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }

  async #certificate(name: string, subject: string, args: string[]): Promise<void> {
    const files = ["-keyout", `${name}.key`, "-out", `${name}.pem`];
    const request = ["req", "-x509", "-config", "settings", "-utf8", "-days", "2", ...NEW_KEY];
    await this.openssl(...request, "-subj", subject, ...files, ...args);
  }
}

function by(authority: string): string[] {
  return ["-CA", `${authority}.pem`, "-CAkey", `${authority}.key`];
}
