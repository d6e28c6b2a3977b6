//! The pieces of a message in their places: words as posts, files as files.

use crate::inbox::Handling;
use std::sync::Arc;

use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::handlers::posts::ThreadPost;
use crate::handlers::thread::Threads;
use crate::handlers::to_slack::file_posts::CustomerFile;
use crate::handlers::to_slack::files::CustomerFiles;
use crate::locale::Texts;
use crate::model::{Content, Ticket};
use crate::slack::render::Piece;
use crate::slack::{SlackClient, bounds, render, rich_text};
use crate::store::Role;

/// A customer's message that waits to be shown.
pub(crate) struct CustomerMessage<'a> {
    pub(crate) item: &'a Handling,
    pub(crate) id: Option<String>,
    /// Its id as it was delivered, by which Blip is told that it was seen.
    pub(crate) delivered_id: Option<String>,
    pub(crate) content: Content,
    pub(crate) is_after_gap: bool,
}

/// Shows pieces of messages, each post in its slot.
pub(crate) struct Pieces {
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) files: Arc<CustomerFiles>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) texts: Texts,
    pub(crate) media_max: u64,
}

impl Pieces {
    /// Shows the pieces of an event, whose places get the prefix given.
    async fn post_pieces(
        &self,
        (item, prefix): (&Handling, &str),
        ticket: &mut Ticket,
        blip_ids: &[String],
        pieces: &[Piece<'_>],
    ) -> PipeResult<()> {
        let began = self.calls.clock.now();
        let author = render::author_name(&ticket.customer, &self.texts);
        // Without its bot nothing is known of a link that has run out: the event waits for it.
        self.bots.require_bot(&ticket.id)?;
        let steps = self.calls.read_earlier_steps(item).await?;
        // The event has had a slot for its first post.
        let mut has_slot = prefix.is_empty() && !item.has_begun_calls;
        let mut posts = 0;
        for (number, piece) in pieces.iter().enumerate() {
            let words = match piece {
                Piece::Words(words) => words,
                Piece::File(media) => {
                    let place = &format!("{prefix}{number}");
                    // One that was waited for has had its slot before, in whatever thread.
                    if !steps.has_with_prefix(&format!("file:{place}@"))
                        && !steps.has(&format!("waits:file:{place}"))
                    {
                        self.ensure_post_slot(item, ticket, &mut has_slot).await?;
                    }
                    let (key, ticket_id) = (format!("{}:{place}", item.key), ticket.id.clone());
                    let sent = CustomerFile {
                        item,
                        place,
                        key: &key,
                        ticket: &ticket_id,
                        media,
                        author: &author,
                        blip_ids,
                        max: self.media_max,
                        is_late: false,
                    };
                    self.files.post_file(ticket, &sent, began).await?;
                    continue;
                }
            };
            // Without the scope `chat:write.customize` the customer's name cannot stand as the
            // author (`slack.md` C.1), and every part has to say who speaks.
            let label = if self.slack.has_author_names() { None } else { Some(&author) };
            for part in render::split_into_posts(words, label) {
                let (text, block) = rich_text::to_literal_post(&part);
                let post = ThreadPost {
                    text,
                    blocks: vec![block],
                    author: Some(author.clone()),
                    role: Role::Customer,
                    blip_ids: blip_ids.to_vec(),
                    user: None,
                    broadcast: false,
                    origin: None,
                };
                let step = format!("post:{posts}");
                if !steps.has(&step) {
                    self.ensure_post_slot(item, ticket, &mut has_slot).await?;
                }
                self.threads.post_to_ticket(item, &step, ticket, &post).await?;
                posts += 1;
            }
        }
        Ok(())
    }

    /// Waits for the slot of a post, unless there has been one that nobody has used.
    async fn ensure_post_slot(
        &self,
        item: &Handling,
        ticket: &Ticket,
        has_slot: &mut bool,
    ) -> PipeResult<()> {
        if std::mem::take(has_slot) {
            return Ok(());
        }
        self.threads.wait_for_slot(item, ticket).await
    }

    /// Whether what a customer said to begin with came with files.
    pub(crate) fn has_files(&self, first_words: Option<&Content>) -> bool {
        let pieces = first_words.map(|words| render::split_pieces(words, &self.texts));
        pieces.is_some_and(|pieces| pieces.iter().any(|piece| matches!(piece, Piece::File(_))))
    }

    /// The files that came with a new ticket's first words: the card only names them.
    pub(crate) async fn post_first_files(
        &self,
        item: &Handling,
        ticket: &mut Ticket,
        first_words: Option<&Content>,
    ) -> PipeResult<()> {
        let pieces = first_words.map(|words| render::split_pieces(words, &self.texts));
        let mut files = bounds::limit_pieces(pieces.unwrap_or_default(), &self.texts);
        files.retain(|piece| matches!(piece, Piece::File(_)));
        self.post_pieces((item, "first."), ticket, &[], &files).await
    }

    /// Shows what was said, in order: words as posts, files as files.
    pub(crate) async fn post_customer_messages(
        &self,
        ticket: &mut Ticket,
        said: &[CustomerMessage<'_>],
    ) -> PipeResult<()> {
        let Some(first) = said.first() else { return Ok(()) };
        let blip_ids: Vec<String> = said.iter().filter_map(|said| said.id.clone()).collect();
        let pieces =
            |said| bounds::limit_pieces(render::split_pieces(said, &self.texts), &self.texts);
        let pieces = said.iter().flat_map(|said| pieces(&said.content));
        self.post_pieces((first.item, ""), ticket, &blip_ids, &render::join_pieces(pieces)).await
    }

    /// Says that what follows comes late, if the first message was fetched after a gap.
    pub(crate) async fn post_gap_notice(
        &self,
        ticket: &mut Ticket,
        said: &[CustomerMessage<'_>],
    ) -> PipeResult<()> {
        let Some(first) = said.first().filter(|said| said.is_after_gap) else { return Ok(()) };
        let line = ThreadPost::from_line(&self.texts.text("thread-gap", &[]));
        self.threads.post_to_ticket(first.item, "gap", ticket, &line).await.map(drop)
    }
}
