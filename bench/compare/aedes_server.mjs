// Starts aedes on Node: node aedes_server.mjs FOLDER PORT, where FOLDER has its node_modules.
import { createServer } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, port] = process.argv.slice(2);
const entry = join(folder, "node_modules", "aedes", "aedes.js");
const { Aedes } = await import(pathToFileURL(entry).href);
const aedes = await Aedes.createBroker();
createServer({ noDelay: true }, aedes.handle).listen({ port: Number(port), host: "127.0.0.1" });
