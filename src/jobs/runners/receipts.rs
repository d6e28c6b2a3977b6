//! Jobs on what Blip tells of messages, or is told of them.

use std::sync::Arc;

use super::leased::{FORGOTTEN, LeasedJobs};
use crate::handlers::bots::Bots;
use crate::handlers::interrupt::{HandlerResult, PipeResult};
use crate::inbox::ReceiptJob;
use crate::jobs::deliveries::Deliveries;
use crate::model::TicketId;

/// Asks Blip what became of replies, and tells it what agents were shown.
pub(crate) struct ReceiptJobs {
    pub(crate) bots: Arc<Bots>,
    pub(crate) deliveries: Deliveries,
}

impl ReceiptJobs {
    /// Does the first of these jobs.
    pub(crate) async fn run_receipt_job(
        &self,
        leased: LeasedJobs<'_>,
        job: ReceiptJob,
    ) -> HandlerResult {
        match job {
            ReceiptJob::Delivery { .. } => self.deliveries.check_deliveries(leased.items).await,
            ReceiptJob::Seen { ticket, address, messages } => {
                self.send_seen_receipts(&ticket, &address, &messages).await?;
                Ok(FORGOTTEN)
            }
        }
    }

    /// Tells Blip that agents have seen what a customer said. Only a courtesy: nothing waits for it
    /// and nothing comes of its failure.
    async fn send_seen_receipts(
        &self,
        id: &TicketId,
        address: &str,
        messages: &[String],
    ) -> PipeResult<()> {
        let bot = self.bots.require_bot(id)?;
        for message in messages {
            if let Err(error) = bot.send_consumed(message, address).await {
                tracing::debug!(%error, "blip could not be told what was seen");
                break;
            }
        }
        Ok(())
    }
}
