import { Child } from "./child.ts";
import { Certificates } from "./certificates.ts";
import { CONFIG_PERMISSIONS, startServer } from "./broker_process.ts";

/** A start under load, with nothing cached, is slow. */
const START_DEADLINE_MS = 30_000;

/** The ports of an installation, each of which was free a moment ago. */
export interface Ports {
  readonly plain: number;
  readonly tls: number;
  readonly web: number;
}

/** Users and their passwords. */
export const USERS = { alice: "wonderland", bob: "builder", carol: "christmas", root: "beer" };

/**
 * The files of a mosquitto installation, as its administrator has written them:
 * three listeners, accounts, rules with patterns, and a folder of further files.
 */
export class Installation implements AsyncDisposable {
  readonly certificates: Certificates;
  readonly ports: Ports;

  private constructor(certificates: Certificates, ports: Ports) {
    this.certificates = certificates;
    this.ports = ports;
  }

  /** Writes the files. */
  static async make(): Promise<Installation> {
    const certificates = await Certificates.make();
    await certificates.client("pump7");
    await certificates.client("stolen");
    await certificates.authority("stranger");
    await certificates.client("intruder", "/CN=pump7", "stranger");
    await certificates.revoke(["stolen"]);
    const made = new Installation(certificates, freePorts());
    await made.#write();
    return made;
  }

  /** The folder of all files. */
  get folder(): string {
    return this.certificates.folder;
  }

  /** The path of the main file. */
  get path(): string {
    return `${this.folder}/mosquitto.conf`;
  }

  /** Writes one of the files. */
  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/${name}`, text);
  }

  /** Starts a mosquitto, and waits until it is up. */
  async mosquitto(): Promise<Child> {
    const child = new Child("mosquitto", ["-c", this.path]);
    return await this.#up(child, /running/);
  }

  /** Starts `server.ts`, and waits until it is up. */
  async fairway(): Promise<Child> {
    const child = startServer(["-c", this.path], CONFIG_PERMISSIONS);
    return await this.#up(child, new RegExp(`wss?://\\S+:${this.ports.web}`));
  }

  /** What is in the log so far. */
  async log(): Promise<string> {
    try {
      return await Deno.readTextFile(`${this.folder}/log/mosquitto.log`);
    } catch {
      return "";
    }
  }

  /** Waits until there is something in the log. */
  async logged(pattern: RegExp, child: Child): Promise<string> {
    const deadline = performance.now() + START_DEADLINE_MS;
    for (;;) {
      const log = await this.log();
      if (pattern.test(log)) return log;
      if (performance.now() > deadline || child.stderr.includes("rror")) {
        throw new Error(`${pattern} is not in the log:\n${log}\n${child.stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.certificates[Symbol.asyncDispose]();
  }

  async #up(child: Child, pattern: RegExp): Promise<Child> {
    try {
      await this.logged(pattern, child);
      return child;
    } catch (error) {
      await child.kill();
      throw error;
    }
  }

  async #write(): Promise<void> {
    const { folder, ports } = this;
    for (const name of ["conf.d", "data", "log"]) await Deno.mkdir(`${folder}/${name}`);
    await this.write("mosquitto.conf", mainFile(folder, ports));
    await this.write("conf.d/10-machines.conf", machinesFile(folder, ports));
    await this.write("conf.d/20-web.conf", webFile(ports));
    await this.write("conf.d/notes.txt", "this is not read\n");
    await this.write("acl", RULES);
    let create = ["-c"];
    for (const [user, password] of Object.entries(USERS)) {
      const args = [...create, "-b", `${folder}/passwd`, user, password];
      await using child = new Child("mosquitto_passwd", args);
      const { code, stderr } = await child.outcome();
      if (code !== 0) throw new Error(`mosquitto_passwd: ${stderr}`);
      create = [];
    }
  }
}

function mainFile(folder: string, { plain }: Ports): string {
  return `# The broker of the waterworks
per_listener_settings false
user ${Deno.env.get("USER") ?? "root"}

pid_file ${folder}/mosquitto.pid
persistence true
persistence_location ${folder}/data/
autosave_interval 300
persistent_client_expiration 14d

log_dest file ${folder}/log/mosquitto.log
log_type error
log_type warning
log_type notice
log_type information
log_timestamp_format %Y-%m-%dT%H:%M:%S
connection_messages true
sys_interval 1

# Who may
allow_anonymous false
password_file ${folder}/passwd
acl_file ${folder}/acl

max_inflight_messages 20
max_queued_messages 1000
max_packet_size 100000
set_tcp_nodelay true

# For programs of this machine
listener ${plain} 127.0.0.1
max_connections 50

include_dir ${folder}/conf.d
`;
}

function machinesFile(folder: string, { tls }: Ports): string {
  return `# Machines have certificates
listener ${tls}
socket_domain ipv4
cafile ${folder}/ca.pem
certfile ${folder}/server.pem
keyfile ${folder}/server.key
crlfile ${folder}/revoked.pem
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
`;
}

function webFile({ web }: Ports): string {
  return `# Screens in the control room
listener ${web} 127.0.0.1
protocol websockets
max_qos 1
`;
}

/** The rules of the installation. */
export const RULES = `# Whoever has no name
topic read public/#

user alice
topic readwrite works/#
topic deny works/safe/#

user bob
topic read works/+/level
topic write bob/out

user root
topic readwrite #
topic read $SYS/#

# Everybody
pattern readwrite home/%u/#
pattern write machines/%u/up
pattern read machines/%u/down
pattern readwrite clients/%c
`;

function freePorts(): Ports {
  const probes = [1, 2, 3].map(() => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const [plain, tls, web] = probes.map((probe) => (probe.addr as Deno.NetAddr).port);
  for (const probe of probes) probe.close();
  return { plain: plain!, tls: tls!, web: web! };
}
