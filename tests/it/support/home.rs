//! The app's home tab, as people open and read it.

use blip_slack_standins::slack::{Message, View};
use serde_json::json;

use super::Bridge;

impl Bridge {
    /// Somebody opens their home tab.
    pub async fn opens_home(&self, user: &str) {
        let event = json!({ "type": "app_home_opened", "user": user, "channel": "D0HOME",
            "tab": "home", "event_ts": "1.1" });
        assert_eq!(self.slack.emits(event).await, Some(200));
    }

    /// The home tab of somebody, once these words stand on it, or in one of its controls.
    pub async fn home_with(&self, user: &str, part: &str) -> View {
        self.slack
            .wait_for(&format!("a home tab with {part}"), |state| {
                let mut views = state.views.values();
                let home = views.find(|view| view.user == user && view.view["type"] == "home")?;
                let controls = home.view.to_string();
                (view_words(home).contains(part) || controls.contains(part)).then(|| home.clone())
            })
            .await
    }
}

/// What stands on a view, as people read it.
pub fn view_words(view: &View) -> String {
    let blocks = view.view["blocks"].as_array().unwrap().clone();
    Message { blocks, ..Message::default() }.words()
}
