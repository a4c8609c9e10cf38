import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ConfigError } from "../config/errors/errors.ts";
import { parse } from "../config/testdata/conf.ts";
import { Certificates } from "../tests/harness/certificates.ts";
import { testWith } from "../tests/harness/tools.ts";
import { systemFiles } from "./config_files.ts";
import { readTls } from "./tls_files.ts";

/** Reads what a listener with these lines needs; `FOLDER` is where the certificates are. */
async function read({ folder }: Certificates, lines: string) {
  const { listeners } = await parse(`listener 1\n${lines.replaceAll("FOLDER", folder)}`);
  return await readTls(listeners[0]!, systemFiles);
}

const IDENTITY = "certfile FOLDER/server.pem\nkeyfile FOLDER/server.key\n";

testWith(
  ["openssl"],
  "readTls() reads certificates, keys and authorities, of a file or a folder",
  async () => {
    await using made = await Certificates.make();
    await made.revoke([]);
    assertEquals(await read(made, ""), null);
    const plain = await read(made, IDENTITY);
    assertEquals([plain!.cert, plain!.minVersion], [await made.pem("server"), "1.2"]);
    // As in mosquitto, authorities alone ask nobody for a certificate.
    const alone = await read(made, `${IDENTITY}cafile FOLDER/ca.pem\ntls_version tlsv1.3\n`);
    assertEquals([alone!.clientCertificate, alone!.minVersion], [undefined, "1.3"]);
    const all = await read(
      made,
      `${IDENTITY}cafile FOLDER/ca.pem\ncrlfile FOLDER/revoked.pem\nrequire_certificate true\n`,
    );
    assertEquals([all!.clientCertificate, all!.clientAuthorities], [
      "require",
      await made.pem("ca"),
    ]);
    assertStringIncludes(all!.revoked!, "BEGIN X509 CRL");
    const named = await read(made, `${IDENTITY}capath FOLDER\nuse_identity_as_username true\n`);
    assertEquals(named!.clientCertificate, "request");
    assertStringIncludes(named!.clientAuthorities!, (await made.pem("ca")).trim());
  },
);

testWith(["openssl"], "readTls() tells which word names what cannot be used", async () => {
  await using made = await Certificates.make();
  for (
    const [lines, start] of [
      [
        "certfile FOLDER/none.pem\nkeyfile FOLDER/server.key\n",
        "main.conf:2: certfile: cannot use",
      ],
      ["certfile FOLDER/server.pem\nkeyfile FOLDER/none\n", "main.conf:3: keyfile: cannot use"],
      ["certfile FOLDER/server.pem\nkeyfile FOLDER/ca.key\n", "main.conf:3: keyfile: cannot use"],
      [
        `${IDENTITY}require_certificate true\ncapath FOLDER/none\n`,
        "main.conf:5: capath: cannot use",
      ],
      [
        `${IDENTITY}require_certificate true\ncafile FOLDER/settings\n`,
        "main.conf:5: cafile: cannot use",
      ],
    ] as const
  ) {
    const error = await assertRejects(() => read(made, lines), ConfigError);
    assertStringIncludes(error.message, start);
  }
});
