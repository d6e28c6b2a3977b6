//! Files that agents share, on their way to customers: an address of ours for each, behind which
//! Slack's file is passed on with our token to whoever has the address.
//!
//! A file is looked at before its address goes out, because the agent must be told of one that no
//! customer could open, and once more each time that it is handed out.

use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;
use secrecy::SecretString;

use super::thread::{Saying, lane_of};
use super::{Bridge, Halt, Step};
use crate::blip::envelope::{MEDIA_LINK_TYPE, MediaLink, media_link};
use crate::blip::limits;
use crate::media::{
    Ask, Claim, Fetched, Fetcher, Handout, Invalid, Links, Token, Unfetched, Wanted, Withheld,
    file_name,
};
use crate::model::text::shown_size;
use crate::model::{Access, Attachment, Failure, Fault, Ticket};
use crate::pipe::moves::Person;
use crate::slack::files::is_slack_or_loopback;
use crate::store::Item;

/// How often a file is tried that Slack does not hand out: one that was just shared may still be
/// searched for malware (`slack.md` C.3).
const TRIES: u32 = 5;
/// How long what Slack says of a file is believed while it is handed out.
const BELIEF: Duration = Duration::from_mins(1);
/// The type of a file of which nothing is known.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// What it takes to pass files on.
#[derive(Debug)]
pub struct Files {
    /// Fetches them.
    pub fetcher: Fetcher,
    /// Makes and reads the addresses under which customers get them.
    pub links: Links,
    /// What Slack hands its files out for.
    pub token: SecretString,
    /// What Slack said of files lately.
    pub known: DashMap<String, (Timestamp, Attachment)>,
}

/// Why a file is not sent: a word that [`crate::locale::Words::reason`] knows.
pub(super) type Reason = &'static str;

impl Bridge {
    /// Sends a file that was looked at to the customer.
    pub(super) async fn send_file(
        &self,
        item: &Item,
        ticket: &Ticket,
        person: &Person,
        call: (&str, &str),
        (file, uri): (&Attachment, &str),
    ) -> Step<()> {
        let (_, id) = call;
        let mime = type_of(file);
        self.warn_of_size(ticket, person, file, mime).await;
        let link = MediaLink { uri, mime, title: &file.name, size: file.size };
        let content = media_link(&link);
        let bot = self.bot(&ticket.id)?;
        let send = bot.send_document(id, &ticket.address, MEDIA_LINK_TYPE, &content);
        self.deliver(item, ticket, call, send).await
    }

    /// Looks at a file before it goes out, unless it has gone out already as the part with this
    /// name; says where the customer gets it, or why it does not go.
    pub(super) async fn prepare_file(
        &self,
        item: &Item,
        name: &str,
        file: &Attachment,
    ) -> Step<Result<(Attachment, String), (Attachment, Reason)>> {
        let step = format!("send:{name}");
        let steps = self.begun_before(item).await?;
        if steps.iter().any(|(name, result)| *name == step && result.is_some()) {
            return Ok(Ok((file.clone(), String::new())));
        }
        Ok(self.prepare(item, file).await?.map_err(|reason| (file.clone(), reason)))
    }

    /// Looks at a file before it goes out; says where the customer gets it, or why it does not go.
    async fn prepare(
        &self,
        item: &Item,
        file: &Attachment,
    ) -> Step<Result<(Attachment, String), Reason>> {
        let mut file = file.clone();
        if file.access == Access::Ask {
            match self.slack.file(&file.id).await {
                Ok(known) => file = known,
                Err(error) => match error.fault() {
                    Fault::Refused { .. } if error.is_file_gone() => file.access = Access::Deleted,
                    Fault::Refused { .. } => file.access = Access::Denied,
                    Fault::Busy { .. }
                    | Fault::Down
                    | Fault::Unsure
                    | Fault::Credentials
                    | Fault::Broken => return Err(error.into()),
                },
            }
        }
        let reason = match file.access {
            Access::Open => None,
            Access::Ask => Some("file_not_ready"),
            Access::Elsewhere => Some("file_elsewhere"),
            Access::Deleted => Some("file_deleted"),
            Access::Hidden => Some("file_hidden"),
            Access::Denied => Some("file_access_denied"),
            Access::Canvas => Some("file_canvas"),
            Access::List => Some("file_list"),
            Access::Post => Some("file_post"),
            Access::Email => Some("file_email"),
        };
        let Some(uri) = self.files.links.link(&file.id, self.clock.now()) else {
            return Ok(Err(reason.unwrap_or("no_public_url")));
        };
        let reason = match reason {
            Some("file_not_ready") => "file_not_ready",
            Some(reason) => return Ok(Err(reason)),
            None => match self.ask(&file, Some("bytes=0-511")).await {
                Ok(fetched) => match fetched.checked_bytes(claim(&file)).await {
                    Ok(_) => return Ok(Ok((named(file), uri))),
                    Err(why) => reason_of(why),
                },
                Err(why) => reason_of(why),
            },
        };
        if item.attempts < TRIES && reason != "file_elsewhere" {
            return Err(Halt::Call { fault: Fault::Down, error: format!("files: {reason}") });
        }
        Ok(Err(reason))
    }

    async fn ask(&self, file: &Attachment, range: Option<&str>) -> Result<Fetched, Unfetched> {
        let url = file.url.as_deref().ok_or(Unfetched::Address)?;
        let token = Token { secret: &self.files.token, is_for: is_slack_or_loopback };
        let ask = Ask { url, range, token: Some(token), ..Ask::default() };
        let fetched = self.files.fetcher.fetch(ask).await?;
        fetched.agree(claim(file))?;
        Ok(fetched)
    }

    /// Tells the thread that a file does not reach the customer, once and for everybody to see.
    pub(super) async fn say_unsent(
        &self,
        item: &Item,
        ticket: &mut Ticket,
        file: &Attachment,
        reason: Reason,
    ) -> Step<()> {
        tracing::warn!(ticket.id = %ticket.id, slack.file = file.id, reason, "a file is not sent");
        let args = [("name", file.name.as_str()), ("reason", &self.words.reason(reason))];
        let line = self.words.say("file-not-sent", &args);
        if let Some(thread) = ticket.thread.clone() {
            self.turn(&lane_of(ticket), &thread.channel).await?;
            let step = format!("unsent:{}", file.id);
            self.say(item, &step, ticket, &Saying::line(&line)).await?;
        }
        Ok(())
    }

    /// The channel may refuse what is too large for it; it says so later, if at all.
    async fn warn_of_size(&self, ticket: &Ticket, person: &Person, file: &Attachment, mime: &str) {
        let limit = limits::largest_file(&ticket.customer.domain, mime);
        if let (Some(size), Some(limit)) = (file.size, limit)
            && size > limit
        {
            let (size, limit) = (shown_size(size), shown_size(limit));
            let args = [("name", file.name.as_str()), ("size", &size), ("limit", &limit)];
            let text = person.words.say("file-large-for-channel", &args);
            self.tell(ticket, person, &text, &[]).await;
        }
    }

    /// Hands a file out to whoever has its address.
    ///
    /// # Errors
    ///
    /// Why not.
    pub async fn hand_out(&self, wanted: &Wanted) -> Result<Handout, Withheld> {
        let read = self.files.links.read(&wanted.token, self.clock.now());
        let id = read.map_err(|invalid| match invalid {
            Invalid::Forged => Withheld::Unknown,
            Invalid::Expired => Withheld::Gone,
        })?;
        let file = self.known_file(&id).await?;
        if file.access != Access::Open {
            return Err(Withheld::Gone);
        }
        let fetched = if wanted.bytes {
            let asked = self.ask(&file, wanted.range.as_deref()).await;
            Some(asked.map_err(|why| {
                tracing::warn!(slack.file = id, %why, "a file could not be handed out");
                Withheld::Later
            })?)
        } else {
            None
        };
        let mime = type_of(&file).to_owned();
        Ok(Handout { name: file.name, mime, size: file.size, fetched })
    }

    async fn known_file(&self, id: &str) -> Result<Attachment, Withheld> {
        let now = self.clock.now();
        let known = self.files.known.get(id).map(|entry| entry.clone());
        if let Some((at, file)) = known
            && now < at + BELIEF
        {
            return Ok(file);
        }
        let file = named(self.slack.file(id).await.map_err(|error| {
            tracing::warn!(slack.file = id, %error, "a file that is to be handed out");
            if error.is_file_gone() { Withheld::Gone } else { Withheld::Later }
        })?);
        self.files.known.retain(|_, (at, _)| now < *at + BELIEF);
        self.files.known.insert(id.to_owned(), (now, file.clone()));
        Ok(file)
    }
}

/// The file under a name with the ending of its type, without which a phone does not open it.
fn named(file: Attachment) -> Attachment {
    let name = file_name(Some(&file.name), file.mime.as_deref(), "file");
    Attachment { name, ..file }
}

fn claim(file: &Attachment) -> Claim<'_> {
    Claim { mime: file.mime.as_deref(), size: file.size }
}

fn type_of(file: &Attachment) -> &str {
    file.mime.as_deref().filter(|mime| mime.contains('/')).unwrap_or(UNKNOWN_TYPE)
}

fn reason_of(why: Unfetched) -> Reason {
    match why {
        Unfetched::Address => "file_elsewhere",
        Unfetched::WebPage => "file_web_page",
        Unfetched::Gone(_) | Unfetched::Empty | Unfetched::TooLarge | Unfetched::Later => {
            "file_not_ready"
        }
    }
}
