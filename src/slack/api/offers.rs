//! Taking back what lines of ours offer, once it was done by whichever way.

use serde_json::{Value, json};

use super::client::{EmptyAnswer, SlackClient};
use super::error::Error;
use super::find::read_thread;
use crate::model::{MessageTs, SlackUserId, Thread};
use crate::slack::events::shown::ShownMessage;

/// Takes the button with this name off all lines of ours in a thread that were posted since a time.
/// What they say stays.
pub(crate) async fn withdraw_button(
    slack: &SlackClient,
    thread: &Thread,
    since: &MessageTs,
    name: &str,
) -> Result<(), Error> {
    let mut reading = read_thread(slack, thread.channel.as_str(), &thread.root, since);
    while let Some(messages) = reading.next_page().await? {
        for message in messages.iter().map(ShownMessage::as_json) {
            let user = text_of(message, "user").and_then(SlackUserId::parse);
            let is_ours = user.is_some_and(|user| slack.is_us(&user));
            let is_card = text_of(message, "ts") == Some(thread.root.as_str());
            if !is_ours || is_card {
                continue;
            }
            let Some(blocks) = remove_button(message, name) else { continue };
            // As Slack gave them, so that nothing else changes: not even how its text was escaped.
            let body = json!({"channel": thread.channel.as_str(), "ts": message.get("ts"),
                "text": message.get("text"), "blocks": blocks});
            slack.call_with_body::<EmptyAnswer>("chat.update", &body).await?;
        }
    }
    Ok(())
}

/// The blocks of a message without a button that stands in its block alone; none if it is not there.
fn remove_button(message: &Value, name: &str) -> Option<Vec<Value>> {
    let blocks = message.get("blocks")?.as_array()?;
    let is_it = |block: &Value| {
        let elements = block.get("elements").and_then(Value::as_array).map(Vec::as_slice);
        matches!(elements, Some([only]) if text_of(only, "action_id") == Some(name))
    };
    let left: Vec<Value> = blocks.iter().filter(|block| !is_it(block)).cloned().collect();
    (left.len() < blocks.len()).then_some(left)
}

fn text_of<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field)?.as_str()
}
