/**
 * What the fuzzer has learnt is run again, and the fuzzer itself is tried.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Random } from "../harness/random.ts";
import { Campaign } from "./campaign.ts";
import { Corpus, readCases } from "./corpus.ts";
import { countInputs, formatCase, parseCase } from "./fuzz_case.ts";
import { changedCase, newCase } from "./generate.ts";
import { minimise } from "./minimise.ts";
import { runCase } from "./run_case.ts";

const CORPUS = new URL("./corpus/", import.meta.url);
const FINDINGS = new URL("./findings/", import.meta.url);
const SEED = 1;
const CASES = 300;

for (const [name, folder] of Object.entries({ CORPUS, FINDINGS })) {
  Deno.test(`no case of the ${name.toLowerCase()} finds anything wrong`, async () => {
    const cases = await readCases(folder);
    assert(cases.length > 0, "there is none");
    for (const fuzzCase of cases) {
      const { faults } = await runCase(fuzzCase);
      assertEquals(faults, [], formatCase(fuzzCase));
    }
  });
}

Deno.test("a case runs the same way again", async () => {
  const random = new Random(SEED);
  for (let count = 0; count < 30; count++) {
    const fuzzCase = newCase(random);
    assertEquals(await runCase(fuzzCase), await runCase(fuzzCase));
  }
});

Deno.test("a case comes back from its text as it was", () => {
  const random = new Random(SEED);
  let before = newCase(random);
  for (let count = 0; count < 100; count++) {
    const fuzzCase = changedCase(random, newCase(random), before);
    assertEquals(parseCase(formatCase(fuzzCase)), fuzzCase);
    before = fuzzCase;
  }
});

Deno.test("a campaign learns: clients of every version come in, and are sent away", async () => {
  const campaign = new Campaign(SEED);
  for (let count = 0; count < CASES; count++) await campaign.next();
  assertEquals([...campaign.findings.values()].map(({ fault }) => fault), []);
  assert(campaign.inputs > 20 * CASES, `${campaign.inputs} inputs`);
  const { cases, features } = campaign.corpus.size;
  assert(cases > 30 && features > 150, `${cases} cases with ${features} features`);
});

Deno.test("Corpus keeps what shows something new, and its essence shows it all", () => {
  const corpus = new Corpus();
  const fuzzCase = (settings: number) => ({ settings, steps: [] });
  assert(corpus.offer(fuzzCase(1), new Set(["a"])));
  assert(!corpus.offer(fuzzCase(2), new Set(["a"])));
  assert(corpus.offer(fuzzCase(3), new Set(["a", "b", "c"])));
  assert(corpus.offer(fuzzCase(4), new Set(["d"])));
  assertEquals(corpus.size, { cases: 3, features: 4 });
  assertEquals(corpus.essence().map(({ settings }) => settings), [3, 4]);
});

Deno.test("minimise() leaves what it takes to see a fault, and nothing else", async () => {
  const send = (client: number, hex: string) => `send ${client} ${hex}\n`;
  const noise = Array.from({ length: 20 }, (_, i) => `open ${i % 4}\n${send(i % 4, "c000c000")}`);
  const text = `settings 1\n${noise.join("")}${send(2, "c0003004ee00")}${noise.join("")}`;
  const smallest = await minimise(
    parseCase(text),
    ({ steps }) =>
      Promise.resolve(
        steps.some((step) => step.do === "send" && step.bytes.toHex().includes("ee")),
      ),
  );
  assertEquals(formatCase(smallest), "settings 1\nsend 2 ee\n");
});

Deno.test("countInputs() counts packets, those begun included, and all else that is done", () => {
  const { steps } = parseCase(
    "settings 1\nopen 0\nsend 0 c000c000\nsend 0 30ff\nsend 0 c000 1000\nwait 5\nsend 0 300161c0\n",
  );
  assertEquals(countInputs(steps), 1 + 2 + 1 + 1 + 1 + 2);
});
