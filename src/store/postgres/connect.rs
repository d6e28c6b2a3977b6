//! Where the server is, and how connections to it are made.

use std::str::FromStr;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use percent_encoding::percent_decode_str;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::PostgresFault;
use super::tls::{Roots, Trust, build_connector};

/// How long one host may take to let us in; the next one is tried then.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long what was sent may go unacknowledged: a host that is gone does not say so.
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(8);
/// After how long an idle connection is looked after.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);

/// What every session does first. What is committed is to be on the disk when it is answered, and on
/// a synchronous standby, whatever the server's own settings are; one that asks for more is let be.
const PREPARE_SESSION: &str = "
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');
    SET client_min_messages = warning;
    SET jit = off;
    SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '30s'";

/// A server, or several of which one can be written to.
#[derive(Clone)]
pub(super) struct DatabaseServer {
    config: Config,
    tls: MakeRustlsConnect,
}

impl DatabaseServer {
    /// Reads an address: `postgres://user:password@host:port,host:port/database?sslmode=…`.
    ///
    /// # Errors
    ///
    /// None of them quotes the address: it holds the password.
    pub(super) fn parse(url: &str) -> Result<Self, PostgresFault> {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let mut mode = None;
        let mut roots = None;
        let mut others = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            match name {
                "sslmode" => mode = Some(value),
                "sslrootcert" => roots = Some(value),
                _ => others.push(pair),
            }
        }
        let (ssl_mode, trust) = parse_ssl_mode(mode.as_deref(), roots.as_deref())?;
        let mut config = Config::from_str(&format!("{address}?{}", others.join("&")))
            .map_err(|error| PostgresFault::Address(describe_unreadable(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(PostgresFault::Address("it names no host".to_owned()));
        }
        config
            .ssl_mode(ssl_mode)
            // Of several hosts only one can be written to at a time, and after a failover it is
            // another one.
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .tcp_user_timeout(UNACKNOWLEDGED_TIMEOUT)
            .keepalives_idle(KEEPALIVE_IDLE);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("blip-slack");
        }
        Ok(Self { config, tls: build_connector(&trust)? })
    }

    /// What to call it where people read it.
    pub(super) fn describe(&self) -> String {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or_default();
        format!("postgres://{}/{database}", hosts.collect::<Vec<_>>().join(","))
    }

    /// Connections that are made when they are needed, and kept.
    pub(super) fn build_pool(&self, size: usize) -> Result<Pool, PostgresFault> {
        let manager = Manager::from_config(
            self.config.clone(),
            self.tls.clone(),
            // No question before each use: a connection that is lost is found out by what is asked
            // over it, and that can be asked twice.
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let prepare = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _metrics| {
            Box::pin(async move { prepare_session(client).await.map_err(HookError::Backend) })
        });
        Pool::builder(manager)
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .post_create(prepare)
            .build()
            .map_err(|error| PostgresFault::Address(error.to_string()))
    }

    /// One connection of its own, and what has to be polled for it to work.
    pub(super) async fn connect(
        &self,
    ) -> Result<
        (Client, impl Future<Output = ()> + use<>, tokio::sync::mpsc::UnboundedReceiver<()>),
        PostgresFault,
    > {
        let (client, mut connection) = self.config.connect(self.tls.clone()).await?;
        let (heard, hears) = tokio::sync::mpsc::unbounded_channel();
        let drive = std::future::poll_fn(move |context| {
            loop {
                match std::task::ready!(connection.poll_message(context)) {
                    Some(Ok(tokio_postgres::AsyncMessage::Notification(_))) => {
                        // Whoever listens has gone with the connection.
                        heard.send(()).ok();
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return std::task::Poll::Ready(()),
                }
            }
        });
        Ok((client, drive, hears))
    }
}

/// Does what every session does first.
pub(super) async fn prepare_session(client: &Client) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(PREPARE_SESSION).await
}

/// `prefer`, as libpq has it, if nothing is asked for; with authorities, `require` asks for them.
fn parse_ssl_mode(
    mode: Option<&str>,
    roots: Option<&str>,
) -> Result<(SslMode, Trust), PostgresFault> {
    let file = roots.filter(|path| *path != "system");
    let named = file.map_or(Roots::System, |path| Roots::File(path.into()));
    Ok(match mode.unwrap_or("prefer") {
        "disable" => (SslMode::Disable, Trust::Anybody),
        "prefer" => (SslMode::Prefer, Trust::Anybody),
        "require" if file.is_some() => (SslMode::Require, Trust::Authority(named)),
        "require" => (SslMode::Require, Trust::Anybody),
        "verify-ca" => (SslMode::Require, Trust::Authority(named)),
        "verify-full" => (SslMode::Require, Trust::Name(named)),
        _ => {
            return Err(PostgresFault::Address(
                "sslmode: disable, prefer, require, verify-ca or verify-full".to_owned(),
            ));
        }
    })
}

/// What is wrong with an address, without the address.
fn describe_unreadable(error: &tokio_postgres::Error) -> String {
    let cause = std::error::Error::source(error);
    let cause = cause.map(ToString::to_string).filter(|cause| !cause.contains('@'));
    cause.unwrap_or_else(|| "not an address of a database".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<DatabaseServer, String> {
        DatabaseServer::parse(url).map_err(|fault| fault.to_string())
    }

    #[test]
    fn several_hosts_are_taken_and_only_one_that_can_be_written_to() {
        let server = parse("postgres://u:p%40x@a:1,b:2/bridge?connect_timeout=7").unwrap();
        assert_eq!(server.describe(), "postgres://a,b/bridge");
        assert_eq!(server.config.get_ports(), [1, 2]);
        assert_eq!(server.config.get_password(), Some(&b"p@x"[..]));
        assert_eq!(server.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(server.config.get_connect_timeout(), Some(&Duration::from_secs(7)));
    }

    #[test]
    fn each_ssl_mode_asks_for_what_it_says() {
        let file = || Roots::File("/ca.pem".into());
        let ca = Some("/ca.pem");
        for (mode, roots, expected) in [
            (None, None, (SslMode::Prefer, Trust::Anybody)),
            (Some("disable"), ca, (SslMode::Disable, Trust::Anybody)),
            (Some("require"), None, (SslMode::Require, Trust::Anybody)),
            (Some("require"), ca, (SslMode::Require, Trust::Authority(file()))),
            (Some("verify-ca"), ca, (SslMode::Require, Trust::Authority(file()))),
            (Some("verify-full"), ca, (SslMode::Require, Trust::Name(file()))),
            (Some("verify-full"), None, (SslMode::Require, Trust::Name(Roots::System))),
        ] {
            assert_eq!(parse_ssl_mode(mode, roots).unwrap(), expected, "{mode:?}");
        }
        assert!(parse_ssl_mode(Some("allow"), None).is_err());
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for url in [
            "postgres://u:secret@h/d?sslmode=sometimes",
            "postgres://u:secret@h:port/d",
            "postgres://u:secret@h/d?nonsense=1",
            "postgres:///d",
            "postgres://u:secret@h/d?sslmode=verify-full&sslrootcert=/no/such/file",
        ] {
            let told = parse(url).err().unwrap();
            assert!(!told.contains("secret"), "{told}");
        }
    }
}
