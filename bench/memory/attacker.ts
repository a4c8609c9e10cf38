/**
 * Attacks a broker from a separate process, so that the observer is not slowed down: `attacker.ts
 * NAME PORT SECONDS`.
 *
 * @module
 */
import { ATTACKS } from "./attacks.ts";

const [name, port, seconds] = Deno.args;
const end = performance.now() + Number(seconds) * 1000;
await ATTACKS[name!]!(Number(port), () => performance.now() > end);
Deno.exit(0);
