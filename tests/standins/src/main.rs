//! The stand-ins as a program. Errors are one line, with exit code 1; wrong usage exits with 2.

use std::io::Write as _;
use std::process::ExitCode;

use blip_slack_standins::program::{self, Arguments};
use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    match program::run(arguments, stop).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With nowhere to write to, the exit code has to say it.
            writeln!(std::io::stderr(), "blip-slack-standins: {error}").ok();
            ExitCode::FAILURE
        }
    }
}
