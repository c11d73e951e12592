//! Embedding services: real HTTP on this machine, with services that behave and some that do not.

mod fake;
mod faults;
mod requests;
mod resume;

use fake::Service;

use crate::huedb::{Ran, World, finish};

const KEY: &str = "sk-hush-0123456789";

/// Runs a command that finds its services in the world's folder, with a key in `SERVICE_KEY`.
fn run(world: &World, args: &[&str]) -> Ran {
    run_with(world, args, &[])
}

fn run_with(world: &World, args: &[&str], env: &[(&str, &str)]) -> Ran {
    finish(command(world, args).envs(env.iter().copied()).spawn().unwrap())
}

fn command(world: &World, args: &[&str]) -> std::process::Command {
    let mut command = world.command(args);
    command.env("HUEDB_DATA_DIR", world.path("data")).env("HUEDB_CACHE_DIR", world.path("cache"));
    command.env("SERVICE_KEY", KEY).env_remove("HUEDB_OFFLINE");
    command
}

fn ok(world: &World, args: &[&str]) -> String {
    let ran = run(world, args);
    assert_eq!(ran.status, Some(0), "{args:?}: {}", ran.stderr);
    ran.stdout
}

/// Adds a service under the name `far`, with waits that are short.
fn add(world: &World, service: &Service, args: &[&str]) -> Ran {
    let fixed = ["model", "add", "far", "--endpoint", &service.address, "--remote-model", "m", "--retry-wait", "0.001"];
    run(world, &[&fixed[..], args].concat())
}

/// A world with a service `far` and a collection `notes` of it; what was asked so far is forgotten.
fn with_notes(service: &Service, args: &[&str]) -> World {
    let world = World::new();
    let ran = add(&world, service, args);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    ok(&world, &["create", "notes", "--model", "far"]);
    service.take_asked();
    world
}
