//! Simulator binary: see `cliqueclique-sim --help` and `scenarios/README.md`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
