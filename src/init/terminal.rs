//! Questions and answers: on a terminal, or by lines that somebody pipes in.

use std::io::{self, IsTerminal as _, Write as _};
use std::thread;

use anyhow::Context;
use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use tokio::sync::mpsc;

pub(super) struct Terminal {
    lines: mpsc::UnboundedReceiver<io::Result<String>>,
    is_terminal: bool,
}

impl Terminal {
    /// Takes standard input. It is read by a thread that nobody waits for: whoever sits there may
    /// never type anything.
    pub(super) fn open() -> anyhow::Result<Self> {
        let (sender, lines) = mpsc::unbounded_channel();
        // A thread and not tokio's own standard input, whose pending read keeps a program from
        // ending.
        let read = move || {
            for line in io::stdin().lines() {
                if sender.send(line).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("stdin".to_owned()).spawn(read).context("read answers")?;
        Ok(Self { lines, is_terminal: io::stdin().is_terminal() })
    }

    /// Asks for something that may be seen.
    pub(super) async fn ask(&mut self, question: &str) -> anyhow::Result<String> {
        print_text(&format!("{question}: "))?;
        self.read_line().await
    }

    /// Asks for something that nobody else may see.
    pub(super) async fn ask_secret(&mut self, question: &str) -> anyhow::Result<String> {
        // Before the question is shown: who types quickly is not seen either.
        let hidden = if self.is_terminal { HiddenInput::begin() } else { None };
        print_text(&format!("{question}: "))?;
        let line = self.read_line().await;
        if hidden.is_some() {
            // The end of the line was not shown either.
            print_text("\n")?;
        }
        line
    }

    async fn read_line(&mut self) -> anyhow::Result<String> {
        let line = self.lines.recv().await.context("the input has ended")?;
        Ok(line.context("read an answer")?.trim().to_owned())
    }
}

pub(super) fn print_text(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("write to standard output")
}

/// While it lives, the terminal does not show what is typed.
struct HiddenInput(Termios);

impl HiddenInput {
    fn begin() -> Option<Self> {
        let before = termios::tcgetattr(io::stdin()).ok()?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &hidden).ok()?;
        Some(Self(before))
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing any more.
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.0).ok();
    }
}
