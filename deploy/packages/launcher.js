#!/usr/bin/env node
// What npm puts on the PATH as huedb: it becomes the program, which npm installed as a package of its own for this machine.
// Where Node cannot replace itself (before 22.15), it waits for the program, hands it signals and ends as it does.
"use strict";
const { spawn } = require("node:child_process");

const machine = `${process.platform}-${process.arch}`;

function refuse(what) {
    const machines = Object.keys(require("./package.json").optionalDependencies).map((name) => name.split("/")[1]);
    console.error(
        `error: ${what}\n\nhint: npm has huedb for ${machines.join(" and ")} with glibc, and leaves it out with --omit=optional; ` +
            "elsewhere build it with `cargo install --locked --git https://github.com/huedb/huedb`",
    );
    process.exit(1);
}

function wait(program, given) {
    // Ctrl-C and Ctrl-\ reach the program from the terminal; a second one from here would end it at once.
    for (const signal of ["SIGINT", "SIGQUIT"]) process.on(signal, () => {});
    const child = spawn(program, given, { stdio: "inherit" });
    for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
    child.on("error", (error) => refuse(`cannot run ${program}: ${error.message}`));
    child.on("exit", (code, signal) => {
        if (signal === null) process.exit(code);
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
    });
}

let program;
try {
    program = require.resolve(`@huedb/${machine}/huedb`);
} catch {
    refuse(`npm installed no program of huedb for ${machine}`);
}
const given = process.argv.slice(2);
if (process.execve) process.execve(program, [program, ...given], process.env);
else wait(program, given);
