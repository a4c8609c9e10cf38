/**
 * Moves the stores of a folder to another number of workers, and tells what it takes.
 *
 *     deno run --allow-all bench/durable/move.ts FOLDER WORKERS
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { checkNodeStores } from "../../server/workers/node_stores.ts";

const [folder, workers] = Deno.args;
let said = "";
await checkNodeStores(folder!, Number(workers), (line) => said = line);
const { user, system } = cpuUsage();
const [, peakKb] = /VmHWM:\s*(\d+)/.exec(await Deno.readTextFile("/proc/self/status"))!;
const cpu = ((user + system) / 1e6).toFixed(1);
// deno-lint-ignore no-console
console.log(`${said}; ${cpu} s of the processor, ${Math.round(Number(peakKb) / 1024)} MB at most`);
