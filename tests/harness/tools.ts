/** What runs outside of Deno and may be missing on a machine: see `tests/run.sh`. */
export type Tool =
  | "bun"
  | "chromium"
  | "mosquitto"
  | "mosquitto_ctrl"
  | "mosquitto_dynamic_security"
  | "mosquitto_pub"
  | "mosquitto_sub"
  | "node"
  | "node24"
  | "node-red"
  | "openssl"
  | "paho";

/** Debian's own: a `python3` found earlier in the path does not see Debian's packages. */
export const PYTHON = "/usr/bin/python3";

/**
 * Registers a test that needs `tools`. Where one is missing the test is ignored and its name says
 * why; but where `CI` is `true` it runs and fails, for nobody would read the reason there.
 */
export function testWith(tools: readonly Tool[], name: string, fn: () => Promise<void>): void {
  const missing = Deno.env.get("CI") === "true" ? [] : tools.filter((tool) => !isInstalled(tool));
  const reason = missing.length === 0 ? "" : ` (ignored: ${missing.join(", ")} not installed)`;
  Deno.test({ name: name + reason, ignore: missing.length > 0, fn });
}

/** Where `tests/run.sh` installs what Debian does not have. */
function cache(): string {
  const folder = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  return `${folder}/fairway-tests`;
}

function runtime(name: string): string {
  return `${cache()}/node_modules/.bin/${name}`;
}

/** The file that a Node of 24 or later runs as Node-RED. */
export function nodeRedFile(): string {
  return `${cache()}/node-red/node_modules/node-red/red.js`;
}

/** The command of a runtime that takes TypeScript: Bun, or a Node that strips types unasked. */
export function runtimeCommand(tool: "bun" | "node24"): string | null {
  const name = tool === "bun" ? "bun" : "node";
  return [name, runtime(name)].find((command) => {
    const version = outputOf(command, ["--version"])?.replace(/^v/, "");
    if (version === undefined) return false;
    const [major, minor] = version.split(".").map(Number);
    return tool === "bun" || major! >= 24 || (major === 22 && minor! >= 18);
  }) ?? null;
}

/** What a command writes; `null` if there is no such command. */
function outputOf(command: string, args: string[]): string | null {
  try {
    const { stdout } = new Deno.Command(command, { args, stderr: "null" }).outputSync();
    return new TextDecoder().decode(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The path of mosquitto's plugin for dynamic security; `null` if it is not installed. */
export function dynamicSecurityPlugin(): string | null {
  const folders = ["x86_64-linux-gnu", "aarch64-linux-gnu", "mosquitto", ""];
  const paths = folders.map((folder) => `/usr/lib/${folder}/mosquitto_dynamic_security.so`);
  return paths.find(isFile) ?? null;
}

function isInstalled(tool: Tool): boolean {
  if (tool === "mosquitto_dynamic_security") return dynamicSecurityPlugin() !== null;
  if (tool === "bun" || tool === "node24") return runtimeCommand(tool) !== null;
  if (tool === "node-red") return isFile(nodeRedFile()) && runtimeCommand("node24") !== null;
  const [command, ...args] = tool === "paho"
    ? [PYTHON, "-c", "import paho.mqtt"]
    : [tool, tool === "chromium" ? "--version" : "--help"];
  try {
    const { success } = new Deno.Command(command!, { args, stdout: "null", stderr: "null" })
      .outputSync();
    // The mosquitto clients tell their usage with an exit code of 1: that they start is enough.
    return success || tool !== "paho";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
