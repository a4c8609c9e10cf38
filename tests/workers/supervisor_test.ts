/**
 * Runs the scenes of `worker_scenes.ts`.
 *
 * @module
 */
import { runScenes } from "./_run_scenes.ts";
import { SCENES } from "./worker_scenes.ts";

runScenes(SCENES, "./worker_scenes.ts");
