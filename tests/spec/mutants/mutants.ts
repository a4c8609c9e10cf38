import type { Mutant } from "./mutant.ts";
import { BROKER_MUTANTS } from "./mutants_broker.ts";
import { CODEC_MUTANTS } from "./mutants_codec.ts";
import { EXCHANGE_MUTANTS } from "./mutants_exchange.ts";
import { LIMIT_MUTANTS } from "./mutants_limits.ts";
import { ROUTING_MUTANTS } from "./mutants_routing.ts";

/** Every mutant. */
export const MUTANTS: readonly Mutant[] = [
  ...CODEC_MUTANTS,
  ...BROKER_MUTANTS,
  ...EXCHANGE_MUTANTS,
  ...ROUTING_MUTANTS,
  ...LIMIT_MUTANTS,
];
