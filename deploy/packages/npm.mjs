// Packs huedb for npm: node npm.mjs PROGRAM FOLDER (packs for the machine that runs it).
// Two packages, as esbuild and Biome have them: @huedb/PLATFORM is the program, and huedb, which people install, names one for
// each machine as an optional dependency, of which npm takes the one that fits. A single package would bring every machine the
// 60 MB of all the others, and one that fetches the program when it is installed fails without scripts or without a network.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

// Those that .github/workflows/release.yml builds.
const MACHINES = ["linux-x64", "linux-arm64"];

const [program, folder] = process.argv.slice(2).map((path) => resolve(path));
const root = resolve(fileURLToPath(import.meta.url), "../../..");
const run = (command, ...rest) => execFileSync(command, rest, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
const [crate] = JSON.parse(run("cargo", "metadata", "--no-deps", "--locked", "--format-version", "1")).packages;
const common = {
    version: crate.version,
    license: crate.license.replace(/^(.* OR .*)$/, "($1)"),
    repository: { type: "git", url: `git+${crate.repository}.git` },
};

function pack(manifest, files) {
    const work = mkdtempSync(join(tmpdir(), "huedb-npm-"));
    try {
        for (const [name, from, mode] of [...files, ["LICENSE-APACHE", "LICENSE-APACHE", 0o644], ["LICENSE-MIT", "LICENSE-MIT", 0o644]]) {
            copyFileSync(resolve(root, from), join(work, name));
            chmodSync(join(work, name), mode);
        }
        writeFileSync(join(work, "package.json"), `${JSON.stringify({ ...manifest, ...common }, null, 2)}\n`);
        run("npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", folder, work);
    } finally {
        rmSync(work, { recursive: true });
    }
}

const machine = `${process.platform}-${process.arch}`;
if (!MACHINES.includes(machine)) throw new Error(`no package is made for ${machine}: add it to MACHINES`);
mkdirSync(folder, { recursive: true });
pack(
    {
        name: `@huedb/${machine}`,
        description: `The program of huedb for ${machine}; install huedb`,
        os: [process.platform],
        cpu: [process.arch],
        libc: ["glibc"],
    },
    [["huedb", program, 0o755]],
);
pack(
    {
        name: crate.name,
        description: crate.description,
        keywords: crate.keywords,
        bin: { huedb: "huedb.js" },
        engines: { node: ">=18" },
        optionalDependencies: Object.fromEntries(MACHINES.map((name) => [`@huedb/${name}`, crate.version])),
    },
    [["huedb.js", "deploy/packages/launcher.js", 0o755], ["README.md", crate.readme, 0o644]],
);
