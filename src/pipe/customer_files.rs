//! Files that customers send: fetched at once, because their links run out, and shown in the
//! thread; or what there is of them, with the reason.
//!
//! An upload has one step that shows, and that one goes through [`Bridge::once`]. What comes before
//! it, fetching included, may be done again without anybody noticing.

use std::fmt;
use std::future::ready;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::thread::{Lost, SKEW, Saying};
use super::{Bridge, Failed, Halt, Outcome, Step};
use crate::blip;
use crate::inbox::{Chore, Ending as Settled, Handled, Late};
use crate::media::{Ask, Fetched, Unfetched, file_name, full_type};
use crate::model::text::{one_line, shown_size};
use crate::model::{ChannelId, Failure, Fault, Media, MessageTs, Thread, Ticket, TicketId};
use crate::slack::{self, Posted, Upload, render, rich_text};
use crate::store::{self, Begun, Item, Role};

/// How often a file is tried that cannot be had at the moment, before its link is shown instead.
const TRIES: u32 = 4;
/// How long after the beginning of an event no further file of it is begun: the lane is given back
/// first, so that its lease cannot run out half way through.
const STINT: SignedDuration = SignedDuration::from_secs(20);
/// How long a whole file may take. Well under half of an inbox lease, so that nobody else begins
/// with the same event meanwhile.
const WHOLE: Duration = Duration::from_secs(110);

/// How long what was said after a file waits until Slack shows it.
const SHOWING: SignedDuration = SignedDuration::from_secs(10);
/// How long a file is looked for before the thread is told that it is not shown
/// (`slack.md` additions §4).
const GIVING_UP: SignedDuration = SignedDuration::from_secs(60);
/// The first and the longest pause between two looks; each doubles what has passed.
const FIRST_LOOK: SignedDuration = SignedDuration::from_millis(200);
const LAST_LOOK: SignedDuration = SignedDuration::from_secs(5);

/// What the steps begin with that keep how many bytes were brought.
const BYTES: &str = "bytes:";
/// Kinds of files whose name, where they have none, is that of the kind.
const NAMED: [&str; 3] = ["image", "audio", "video"];

/// A file of a customer's message.
pub(super) struct Sent<'a> {
    /// The event it came with.
    pub item: &'a Item,
    /// Its place among the pieces of the event.
    pub place: &'a str,
    /// The ticket.
    pub ticket: &'a TicketId,
    /// The bot that it came through.
    pub bot: &'a blip::Client,
    /// The file.
    pub media: &'a Media,
    /// The name of who sent it.
    pub author: &'a str,
    /// Blip's id of the message.
    pub blip_ids: &'a [String],
}

/// Why a file did not come over.
#[derive(Debug)]
enum Trouble {
    /// It could not be had.
    Source(Unfetched),
    /// With the other files of its message it is over the limit.
    TooMuch,
    /// Slack did not take the bytes. Nobody has seen anything of them.
    Upload(slack::Error),
    /// Slack did not show what it had taken.
    Share(slack::Error),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(why) => write!(f, "fetch a file: {why}"),
            Self::TooMuch => write!(f, "fetch a file: over the limit with the others"),
            Self::Upload(error) | Self::Share(error) => error.fmt(f),
        }
    }
}

impl Failure for Trouble {
    fn fault(&self) -> Fault {
        match self {
            Self::Source(Unfetched::Later) => Fault::Down,
            Self::Source(why) => Fault::Refused { code: why.to_string() },
            Self::TooMuch => Fault::Refused { code: self.to_string() },
            // Bytes that may have arrived and show nowhere are as good as not sent.
            Self::Upload(error) if error.fault().is_unsure() => Fault::Down,
            Self::Upload(error) | Self::Share(error) => error.fault(),
        }
    }
}

/// Why words stand where a file should.
#[derive(Debug)]
enum Instead {
    Source(Unfetched),
    TooMuch,
    NotTaken(String),
}

/// A file that Slack has taken and not shown yet.
struct Unshown<'a> {
    file: &'a str,
    name: &'a str,
    url: &'a str,
}

impl Bridge {
    /// Shows a file in its ticket's thread: itself, else its preview, else words about it.
    pub(super) async fn show_file(
        &self,
        ticket: &mut Ticket,
        sent: &Sent<'_>,
        began: Timestamp,
    ) -> Step<()> {
        let Sent { item, place, media, .. } = *sent;
        let steps = self.begun_before(item).await?;
        let was_begun = |step: &str| {
            let step = format!("{step}:{place}");
            steps.iter().any(|(name, _)| name.strip_prefix(&step).is_some_and(is_end_of_place))
        };
        if !was_begun("file") && self.clock.now() > began + STINT {
            return Err(Halt::Wait(self.clock.now()));
        }
        // Why words stand here is decided once: an earlier run may have come as far as saying so.
        let decided = format!("why:{place}");
        let known = steps.iter().find(|(name, _)| *name == decided);
        let known = known.and_then(|(_, why)| serde_json::from_str(why.as_deref()?).ok());
        let explained: String = if let Some(known) = known {
            known
        } else {
            let caption = media.caption.as_deref();
            let Some(why) = self.carry(ticket, sent, ("file", media), caption).await? else {
                return Ok(());
            };
            tracing::info!(ticket.id = %ticket.id, item.id, ?why, "a file is not shown itself");
            let explained = self.explain(media, &why);
            self.store.begin(item.id, &decided, None, self.clock.now()).await?;
            self.record(item, &decided, &explained).await?;
            explained
        };
        let words = render::file_instead(media, &explained, &self.words);
        if let (Some(url), false) = (&media.preview_url, was_begun("instead")) {
            let preview =
                Media { url: url.clone(), title: media.title.clone(), ..Media::default() };
            let shown = ("preview", &preview);
            if self.carry(ticket, sent, shown, Some(&words)).await?.is_none() {
                return Ok(());
            }
        }
        self.say_of_file(ticket, sent, "instead", &words).await
    }

    async fn say_of_file(
        &self,
        ticket: &mut Ticket,
        sent: &Sent<'_>,
        step: &str,
        words: &str,
    ) -> Step<()> {
        let author = sent.author.to_owned();
        let label = if self.slack.has_author_names() { None } else { Some(&author) };
        for (part, words) in render::parts(words, label).into_iter().enumerate() {
            let (text, block) = rich_text::literal(&words);
            let saying = Saying {
                text,
                blocks: vec![block],
                author: Some(author.clone()),
                role: Role::Customer,
                blip_ids: sent.blip_ids.to_vec(),
                user: None,
                broadcast: false,
            };
            let step = format!("{step}:{}:{part}", sent.place);
            self.say(sent.item, &step, ticket, &saying).await?;
        }
        Ok(())
    }

    /// Brings a file into the thread with what was written with it; says why not otherwise.
    async fn carry(
        &self,
        ticket: &mut Ticket,
        sent: &Sent<'_>,
        shown: (&str, &Media),
        caption: Option<&str>,
    ) -> Step<Option<Instead>> {
        let comment = match caption {
            Some(caption) => format!("{}: {caption}", sent.author),
            None => sent.author.to_owned(),
        };
        let mut parts = render::parts(&comment, None).into_iter();
        let comment = parts.next().unwrap_or_default();
        let no_thread = || Halt::broken(format!("ticket {} has no thread", ticket.id));
        let thread = ticket.thread.clone().ok_or_else(no_thread)?;
        let mut carried = self.carry_to(&thread, sent, shown, &comment).await;
        if let Err(Failed::Call(Trouble::Share(error))) = &carried
            && let Some(lost) = Lost::by(error)
        {
            self.move_thread(sent.item, ticket, &thread, lost).await?;
            let no_thread = || Halt::broken(format!("ticket {} has no thread", ticket.id));
            let thread = ticket.thread.clone().ok_or_else(no_thread)?;
            carried = self.carry_to(&thread, sent, shown, &comment).await;
        }
        let posted = match carried {
            Ok(posted) => posted,
            Err(failed) => return give_up(sent.item, failed).map(Some),
        };
        if posted.message().is_some() {
            self.link_posted(ticket, (Role::Customer, None), sent.blip_ids, &posted).await?;
        }
        let rest: String = parts.collect();
        if !rest.is_empty() {
            self.say_of_file(ticket, sent, "rest", &rest).await?;
        }
        Ok(None)
    }

    async fn carry_to(
        &self,
        thread: &Thread,
        sent: &Sent<'_>,
        (step, media): (&str, &Media),
        comment: &str,
    ) -> Result<Posted, Failed<Trouble>> {
        let Sent { item, place, .. } = *sent;
        let upload = format!("upload-{step}:{place}@{}", thread.root);
        let taken = AtomicU64::new(0);
        let left = self.bytes_left(item).await?;
        let bytes = self.upload(sent, media, left, &taken);
        // Nobody has seen an upload that was lost, so there is nothing to look for.
        let uploaded = self.once(item, &upload, None, ready(Ok(None)), bytes);
        let (file, name): (String, String) = uploaded.await?;
        self.note_bytes(item, &upload, taken.into_inner()).await?;
        let title = media.title.as_deref().map(one_line).filter(|title| !title.is_empty());
        let title = title.as_deref().unwrap_or(&name);
        let (_, block) = rich_text::literal(comment);
        let is_tried = AtomicBool::new(false);
        let look = async {
            is_tried.store(true, Ordering::Relaxed);
            self.slack.find_file(thread, &file, item.received - SKEW).await
        };
        let send = async {
            // Slack takes an upload only once, and may have taken this one.
            if is_tried.load(Ordering::Relaxed) {
                return Err(slack::Error::used_up());
            }
            let shared = self.slack.share(thread, &file, title, &block).await;
            if shared.as_ref().is_err_and(|error| Lost::by(error).is_some()) {
                // Before the call itself is forgotten. If this fails, Slack will refuse the file.
                self.store.forget(item.id, &upload).await.ok();
            }
            shared
        };
        let share = format!("{step}:{place}@{}", thread.root);
        let shared = self.once(item, &share, Some(&thread.channel), look, send).await;
        let shown = match shared {
            Ok(posted) if posted.message().is_none() => {
                let unshown = Unshown { file: &file, name: title, url: &media.url };
                self.wait_until_shown(sent, thread, (&share, posted), &unshown).await
            }
            shared => shared,
        };
        match shown {
            Ok(posted) => Ok(posted),
            Err(Failed::Store(error)) => Err(Failed::Store(error)),
            Err(Failed::Early(until)) => Err(Failed::Early(until)),
            Err(Failed::Call(error)) => {
                // Too long ago, or used up, and a look has shown that it is not in the thread; or
                // shown beside the lost thread and taken back. Either way: anew.
                if error.is_file_gone() || Lost::by(&error).is_some() {
                    self.store.forget(item.id, &share).await?;
                    self.store.forget(item.id, &upload).await?;
                }
                Err(Failed::Call(Trouble::Share(error)))
            }
        }
    }

    /// What is said next waits until Slack shows a file, as its place is where it is shown; but not
    /// for long. A file that takes longer is looked for by a job of its own.
    async fn wait_until_shown(
        &self,
        sent: &Sent<'_>,
        thread: &Thread,
        (share, posted): (&str, Posted),
        unshown: &Unshown<'_>,
    ) -> Result<Posted, Failed<slack::Error>> {
        let item = sent.item;
        let now = self.clock.now();
        let since = self.waits_since(item, share).await?;
        match self.slack.shown(thread, unshown.file).await {
            Ok(Some(shown)) => {
                self.record(item, share, &shown).await?;
                return Ok(shown);
            }
            Err(error @ slack::Error::Orphaned { .. }) => return Err(Failed::Call(error)),
            Ok(None) | Err(_) => {}
        }
        let age = now.duration_since(since);
        if age < SHOWING {
            return Err(Failed::Early(now + age.clamp(FIRST_LOOK, LAST_LOOK)));
        }
        let late = Late {
            ticket: sent.ticket.to_string(),
            channel: thread.channel.to_string(),
            root: thread.root.to_string(),
            file: unshown.file.to_owned(),
            name: unshown.name.to_owned(),
            url: unshown.url.to_owned(),
            blip_ids: sent.blip_ids.to_vec(),
        };
        self.store.accept(Chore::late(late, now)).await?;
        Ok(posted)
    }

    /// Since when an event waits for a file to be shown.
    async fn waits_since(&self, item: &Item, share: &str) -> store::Result<Timestamp> {
        let step = format!("waits:{share}");
        let now = self.clock.now();
        match self.store.begin(item.id, &step, None, now).await? {
            Begun::Unsure(since) => Ok(since),
            Begun::Fresh | Begun::Done(_) => Ok(now),
        }
    }

    /// Ties a file that Slack was slow to show to its ticket; after a while the thread is told that
    /// it is not shown at all. Once for each file, even if its event is handled again.
    pub(super) async fn look_for_late_file(&self, item: &Item, lane: &str, late: &Late) -> Outcome {
        let done = Ok(Handled::one(Settled::Done));
        let Some(ticket) = TicketId::parse(&late.ticket) else { return done };
        let place = ChannelId::parse(&late.channel).zip(MessageTs::parse(&late.root));
        let (Some(ticket), Some((channel, root))) = (self.store.ticket(&ticket).await?, place)
        else {
            return done;
        };
        let thread = Thread { channel, root };
        let now = self.clock.now();
        // A reaction on it waits meanwhile.
        self.store.begin(item.id, "shown", Some(&thread.channel), now).await?;
        let shown = match self.slack.shown(&thread, &late.file).await {
            Err(error) if matches!(error.fault(), Fault::Refused { .. }) => None,
            shown => shown?,
        };
        if let Some(shown) = shown {
            self.link_posted(&ticket, (Role::Customer, None), &late.blip_ids, &shown).await?;
            return done;
        }
        let age = now.duration_since(item.received);
        if age < GIVING_UP {
            return Ok(Handled::one(Settled::Wait(now + age.clamp(FIRST_LOOK, LAST_LOOK))));
        }
        self.turn(lane, &thread.channel).await?;
        self.tell_not_shown(item, &ticket, late).await?;
        done
    }

    async fn tell_not_shown(&self, item: &Item, ticket: &Ticket, late: &Late) -> Step<()> {
        tracing::warn!(ticket.id = %ticket.id, slack.file = late.file, "slack does not show a file");
        let explained = self.words.say("file-not-shown", &[]);
        let (url, title) = (late.url.clone(), Some(late.name.clone()));
        let media = Media { url, title, ..Media::default() };
        let words = render::file_instead(&media, &explained, &self.words);
        let blip_ids = late.blip_ids.clone();
        let saying = Saying { role: Role::Customer, blip_ids, ..Saying::line(&words) };
        self.say_beside(item, "not-shown", ticket, &saying).await
    }

    /// How many bytes of files of an event may be brought yet: together they are bounded as one is.
    async fn bytes_left(&self, item: &Item) -> store::Result<u64> {
        let steps = self.store.steps(item.id).await?;
        let noted = steps.iter().filter(|(step, _)| step.starts_with(BYTES));
        let taken = noted.filter_map(|(_, bytes)| bytes.as_deref()?.parse::<u64>().ok());
        Ok(self.rules.media_max.saturating_sub(taken.sum()))
    }

    async fn note_bytes(&self, item: &Item, upload: &str, taken: u64) -> store::Result<()> {
        if taken == 0 {
            return Ok(());
        }
        let step = format!("{BYTES}{upload}");
        self.store.begin(item.id, &step, None, self.clock.now()).await?;
        self.store.record(item.id, &step, &taken.to_string()).await
    }

    /// Passes a file of at most `left` bytes on to Slack; answers with its id there and its name.
    async fn upload(
        &self,
        sent: &Sent<'_>,
        media: &Media,
        left: u64,
        taken: &AtomicU64,
    ) -> Result<(String, String), Trouble> {
        let fetched = match self.fetch(&media.url).await {
            Err(Unfetched::Gone(status)) => {
                let fresh = fresh_link(sent, &media.url).await;
                self.fetch(&fresh.ok_or(Trouble::Source(Unfetched::Gone(status)))?).await
            }
            fetched => fetched,
        };
        let fetched = fetched.map_err(Trouble::Source)?;
        let came_as = fetched.mime();
        let mime = full_type(media.mime.as_deref(), came_as.as_deref());
        if came_as.as_deref() == Some("text/html") && mime.as_deref() != Some("text/html") {
            return Err(Trouble::Source(Unfetched::WebPage));
        }
        let major = mime.as_deref().and_then(|mime| mime.split('/').next());
        let otherwise = major.filter(|major| NAMED.contains(major)).unwrap_or("file");
        let title = media.title.as_deref().map(one_line);
        let name = file_name(title.as_deref(), mime.as_deref(), otherwise);
        let source = fetched.into_source(left).await.map_err(|why| {
            let is_shared = why == Unfetched::TooLarge && left < self.rules.media_max;
            if is_shared { Trouble::TooMuch } else { Trouble::Source(why) }
        })?;
        let (length, body) = (source.length, source.body);
        let uploaded = self.slack.upload(Upload { name: name.clone(), mime, length, body }).await;
        match uploaded {
            Ok(file) => {
                taken.store(length, Ordering::Relaxed);
                Ok((file, name))
            }
            Err(_) if source.broken.load(Ordering::Relaxed) => {
                Err(Trouble::Source(Unfetched::Later))
            }
            Err(error) => Err(Trouble::Upload(error)),
        }
    }

    async fn fetch(&self, url: &str) -> Result<Fetched, Unfetched> {
        self.files.fetcher.fetch(Ask { url, within: Some(WHOLE), ..Ask::default() }).await
    }

    fn explain(&self, media: &Media, why: &Instead) -> String {
        let key = match why {
            Instead::NotTaken(code) => {
                let reason = self.words.reason(code);
                return self.words.say("file-not-taken", &[("reason", &reason)]);
            }
            Instead::Source(Unfetched::TooLarge) | Instead::TooMuch => {
                let limit = shown_size(self.rules.media_max);
                let is_alone = matches!(why, Instead::Source(_));
                let key = if is_alone { "file-too-large" } else { "file-too-much" };
                return self.words.say(key, &[("limit", &limit)]);
            }
            Instead::Source(Unfetched::Address) if media.url.starts_with("https://") => {
                "file-address"
            }
            Instead::Source(Unfetched::Address) => "content-file-unavailable",
            Instead::Source(Unfetched::Gone(_)) => "file-gone",
            Instead::Source(Unfetched::WebPage) => "file-web-page",
            Instead::Source(Unfetched::Empty) => "file-empty",
            Instead::Source(Unfetched::Later) => "file-later",
        };
        self.words.say(key, &[])
    }
}

/// Asks Blip for another link to the same file, where it is one of Blip's.
async fn fresh_link(sent: &Sent<'_>, url: &str) -> Option<String> {
    match sent.bot.refresh_media(url).await {
        Ok(fresh) => fresh,
        Err(error) => {
            tracing::warn!(sent.item.id, %error, "a link that has run out was not refreshed");
            None
        }
    }
}

/// Tries again for a while what may work later; says why words are to stand instead.
fn give_up(item: &Item, failed: Failed<Trouble>) -> Step<Instead> {
    let Failed::Call(trouble) = failed else { return Err(failed.into()) };
    let is_last = item.attempts >= TRIES;
    match trouble {
        Trouble::TooMuch => Ok(Instead::TooMuch),
        Trouble::Source(why) if is_last || why != Unfetched::Later => Ok(Instead::Source(why)),
        Trouble::Share(error) if error.is_file_gone() && !is_last => {
            Err(Halt::Call { fault: Fault::Down, error: error.to_string() })
        }
        trouble @ (Trouble::Source(_) | Trouble::Upload(_) | Trouble::Share(_)) => {
            match trouble.fault() {
                Fault::Refused { code } => Ok(Instead::NotTaken(code)),
                Fault::Down if is_last => Ok(Instead::NotTaken("down".to_owned())),
                Fault::Busy { .. }
                | Fault::Down
                | Fault::Unsure
                | Fault::Credentials
                | Fault::Broken => Err(Failed::Call(trouble).into()),
            }
        }
    }
}

/// Whether this may follow the place of a piece in the name of a step.
fn is_end_of_place(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['@', ':'])
}
