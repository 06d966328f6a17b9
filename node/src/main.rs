//! `cliqueclique`: the node that people run, and the commands that talk to it.
//!
//! The runner awaits, calls the core, performs its effects in their order. No protocol logic
//! lives in this crate, and nothing here knows the simulator.

mod alone;
mod caller;
mod carry;
mod cli;
mod clock;
mod control;
mod fault;
mod folder;
mod hosting;
mod machine;
mod metrics;
mod node;
mod portable;
mod reload;
mod runner;
mod settings;
mod store;
mod text;
mod transport;
mod web;

fn main() -> std::process::ExitCode {
    cli::main()
}
