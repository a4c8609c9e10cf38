/**
 * Runs the scenes of `limit_scenes.ts`.
 *
 * @module
 */
import { runScenes } from "./_run_scenes.ts";
import { SCENES } from "./limit_scenes.ts";

runScenes(SCENES, "./limit_scenes.ts");
