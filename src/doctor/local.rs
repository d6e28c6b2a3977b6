//! What is on this side: settings, database, backup, retention, version, the way in from outside.

use std::cmp::Ordering;
use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};

use super::finding::Finding;
use crate::app::{self, PlatformAccess};
use crate::clock::Clock;
use crate::config::Config;
use crate::slack::verify;
use crate::store::{self, DatabaseFacts, sqlite};

const SETTINGS: &str = "settings";
const DATABASE: &str = "database";
const BACKUP: &str = "backup";
const RETENTION: &str = "retention";
const PUBLIC_URL: &str = "public-url";
const VERSION: &str = "version";

/// A backup that is older is no help after a lost disk.
const MAX_BACKUP_AGE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Bodies that are kept longer serve nobody: what is looked up in them is days old.
const LONG_BODIES: Duration = Duration::from_hours(24 * 90);
/// Tickets that are kept longer than this should be kept on purpose.
const LONG_TICKETS: Duration = Duration::from_hours(24 * 730);

/// What is to be known of the database; nothing if it is not there yet.
pub(super) type LookedAtDatabase = store::Result<Option<DatabaseFacts>>;

/// What the settings say by themselves.
pub(super) fn check_settings(config: &Config) -> Vec<Finding> {
    let mut findings = match app::check_reactions(config) {
        Ok(()) => vec![Finding::ok(SETTINGS, "the settings can be read")],
        Err(error) => vec![Finding::failed(SETTINGS, error.to_string(), "choose another emoji")],
    };
    if let Some(proxy) = &config.http.proxy {
        let text = format!(
            "calls to Slack and Blip go through the proxy that {} names; customers' files do not",
            proxy.variable
        );
        findings.push(Finding::ok("proxy", text));
    }
    let doubtful = config.warnings.iter();
    findings.extend(doubtful.map(|it| Finding::warning(SETTINGS, &it.text, &it.fix)));
    findings.push(check_retention(config));
    findings
}

/// What is kept, and for how long.
fn check_retention(config: &Config) -> Finding {
    let days = |time: Duration| time.as_secs() / 86_400;
    let kept = format!(
        "what people wrote is kept for {} days after it was handled, and closed tickets with names, \
        numbers and links for {} days; Slack, Blip and backups keep theirs by their own rules",
        days(config.retain_bodies),
        days(config.retain_tickets)
    );
    let long = [
        ("RETAIN_BODIES_DAYS", config.retain_bodies > LONG_BODIES),
        ("RETAIN_TICKETS_DAYS", config.retain_tickets > LONG_TICKETS),
    ];
    let long: Vec<&str> = long.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect();
    if long.is_empty() {
        return Finding::ok(RETENTION, kept);
    }
    let fix = format!("lower {}, unless a rule of yours asks for that long", long.join(" and "));
    Finding::warning(RETENTION, kept, fix)
}

/// Looks at the database.
pub(super) async fn inspect_database(config: &Config) -> LookedAtDatabase {
    store::inspect_database(config.database_url.expose_secret()).await
}

/// Whether the database can be used, of which version it is, and when it was last backed up.
pub(super) fn check_database(
    config: &Config,
    database: &LookedAtDatabase,
    clock: &Clock,
) -> Vec<Finding> {
    let ours = concat!("blip-slack ", env!("CARGO_PKG_VERSION"));
    let facts = match database {
        Ok(Some(facts)) => facts,
        Ok(None) => return vec![Finding::ok(VERSION, ours), check_new_database(config)],
        Err(error) => {
            let text = format!("DATABASE_URL: the database cannot be used ({error})");
            let fix = "mend that, correct DATABASE_URL, or put a backup back";
            return vec![Finding::ok(VERSION, ours), Finding::failed(DATABASE, text, fix)];
        }
    };
    let DatabaseFacts { version, newest, .. } = *facts;
    let tables = format!("{ours}; the database is of step {version}, and this program of {newest}");
    let version = match version.cmp(&newest) {
        // An older program would not know what the newer one has written.
        Ordering::Greater => Finding::failed(
            VERSION,
            tables,
            "run the version that made these tables or a later one, or put back a backup of before",
        ),
        Ordering::Less => {
            Finding::ok(VERSION, format!("{tables}: the next start brings it up to date"))
        }
        Ordering::Equal => Finding::ok(VERSION, tables),
    };
    let usable = Finding::ok(DATABASE, "DATABASE_URL: the database can be read and written");
    // Of a server only its operator knows the backups; of a file, we made them.
    let backup = if store::is_postgres(config.database_url.expose_secret()) {
        check_standby(facts)
    } else {
        check_backup(facts, clock)
    };
    vec![version, usable, backup]
}

fn check_new_database(config: &Config) -> Finding {
    let url = config.database_url.expose_secret();
    if store::is_postgres(url) {
        return Finding::ok(DATABASE, "DATABASE_URL: the tables are made at the first start");
    }
    let path = sqlite::parse_url(url);
    let folder = path.parent().filter(|it| *it != Path::new("")).unwrap_or(Path::new("."));
    // A file without a name, which is gone as soon as it was made.
    match tempfile::tempfile_in(folder) {
        Ok(_) => {
            let path = path.display();
            Finding::ok(DATABASE, format!("DATABASE_URL: {path} is made at the first start"))
        }
        Err(error) => {
            let folder = folder.display();
            let text =
                format!("DATABASE_URL: nothing can be kept in the folder {folder} ({error})");
            let fix = "make the folder, for the user that the bridge runs as, or correct \
                DATABASE_URL";
            Finding::failed(DATABASE, text, fix)
        }
    }
}

/// Whether events that were answered with `200` may be lost when a standby takes the server's place: it may
/// lack what the server has confirmed without waiting for it.
fn check_standby(facts: &DatabaseFacts) -> Finding {
    if !facts.may_lose_to_standby {
        return Finding::ok(BACKUP, "the database is backed up by whoever looks after its server");
    }
    Finding::warning(
        BACKUP,
        "the database has no synchronous standby: what its standby has not received is lost when \
        that takes over",
        "set synchronous_standby_names on the server, or live with what docs/postgresql.md says",
    )
}

fn check_backup(facts: &DatabaseFacts, clock: &Clock) -> Finding {
    let fix = "make a backup every day: `blip-slack store backup FILE`";
    match facts.backed_up {
        Some(at) if clock.now().duration_since(at) <= MAX_BACKUP_AGE => {
            Finding::ok(BACKUP, format!("the database was backed up at {at}"))
        }
        Some(at) => Finding::warning(BACKUP, format!("the last backup is of {at}"), fix),
        None => Finding::warning(BACKUP, "the database was never backed up", fix),
    }
}

/// Whether the bridge is there where Blip, Slack and customers look for it, as far as it can be seen
/// from this machine.
///
/// It is asked what changes nothing, on the paths that a proxy in front of it has to pass on: over
/// HTTP what Slack asks before it uses an address, which proves the signing secret, too.
pub(super) async fn check_public_url(config: &Config, access: &PlatformAccess) -> Finding {
    let Some(url) = &config.http.public_url else {
        return Finding::warning(
            PUBLIC_URL,
            "no file of an agent reaches a customer, and no manifest knows the address",
            "set PUBLIC_URL to the address at which others reach the bridge",
        );
    };
    let over_http = config.slack.app_token.is_none();
    // With several secrets the first one is the new one; any of them proves that it is this bridge.
    let secret = config.slack.signing_secrets.first().filter(|_| over_http);
    let (address, answer) = if let Some(secret) = secret {
        let address = format!("{url}/slack/events");
        let answer = send_challenge(access, &address, secret).await;
        (address, answer)
    } else {
        let address = format!("{url}/blip/webhook");
        // The bridge takes nothing there but what is posted, and no page or proxy says that.
        let answer = access.http().get(&address).send().await;
        let answer = answer.map(|answer| answer.status().as_u16());
        (address, answer.map(|status| (status, status == 405)).map_err(|error| error.is_timeout()))
    };
    describe_way_in(&address, answer)
}

/// Asks what Slack asks before it uses an address (`slack.md` B.1); see [`describe_way_in`].
async fn send_challenge(
    access: &PlatformAccess,
    address: &str,
    secret: &SecretString,
) -> Result<(u16, bool), bool> {
    const CHALLENGE: &str = "blip-slack-doctor";
    let body = format!(r#"{{"type":"url_verification","challenge":"{CHALLENGE}"}}"#);
    let headers = verify::sign_body(secret, access.clock().now(), body.as_bytes());
    let request = access.http().post(address).header("content-type", "application/json");
    let request = headers.into_iter().fold(request, |it, (name, value)| it.header(name, value));
    let answer = request.body(body).send().await.map_err(|error| error.is_timeout())?;
    let status = answer.status().as_u16();
    let is_ours = answer.text().await.is_ok_and(|text| text == CHALLENGE);
    Ok((status, status == 200 && is_ours))
}

/// What came back: a status and whether the bridge itself has answered, or whether it took too long.
fn describe_way_in(address: &str, answer: Result<(u16, bool), bool>) -> Finding {
    let pass = "pass /slack/, /blip/ and /media/ on to it in the proxy in front of it";
    let (problem, fix) = match answer {
        Ok((_, true)) => {
            let text = format!("PUBLIC_URL: the bridge answers at {address}");
            return Finding::ok(PUBLIC_URL, text);
        }
        Ok((401, false)) => (
            "belongs to a bridge with another SLACK_SIGNING_SECRET, or asks for a password"
                .to_owned(),
            "start the bridge with these settings, and let the proxy in front of it ask for no \
            password"
                .to_owned(),
        ),
        Ok((status, false)) => (
            format!("answers {status}, which is not the bridge"),
            format!("start the bridge, or {pass}"),
        ),
        Err(true) => ("does not answer in time".to_owned(), format!("start the bridge, or {pass}")),
        Err(false) => ("cannot be reached".to_owned(), format!("start the bridge, or {pass}")),
    };
    Finding::warning(PUBLIC_URL, format!("PUBLIC_URL: {address} {problem}"), fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::CheckOutcome;

    #[test]
    fn an_address_that_takes_too_long_is_told_with_what_mends_it() {
        let found = describe_way_in("https://bridge.loja.com/slack/events", Err(true));
        assert_eq!(found.outcome, CheckOutcome::Warning);
        assert!(found.text.ends_with("/slack/events does not answer in time"), "{}", found.text);
        assert!(found.fix.is_some_and(|fix| fix.contains("start the bridge")));
    }

    #[test]
    fn a_standby_that_may_have_received_less_is_told_with_what_mends_it() {
        let facts = |may_lose_to_standby| DatabaseFacts {
            version: 1,
            newest: 1,
            backed_up: None,
            heard_slack: None,
            may_lose_to_standby,
        };
        assert_eq!(check_standby(&facts(false)).outcome, CheckOutcome::Ok);
        let found = check_standby(&facts(true));
        assert_eq!(found.outcome, CheckOutcome::Warning);
        assert!(found.fix.is_some_and(|fix| fix.contains("synchronous_standby_names")));
    }
}
