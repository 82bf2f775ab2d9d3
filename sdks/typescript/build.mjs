// Builds the package: modules in dist/esm, CommonJS in dist/cjs, each with its types.
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
const tsc = (...more) =>
  execFileSync(process.execPath, [join(typescript, "bin", "tsc"), "-p", here, ...more], { stdio: "inherit" });

rmSync(join(here, "dist"), { recursive: true, force: true });
tsc();
tsc("--module", "commonjs", "--moduleResolution", "bundler", "--outDir", join(here, "dist", "cjs"));
writeFileSync(join(here, "dist", "cjs", "package.json"), '{ "type": "commonjs" }\n');
