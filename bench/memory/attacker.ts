/**
 * Attacks a broker, in a process of its own, so that who looks on is not held up by it:
 * `attacker.ts NAME PORT SECONDS`.
 *
 * @module
 */
import { ATTACKS } from "./attacks.ts";

const [name, port, seconds] = Deno.args;
const end = performance.now() + Number(seconds) * 1000;
await ATTACKS[name!]!(Number(port), () => performance.now() > end);
Deno.exit(0);
