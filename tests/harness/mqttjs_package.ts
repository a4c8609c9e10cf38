import { Child } from "./child.ts";

const DEADLINE_MS = 60_000;

/** MQTT.js as Node and browsers want it: in a folder, for as long as a test lasts. */
export class MqttJsPackage implements AsyncDisposable {
  /** A folder from which Node finds `mqtt`. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes the folder, with what Deno has fetched for the other tests. */
  static async make(): Promise<MqttJsPackage> {
    const folder = await Deno.makeTempDir();
    const made = new MqttJsPackage(folder);
    const manifest = { private: true, dependencies: { mqtt: "^5.10" } };
    await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify(manifest));
    const args = ["install", "--quiet", "--node-modules-dir=auto"];
    await using child = new Child(Deno.execPath(), args, { cwd: folder });
    const { code, stderr } = await child.outcome(DEADLINE_MS);
    if (code === 0) return made;
    await made[Symbol.asyncDispose]();
    throw new Error(`Cannot install MQTT.js: ${stderr}`);
  }

  /** The one file that browsers need. */
  browserFile(): Promise<Uint8Array<ArrayBuffer>> {
    return Deno.readFile(`${this.folder}/node_modules/mqtt/dist/mqtt.min.js`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
