//! The `sledger` command: argv, environment, files, exit codes, output.
//!
//! Promise: data on stdout, talk on stderr, and one of five exit codes
//! ([`exit::Exit`]). A reader that goes away is no failure. Names that come from
//! strangers are escaped wherever they are shown.
//!
//! Absent on purpose: any rule of the domain. What is decided is decided in
//! the rooms below; here it is read, asked for and shown.
#![forbid(unsafe_code)]

mod args;
mod configured;
mod exit;
mod html;
mod import;
mod lines;
mod notify;
mod output;
mod past;
mod policies;
mod reload;
mod served;
mod show;
mod verbs;
mod watch;
mod whence;
mod zone;

use args::Cli;
use clap::Parser;
use exit::Exit;
use output::Output;
use std::io::{BufWriter, Write as _, stderr, stdout};
use std::process::ExitCode;

/// The system's allocator costs the decider a third of its time: many small facts, freed by another thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody may be reading; the code says it all the same.
            let _unread = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok }.into();
        }
    };
    let mut data = BufWriter::new(stdout());
    let mut talk = stderr();
    let mut out = Output::new(&mut data, &mut talk, cli.global.output);
    let result = verbs::run(&cli, &mut out).and_then(|exit| out.flush().map(|()| exit));
    let exit = result.unwrap_or_else(|error| {
        let _unread = out.flush();
        let (exit, lines) = exit::explain(&error);
        for line in lines {
            out.say(&line);
        }
        exit
    });
    let _unread = data.flush();
    exit.into()
}
