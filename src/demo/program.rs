//! The service as a process of its own, so that it can be killed for real.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;

use anyhow::Context;
use blip_slack_standins::slack::User;
use serde::Serialize;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, watch};

use super::Stage;

/// What is to be seen of the service from outside.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Life {
    /// Counts up with each change.
    pub(super) changes: u64,
    /// Whether the process runs.
    running: bool,
    /// The language that it speaks.
    locale: String,
}

/// `blip-slack serve` between the stand-ins of a stage; ends with it.
pub(super) struct Program {
    stage: Mutex<Stage>,
    child: Mutex<Option<Child>>,
    life: watch::Sender<Life>,
}

impl Program {
    /// Chooses a port for the service and tells both platforms of it.
    pub(super) fn new(mut stage: Stage) -> anyhow::Result<Self> {
        // The port is let go and taken again by the process: both platforms have to know it before
        // that, and it stays the same after each kill.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
        let address = free.local_addr().context("find a free port")?;
        let url = format!("http://{address}");
        stage.set_setting("PORT", &address.port().to_string());
        stage.set_setting("PUBLIC_URL", &url);
        stage.slack.deliver_to(&format!("{url}/slack/events"));
        stage.blip.deliver_to(&format!("{url}/blip/webhook"));
        Ok(Self {
            stage: Mutex::new(stage),
            child: Mutex::default(),
            life: watch::Sender::new(Life { locale: "pt-BR".to_owned(), ..Life::default() }),
        })
    }

    /// How it is, and news of it.
    pub(super) fn watch(&self) -> watch::Receiver<Life> {
        self.life.subscribe()
    }

    fn tell(&self, change: impl FnOnce(&mut Life)) {
        self.life.send_modify(|life| {
            life.changes += 1;
            change(life);
        });
    }

    /// Starts the process, if none runs.
    pub(super) async fn start(&self) -> anyhow::Result<()> {
        let mut child = self.child.lock().await;
        if child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None))) {
            return Ok(());
        }
        let program = std::env::current_exe().context("find this program")?;
        let settings = self.stage.lock().await.settings().clone();
        let started = Command::new(program)
            .arg("serve")
            // Settings of a real bridge may be in this environment, with real tokens.
            .env_clear()
            .envs(settings)
            // A file of settings that happens to be here is not the demo's.
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        *child = Some(started.context("start the service")?);
        self.tell(|life| life.running = true);
        Ok(())
    }

    /// `SIGKILL`: no time to do anything.
    pub(super) async fn kill(&self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.lock().await.take() {
            child.kill().await.context("kill the service")?;
        }
        self.tell(|life| life.running = false);
        Ok(())
    }

    /// Speaks another language from the next start on.
    pub(super) async fn speak(&self, locale: &str) {
        let mut stage = self.stage.lock().await;
        stage.set_setting("LOCALE", locale);
        for user in stage.slack.look(|state| state.users.clone()).into_values() {
            let locale = locale.to_owned();
            stage.slack.add_user(User { locale, ..user });
        }
        self.tell(|life| locale.clone_into(&mut life.locale));
    }
}
