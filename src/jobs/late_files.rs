//! Customers' files that were slow to come, or that Slack is slow to show.
//!
//! A line stands in their place by then (`handlers/to_slack/files.rs`). They follow it in a lane of
//! the ticket's late files, so that none of them holds up what people say; and one that takes longer
//! than a minute holds up no other file either.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{CallError, HandlerResult, Interrupt, PipeResult};
use crate::handlers::posts::{Posts, ThreadPost};
use crate::handlers::thread::{NEW_THREAD_PAUSE, ThreadLoss, Threads};
use crate::handlers::to_slack::file_posts::{
    CustomerFile, FileOutcome, FilePosts, MAX_LOOKUP_PAUSE, MIN_LOOKUP_PAUSE, retry_or_fall_back,
    split_comment,
};
use crate::handlers::to_slack::files::{build_customer_post, preview_of};
use crate::handlers::to_slack::transfers::FileError;
use crate::inbox::{FileJob, Handled, Handling, ItemOutcome, LateFile, UnshownFile};
use crate::locale::Texts;
use crate::model::{Failure, Fault, LinkedFile, Thread, Ticket};
use crate::slack;
use crate::slack::{Posted, SlackClient, files, render, rich_text};
use crate::store::Role;

/// How long a late file is waited for by the later ones of its ticket.
const FILE_ORDER_PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// How long a file is looked for before the thread is told that it is not shown
/// (`slack.md` additions §4).
const UNSHOWN_FILE_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// Brings late files into their threads.
pub(crate) struct LateFiles {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) posts: Arc<Posts>,
    pub(crate) files: Arc<FilePosts>,
    pub(crate) texts: Texts,
}

impl LateFiles {
    /// Shows a late file below its line, or why it is not shown; `has_followers` says whether others
    /// wait for it.
    pub(crate) async fn post_late_file(
        &self,
        (item, has_followers): (&Handling, bool),
        late: &LateFile,
    ) -> HandlerResult {
        // Once for each file, even if its event is handled again.
        let done = Ok(Handled::for_first_item(ItemOutcome::Done));
        let Some(ticket) = self.calls.load_ticket(item, &late.ticket).await? else { return done };
        let author = render::author_name(&ticket.customer, &self.texts);
        let sent = CustomerFile {
            item,
            place: "0",
            key: &late.key,
            ticket: &ticket.id,
            media: &late.media,
            author: &author,
            blip_ids: &late.blip_ids,
            max: late.left,
            is_late: true,
        };
        let known: Option<String> = self.calls.recall(item, "why").await?;
        let explained = if let Some(known) = known {
            known
        } else {
            match self.show_file(item, &ticket, &sent, ("file", &late.media), None).await? {
                FileOutcome::Brought(()) => {
                    self.update_line(late, &author, "file-came-later").await;
                    return done;
                }
                FileOutcome::UnderWay => {
                    return self.wait_or_let_pass(item, has_followers, late).await;
                }
                FileOutcome::Fallback(why) => {
                    tracing::info!(item.id, ?why, "a late file is not shown");
                    let explained = self.files.explain_fallback(&late.media, &why);
                    item.remember("why", &explained)?;
                    explained
                }
            }
        };
        self.post_instead(item, &ticket, &sent, &explained).await?;
        self.update_line(late, &author, "file-not-brought").await;
        done
    }

    /// Looks again later. What takes long lets those behind it pass: it goes on by itself.
    async fn wait_or_let_pass(
        &self,
        item: &Handling,
        has_followers: bool,
        late: &LateFile,
    ) -> HandlerResult {
        let now = self.calls.clock.now();
        let age = now.duration_since(item.received);
        if has_followers && age > FILE_ORDER_PATIENCE {
            self.calls.enqueue_item(item, FileJob::bring_slow_file(late.clone(), now)).await?;
            return Ok(Handled::for_first_item(ItemOutcome::Done));
        }
        // In proportion to its age: what has taken a minute will hardly come in the next half
        // second.
        let pause = (age / 4).clamp(MIN_LOOKUP_PAUSE, MAX_LOOKUP_PAUSE);
        Ok(Handled::for_first_item(ItemOutcome::Wait(now + pause)))
    }

    /// Shows a file in the ticket's thread when the channel's turn has come.
    async fn show_file(
        &self,
        item: &Handling,
        ticket: &Ticket,
        sent: &CustomerFile<'_>,
        shown: (&str, &LinkedFile),
        caption: Option<&str>,
    ) -> PipeResult<FileOutcome<()>> {
        let Some(thread) = &ticket.thread else {
            return Err(Interrupt::Wait(self.calls.clock.now() + NEW_THREAD_PAUSE));
        };
        let (comment, rest) = split_comment(sent.author, caption);
        let posted = match self.show_file_in(thread, sent, shown, &comment).await? {
            Ok(posted) => posted,
            Err(CallError::Call(FileError::Share(error)))
                if let Some(lost) = ThreadLoss::from_error(&error) =>
            {
                return Err(self
                    .threads
                    .wait_for_new_thread(item, &ticket.id, thread, lost)
                    .await?);
            }
            Err(failed) => return retry_or_fall_back(sent.item, failed),
        };
        // Slack answers before the message exists, and may show it later (`slack.md` additions §4);
        // then a job of its own ties it to the ticket.
        if posted.message_ts().is_some() {
            self.posts
                .link_post(item, ticket, (Role::Customer, None), sent.blip_ids, &posted)
                .await?;
        }
        if !rest.is_empty() {
            self.post_words(ticket, sent, "rest", &rest).await?;
        }
        Ok(FileOutcome::Brought(()))
    }

    async fn show_file_in(
        &self,
        thread: &Thread,
        sent: &CustomerFile<'_>,
        shown: (&str, &LinkedFile),
        comment: &str,
    ) -> PipeResult<Result<Posted, CallError<FileError>>> {
        let (file, name) = match self.files.upload_once(thread, sent, shown).await {
            Ok(uploaded) => uploaded,
            Err(failed) => return Ok(Err(failed)),
        };
        let steps = self.calls.read_earlier_steps(sent.item).await?;
        let share = format!("{}:{}@{}", shown.0, sent.place, thread.root);
        // What was begun is only looked for, which takes no slot of the channel.
        if !steps.has(&share) {
            self.posts.wait_for_post_slot(sent.item, &thread.channel).await?;
        }
        Ok(self.files.share_once(thread, sent, shown, ((&file, &name), comment)).await)
    }

    /// Shows what there is of a file that does not come: its preview, or words.
    async fn post_instead(
        &self,
        item: &Handling,
        ticket: &Ticket,
        sent: &CustomerFile<'_>,
        explained: &str,
    ) -> PipeResult<()> {
        // The line has said what was written with it.
        let media = LinkedFile { caption: None, ..sent.media.clone() };
        let words = render::render_missing_file(&media, explained, &self.texts);
        let steps = self.calls.read_earlier_steps(sent.item).await?;
        let has_said = steps.has_with_prefix("instead:");
        if let (Some(preview), false) = (preview_of(&media), has_said) {
            let shown = ("preview", &preview);
            match self.show_file(item, ticket, sent, shown, Some(&words)).await? {
                FileOutcome::Brought(()) => return Ok(()),
                FileOutcome::UnderWay => {
                    return Err(Interrupt::Wait(self.calls.clock.now() + MIN_LOOKUP_PAUSE));
                }
                FileOutcome::Fallback(_) => {}
            }
        }
        self.post_words(ticket, sent, "instead", &words).await
    }

    async fn post_words(
        &self,
        ticket: &Ticket,
        sent: &CustomerFile<'_>,
        step: &str,
        words: &str,
    ) -> PipeResult<()> {
        let author = sent.author.to_owned();
        let label = if self.slack.has_author_names() { None } else { Some(&author) };
        for (part, words) in render::split_into_posts(words, label).into_iter().enumerate() {
            let post = build_customer_post(&words, &author, sent.blip_ids);
            let step = format!("{step}:{}:{part}", sent.place);
            self.threads.post_from_job(sent.item, &step, ticket, &post).await?;
        }
        Ok(())
    }

    /// Has the line say what became of its file. Only a courtesy: the file stands below it.
    async fn update_line(&self, late: &LateFile, author: &String, text: &str) {
        let words = render::render_late_file(&late.media, text, &self.texts);
        let label = if self.slack.has_author_names() { None } else { Some(author) };
        let words = render::split_into_posts(&words, label).into_iter().next().unwrap_or_default();
        let (text, block) = rich_text::to_literal_post(&words);
        if let Err(error) =
            self.slack.update_message(&late.channel, &late.line, &text, &[block]).await
        {
            tracing::info!(%error, "the line of a late file stays as it was");
        }
    }

    /// Ties a file that Slack was slow to show to its ticket; after a while, or if it is shown beside a
    /// thread that is gone, the thread is told that it is not shown, and what was written with it. Once for
    /// each file, even if its event is handled again.
    pub(crate) async fn check_unshown_file(
        &self,
        item: &Handling,
        unshown: &UnshownFile,
    ) -> HandlerResult {
        let done = Ok(Handled::for_first_item(ItemOutcome::Done));
        let ticket = self.calls.load_ticket(item, &unshown.ticket).await?;
        let Some(ticket) = ticket else { return done };
        let thread = Thread { channel: unshown.channel.clone(), root: unshown.root.clone() };
        let now = self.calls.clock.now();
        // A reaction on it waits meanwhile.
        self.calls.begin_call(item, "shown", Some(&thread.channel), self.calls.clock.now()).await?;
        let shown = match files::fetch_file_message(&self.slack, &thread, &unshown.file).await {
            Err(slack::Error::Orphaned { .. }) if unshown.is_replaced => return done,
            Err(slack::Error::Orphaned { .. }) => {
                self.post_file_not_shown(item, &ticket, unshown).await?;
                return done;
            }
            Err(error) if matches!(error.to_fault(), Fault::Refused { .. }) => None,
            shown => shown?,
        };
        if let Some(shown) = shown {
            let role = (Role::Customer, None);
            self.posts.link_post(item, &ticket, role, &unshown.blip_ids, &shown).await?;
            return done;
        }
        let age = now.duration_since(item.received);
        if age < UNSHOWN_FILE_TIMEOUT {
            return Ok(Handled::for_first_item(ItemOutcome::Wait(
                now + age.clamp(MIN_LOOKUP_PAUSE, MAX_LOOKUP_PAUSE),
            )));
        }
        if !unshown.is_replaced {
            self.post_file_not_shown(item, &ticket, unshown).await?;
        }
        done
    }

    async fn post_file_not_shown(
        &self,
        item: &Handling,
        ticket: &Ticket,
        unshown: &UnshownFile,
    ) -> PipeResult<()> {
        tracing::warn!(slack.file = unshown.file, "slack does not show a file");
        let explained = self.texts.text("file-not-shown", &[]);
        let (url, title) = (unshown.url.clone(), Some(unshown.name.clone()));
        let caption = unshown.comment.clone();
        let media = LinkedFile { url, title, caption, ..LinkedFile::default() };
        let words = render::render_missing_file(&media, &explained, &self.texts);
        let blip_ids = unshown.blip_ids.clone();
        let post = ThreadPost { role: Role::Customer, blip_ids, ..ThreadPost::from_line(&words) };
        self.threads.post_from_job(item, "not-shown", ticket, &post).await
    }
}
