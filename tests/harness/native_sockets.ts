/**
 * Has every broker of a test run listen with native sockets: `deno test --preload FILE …`. So the
 * same tests run over both kinds of sockets.
 *
 * @module
 */
import { Broker } from "../../mod.ts";

const { listen } = Broker.prototype;

Broker.prototype.listen = function (this: Broker, options: Parameters<typeof listen>[0] = {}) {
  return listen.call(this, { native: true, ...options });
} as typeof listen;
