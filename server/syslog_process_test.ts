import { assertEquals } from "@std/assert";
import { eventually } from "../tests/harness/eventually.ts";
import { SyslogProcess } from "./syslog_process.ts";

Deno.test({
  name: "SyslogProcess gives each line to logger, and ends it",
  ignore: Deno.build.os === "windows",
  // It does not wait for the process on purpose.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    const script =
      `#!/bin/sh\necho "$@" >${folder}/args\ncat >${folder}/lines\ntouch ${folder}/over\n`;
    await Deno.writeTextFile(`${folder}/logger`, script, { mode: 0o755 });
    const path = Deno.env.get("PATH")!;
    Deno.env.set("PATH", `${folder}:${path}`);
    try {
      const syslog = new SyslogProcess();
      syslog.write("<27>oh");
      syslog.write("<29>well");
      syslog.close();
      const isOver = () => Deno.stat(`${folder}/over`).then(() => true, () => false);
      await eventually("the logger ends", isOver);
    } finally {
      Deno.env.set("PATH", path);
    }
    assertEquals(await Deno.readTextFile(`${folder}/args`), "--tag fairway --prio-prefix\n");
    assertEquals(await Deno.readTextFile(`${folder}/lines`), "<27>oh\n<29>well\n");
    await Deno.remove(folder, { recursive: true });
  },
});
