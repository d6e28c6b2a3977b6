//! Earlier messages that a customer answers, and of which Blip tells only the id: agents see what
//! they said or, if that is not to be had, where they stand.

use crate::inbox::Handling;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::handlers::bots::Bots;
use crate::handlers::calls::Calls;
use crate::handlers::interrupt::PipeResult;
use crate::locale::Texts;
use crate::model::{Content, Thread, Ticket};
use crate::slack::{SlackClient, render};

/// How long Blip is asked for the words of an earlier message.
pub(crate) const HISTORY_TIMEOUT: Duration = Duration::from_secs(2);

/// The recorded call that keeps what was found: a message in several posts must be cut the same way again.
pub(crate) const QUOTES_CALL: &str = "quotes";

/// Finds the words that are quoted.
pub(crate) struct Quotes {
    pub(crate) calls: Arc<Calls>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) slack: Arc<SlackClient>,
    pub(crate) texts: Texts,
}

impl Quotes {
    /// Puts what earlier messages said in the place of their ids.
    pub(crate) async fn quote_earlier(
        &self,
        ticket: &Ticket,
        item: &Handling,
        content: &mut Content,
    ) -> PipeResult<()> {
        let mut ids = Vec::new();
        content.visit_earlier(&mut |earlier| {
            if let Content::Earlier(id) = earlier {
                ids.push(id.clone());
            }
        });
        if ids.is_empty() {
            return Ok(());
        }
        let quotes = self.recall_quotes(ticket, item, &ids).await?;
        content.visit_earlier(&mut |earlier| {
            if let Content::Earlier(id) = earlier
                && let Some(words) = quotes.get(id)
            {
                *earlier = Content::Text(words.clone());
            }
        });
        Ok(())
    }

    async fn recall_quotes(
        &self,
        ticket: &Ticket,
        item: &Handling,
        ids: &[String],
    ) -> PipeResult<HashMap<String, String>> {
        if let Some(found) = self.calls.recall(item, QUOTES_CALL).await? {
            return Ok(found);
        }
        let found = self.find_quotes(item, ticket, ids).await?;
        item.remember(QUOTES_CALL, &found)?;
        Ok(found)
    }

    async fn find_quotes(
        &self,
        item: &Handling,
        ticket: &Ticket,
        ids: &[String],
    ) -> PipeResult<HashMap<String, String>> {
        let asked = self.bots.require_bot(&ticket.id)?.fetch_messages(&ticket.id);
        // An answer without its quote is better than one that comes late: Blip may take long for a
        // history.
        let said = match tokio::time::timeout(HISTORY_TIMEOUT, asked).await {
            Ok(Ok(said)) => said,
            Ok(Err(error)) => {
                tracing::warn!(%error, "an answer goes without a quote");
                Vec::new()
            }
            Err(_) => {
                tracing::warn!("an answer goes without a quote: no answer");
                Vec::new()
            }
        };
        let mut quotes = HashMap::new();
        for id in ids {
            let earlier = said.iter().find(|message| message.is_called(id));
            let words =
                earlier.and_then(|earlier| render::render_quote(&earlier.content, &self.texts));
            let words = match words {
                Some(words) => Some(words),
                None => self.find_address(item, ticket, id).await?,
            };
            quotes.extend(words.map(|words| (id.clone(), words)));
        }
        Ok(quotes)
    }

    /// Where a message of a ticket stands in Slack, in words.
    async fn find_address(
        &self,
        item: &Handling,
        ticket: &Ticket,
        id: &str,
    ) -> PipeResult<Option<String>> {
        let links = self.calls.links_of(item, &ticket.id, id).await?;
        let link = links.into_iter().next();
        let message = link.map(|link| Thread { channel: link.channel, root: link.ts });
        let address = message
            .and_then(|message| self.slack.reply_url(&message, &ticket.thread.as_ref()?.root));
        Ok(address.map(|link| self.texts.text("content-earlier-link", &[("link", &link)])))
    }
}
