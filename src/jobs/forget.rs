//! Replacing what Slack shows of a customer who was erased.
//!
//! One message at a time: each handling of the job does the next thing that is to be done, notes it
//! and comes back. To replace or delete something again changes nothing, so no call is recorded.

use crate::slack::forget;
use std::sync::Arc;

use crate::handlers::calls::Calls;
use crate::handlers::interrupt::{Interrupt, PipeResult};
use crate::handlers::posts::Posts;
use crate::inbox::{Forgetting, ForgettingProgress, ForgottenMessage, Handling, LeftOver};
use crate::locale::Texts;
use crate::model::{Failure, Fault, MessageTs, Thread};
use crate::slack;
use crate::slack::SlackClient;

/// Why a message is left over whose words are replaced: `chat.update` cannot change its author.
pub(crate) const AUTHOR_NAME_REASON: &str = "name_of_the_author";

/// Replaces our posts about an erased customer.
pub(crate) struct SlackEraser {
    pub(crate) calls: Arc<Calls>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) posts: Arc<Posts>,
    pub(crate) texts: Texts,
}

impl SlackEraser {
    /// Replaces what we wrote in some threads, until none of it is left.
    pub(crate) async fn forget_in_slack(
        &self,
        item: &Handling,
        forgetting: &Forgetting,
    ) -> PipeResult<()> {
        let (mut progress, others) =
            ForgettingProgress::load(&self.calls.store, &forgetting.job).await?;
        if progress.is_over {
            return Ok(());
        }
        if let Some(next) = progress.messages.iter_mut().find(|message| !message.is_done) {
            let thread = Thread { channel: next.channel.clone(), root: next.root.clone() };
            self.posts.wait_for_post_slot(item, &thread.channel).await?;
            self.replace_message(&thread, next).await?;
            progress.replaced += usize::from(next.left.is_none());
            progress.save(&self.calls.store, &others).await?;
            return Err(Interrupt::Wait(self.calls.clock.now()));
        }
        let found = self.find_messages_to_forget(forgetting).await?;
        // Looked for again after each round: what was posted meanwhile is found by the next one.
        if progress.add_messages(found) {
            progress.save(&self.calls.store, &others).await?;
            return Err(Interrupt::Wait(self.calls.clock.now()));
        }
        // A post that was under way at the erasure may be seen later only.
        let settled = item.received + self.calls.unknown_outcome_wait;
        if self.calls.clock.now() < settled {
            return Err(Interrupt::Wait(settled));
        }
        // A card that was being drawn at the erasure shows it all again, and nothing tells of that:
        // `chat.update` leaves no trace, and Slack writes texts in its own way.
        if progress.repeat_cards() {
            progress.save(&self.calls.store, &others).await?;
            return Err(Interrupt::Wait(self.calls.clock.now()));
        }
        progress.finish();
        tracing::info!(
            job = forgetting.job,
            replaced = progress.replaced,
            left = progress.messages.len(),
            "what slack shows of an erased customer is replaced"
        );
        Ok(progress.save(&self.calls.store, &others).await?)
    }

    async fn find_messages_to_forget(
        &self,
        forgetting: &Forgetting,
    ) -> PipeResult<Vec<ForgottenMessage>> {
        let mut found = Vec::new();
        for (channel, root) in &forgetting.threads {
            let thread = Thread { channel: channel.clone(), root: root.clone() };
            let read = forget::read_own_messages(&self.slack, &thread.channel, &thread.root).await;
            let message = |ts: &MessageTs| ForgottenMessage {
                channel: channel.clone(),
                root: root.clone(),
                ts: ts.clone(),
                has_author: false,
                files: Vec::new(),
                is_done: false,
                left: None,
            };
            match read {
                Ok(own) => found.extend(own.into_iter().map(|own| ForgottenMessage {
                    has_author: own.has_author,
                    files: own.files,
                    ..message(&own.ts)
                })),
                // Nothing is there.
                Err(error) if error.is_message_gone() => {}
                Err(error) => {
                    let left = self.left_over(&thread, &thread.root, refusal_code(error)?);
                    let unread = message(&thread.root);
                    found.push(ForgottenMessage { is_done: true, left: Some(left), ..unread });
                }
            }
        }
        Ok(found)
    }

    async fn replace_message(
        &self,
        thread: &Thread,
        message: &mut ForgottenMessage,
    ) -> PipeResult<()> {
        let ts = message.ts.clone();
        let text = self.texts.text("message-erased", &[]);
        let mut reasons = Vec::new();
        if let Err(error) = self.slack.update_message(&thread.channel, &ts, &text, &[]).await {
            reasons.push(refusal_code(error)?);
        }
        for file in &message.files {
            if let Err(error) = forget::delete_file(&self.slack, file).await {
                reasons.push(refusal_code(error)?);
            }
        }
        // The customer's name stands as the post's author, which no call can change (`slack.md`
        // C.1).
        if message.has_author {
            reasons.push(AUTHOR_NAME_REASON.to_owned());
        }
        reasons.dedup();
        message.is_done = true;
        message.left =
            (!reasons.is_empty()).then(|| self.left_over(thread, &ts, reasons.join(", ")));
        Ok(())
    }

    fn left_over(&self, thread: &Thread, ts: &MessageTs, reason: String) -> LeftOver {
        tracing::warn!(slack.channel = %thread.channel, slack.ts = %ts, reason,
            "something of an erased customer is left in slack");
        let id = || format!("{} {ts}", thread.channel);
        let permalink = self.slack.message_url(thread, ts).unwrap_or_else(id);
        LeftOver { permalink, reason }
    }
}

/// The code with which Slack refuses something for good. What may pass is tried again.
pub(crate) fn refusal_code(error: slack::Error) -> PipeResult<String> {
    match error.to_fault() {
        Fault::Refused { code } => Ok(code),
        // Of one method's scope, not of the token.
        Fault::Credentials if error.code() == Some("missing_scope") => {
            Ok("missing_scope".to_owned())
        }
        Fault::Busy { .. }
        | Fault::Down
        | Fault::OutcomeUnknown
        | Fault::Credentials
        | Fault::Broken => Err(error.into()),
    }
}
