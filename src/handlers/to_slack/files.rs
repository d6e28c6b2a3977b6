//! Files that customers send: fetched at once, because their links run out, and shown in the
//! thread; or what there is of them, with the reason.
//!
//! A file has a few seconds to come. If it takes longer, a line takes its place, and a job brings it
//! (`docs/lanes.md`): what is said next waits for no link.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{CallError, Interrupt, PipeResult};
use crate::handlers::posts::{Posts, ThreadPost};
use crate::handlers::thread::{ThreadLoss, Threads};
use crate::handlers::to_slack::file_posts::{
    CustomerFile, FileOutcome, FilePosts, retry_or_fall_back, split_comment,
};
use crate::handlers::to_slack::transfers::FileError;
use crate::inbox::{FileJob, Handling, LateFile};
use crate::locale::Texts;
use crate::model::{LinkedFile, MessageTs, Thread, Ticket};
use crate::slack::{Posted, SlackClient, render, rich_text};
use crate::store::Role;

/// How long after the beginning of an event no further file of it is begun: the lane is given back
/// first, so that its lease cannot run out half way through.
const FILE_START_DEADLINE: SignedDuration = SignedDuration::from_secs(20);

/// Brings customers' files into threads.
pub(crate) struct CustomerFiles {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) posts: Arc<Posts>,
    pub(crate) files: Arc<FilePosts>,
    pub(crate) texts: Texts,
    /// How long an event waits for its file.
    pub(crate) patience: Duration,
}

impl CustomerFiles {
    /// Shows a file in its ticket's thread: itself, else its preview, else words about it; or that it
    /// is coming.
    pub(crate) async fn post_file(
        &self,
        ticket: &mut Ticket,
        sent: &CustomerFile<'_>,
        began: Timestamp,
    ) -> PipeResult<()> {
        let CustomerFile { item, place, media, .. } = *sent;
        let steps = self.calls.read_earlier_steps(sent.item).await?;
        let was_begun = |step: &str| {
            let step = format!("{step}:{place}");
            steps.0.iter().any(|(name, _)| name.strip_prefix(&step).is_some_and(is_end_of_place))
        };
        if !was_begun("file") && self.calls.clock.now() > began + FILE_START_DEADLINE {
            return Err(Interrupt::Wait(self.calls.clock.now()));
        }
        // Why words stand here, or that a line does, is decided once: an earlier run may have come as
        // far as saying so.
        let decided = format!("why:{place}");
        if let Some(left) = self.files.recall_late_file(sent).await? {
            return self.post_coming_line(ticket, sent, left).await;
        }
        let known: Option<String> = self.calls.recall(sent.item, &decided).await?;
        let explained = if let Some(known) = known {
            known
        } else {
            let caption = media.caption.as_deref();
            match self.transfer_file(item, ticket, sent, ("file", media), caption).await? {
                FileOutcome::Brought(()) => return Ok(()),
                FileOutcome::UnderWay => {
                    self.files.wait_for_transfer(("file", sent), self.patience()).await?;
                    tracing::info!(item.id, "a file comes late");
                    let left = self.files.record_late_file(sent).await?;
                    return self.post_coming_line(ticket, sent, left).await;
                }
                FileOutcome::Fallback(why) => {
                    tracing::info!(item.id, ?why, "a file is not shown itself");
                    let explained = self.files.explain_fallback(media, &why);
                    sent.item.remember(&decided, &explained)?;
                    explained
                }
            }
        };
        let words = render::render_missing_file(media, &explained, &self.texts);
        // Once words stand in its place, a preview would be a second post for the same file.
        if let (Some(preview), false) = (preview_of(media), was_begun("instead")) {
            let shown = ("preview", &preview);
            match self.transfer_file(item, ticket, sent, shown, Some(&words)).await? {
                FileOutcome::Brought(()) => return Ok(()),
                FileOutcome::UnderWay => {
                    self.files.wait_for_transfer(("preview", sent), self.patience()).await?;
                }
                FileOutcome::Fallback(_) => {}
            }
        }
        self.post_file_text(ticket, sent, "instead", &words).await.map(drop)
    }

    fn patience(&self) -> SignedDuration {
        SignedDuration::try_from(self.patience).unwrap_or(SignedDuration::MAX)
    }

    /// Says in the place of a file that it is coming, and has it brought: once, however often the
    /// event is handled.
    async fn post_coming_line(
        &self,
        ticket: &mut Ticket,
        sent: &CustomerFile<'_>,
        left: u64,
    ) -> PipeResult<()> {
        let words = render::render_late_file(sent.media, "file-coming", &self.texts);
        let line = self.post_file_text(ticket, sent, "coming", &words).await?;
        let (Some(line), Some(thread)) = (line, &ticket.thread) else {
            return Err(Interrupt::broken("a line has no place"));
        };
        let late = LateFile {
            ticket: ticket.id.clone(),
            key: sent.key.to_owned(),
            channel: thread.channel.clone(),
            line,
            media: sent.media.clone(),
            left,
            blip_ids: sent.blip_ids.to_vec(),
        };
        let now = self.calls.clock.now();
        Ok(self.calls.enqueue_item(sent.item, FileJob::bring_late_file(late, now)).await?)
    }

    /// Posts words about a file; answers with the first of these posts.
    async fn post_file_text(
        &self,
        ticket: &mut Ticket,
        sent: &CustomerFile<'_>,
        step: &str,
        words: &str,
    ) -> PipeResult<Option<MessageTs>> {
        let author = sent.author.to_owned();
        let label = if self.slack.has_author_names() { None } else { Some(&author) };
        let mut first = None;
        for (part, words) in render::split_into_posts(words, label).into_iter().enumerate() {
            let post = build_customer_post(&words, &author, sent.blip_ids);
            let step = format!("{step}:{}:{part}", sent.place);
            let ts = self.threads.post_to_ticket(sent.item, &step, ticket, &post).await?;
            first.get_or_insert(ts);
        }
        Ok(first)
    }

    /// Brings a file into the thread with what was written with it; says why not otherwise.
    async fn transfer_file(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        sent: &CustomerFile<'_>,
        shown: (&str, &LinkedFile),
        caption: Option<&str>,
    ) -> PipeResult<FileOutcome<()>> {
        let (comment, rest) = split_comment(sent.author, caption);
        let no_thread = || Interrupt::broken(format!("ticket {} has no thread", ticket.id));
        let thread = ticket.thread.clone().ok_or_else(no_thread)?;
        let mut carried = self.transfer_file_to(&thread, sent, shown, &comment).await;
        if let Err(CallError::Call(FileError::Share(error))) = &carried
            && let Some(lost) = ThreadLoss::from_error(error)
        {
            self.threads.move_thread(sent.item, ticket, &thread, lost).await?;
            let no_thread = || Interrupt::broken(format!("ticket {} has no thread", ticket.id));
            let thread = ticket.thread.clone().ok_or_else(no_thread)?;
            carried = self.transfer_file_to(&thread, sent, shown, &comment).await;
        }
        let posted = match carried {
            Ok(posted) => posted,
            Err(failed) => return retry_or_fall_back(sent.item, failed),
        };
        if posted.message_ts().is_some() {
            self.posts
                .link_post(item, ticket, (Role::Customer, None), sent.blip_ids, &posted)
                .await?;
        }
        if !rest.is_empty() {
            self.post_file_text(ticket, sent, "rest", &rest).await?;
        }
        Ok(FileOutcome::Brought(()))
    }

    async fn transfer_file_to(
        &self,
        thread: &Thread,
        sent: &CustomerFile<'_>,
        shown: (&str, &LinkedFile),
        comment: &str,
    ) -> Result<Posted, CallError<FileError>> {
        let (file, name) = self.files.upload_once(thread, sent, shown).await?;
        self.files.share_once(thread, sent, shown, ((&file, &name), comment)).await
    }
}

/// What a customer sent, as a post under their name.
pub(crate) fn build_customer_post(words: &str, author: &str, blip_ids: &[String]) -> ThreadPost {
    let (text, block) = rich_text::to_literal_post(words);
    ThreadPost {
        text,
        blocks: vec![block],
        author: Some(author.to_owned()),
        role: Role::Customer,
        blip_ids: blip_ids.to_vec(),
        user: None,
        broadcast: false,
        origin: None,
    }
}

/// The small picture of a file, if there is one.
pub(crate) fn preview_of(media: &LinkedFile) -> Option<LinkedFile> {
    let url = media.preview_url.clone()?;
    Some(LinkedFile { url, title: media.title.clone(), ..LinkedFile::default() })
}

/// Whether this may follow the place of a piece in the name of a step.
fn is_end_of_place(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['@', ':'])
}
