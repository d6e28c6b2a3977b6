//! Clicks, shortcuts, commands and modals, as people do them (slack.md §C.4).
//!
//! Unlike events these are delivered once only: who gets no answer sees an error and moves on.

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::Slack;
use super::state::{Ephemeral, State, elements};
use crate::Impossible;
use crate::courier::Letter;

/// What our app answered to an interaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The status; none if no answer came in time.
    pub status: Option<u16>,
    /// The body.
    pub body: String,
}

impl Slack {
    /// Somebody presses a button that is on show for them.
    pub async fn clicks(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        action_id: &str,
    ) -> Result<Answered, Impossible> {
        self.presses(user, (channel, ts), action_id, None).await
    }

    /// Somebody chooses an option of an overflow menu or a list, or presses that one of several
    /// buttons of the same name which carries this value. Of several menus of the same name,
    /// `name@block` is the one in that block.
    pub async fn picks(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        (action_id, value): (&str, &str),
    ) -> Result<Answered, Impossible> {
        self.presses(user, (channel, ts), action_id, Some(value)).await
    }

    async fn presses(
        &self,
        user: &str,
        at: (&str, &str),
        action_id: &str,
        value: Option<&str>,
    ) -> Result<Answered, Impossible> {
        let (payload, _) = self.core.act(|state| state.click(user, at, action_id, value));
        Ok(self.interacts("click", &payload?).await)
    }

    /// Somebody presses a button in a modal or on their home tab.
    pub async fn clicks_in_view(
        &self,
        user: &str,
        view_id: &str,
        action_id: &str,
    ) -> Result<Answered, Impossible> {
        self.picks_in_view(user, view_id, action_id, None).await
    }

    /// The same where several have that action, by the value that the button or option carries; a
    /// box with that value is ticked, or not any more.
    pub async fn picks_in_view(
        &self,
        user: &str,
        view_id: &str,
        action_id: &str,
        value: Option<&str>,
    ) -> Result<Answered, Impossible> {
        let press = |state: &mut State| state.click_in_view(user, view_id, action_id, value);
        let (payload, _) = self.core.act(press);
        Ok(self.interacts("click", &payload?).await)
    }

    /// Somebody closes a modal without submitting it.
    pub fn dismisses(&self, user: &str, view_id: &str) {
        self.core.act(|state| {
            state.views.retain(|id, open| id != view_id || open.user != user);
        });
    }

    /// Somebody opens a list in a modal that our app fills, or types into it; returns the options
    /// that our app answers with, whatever group they are in.
    pub async fn searches(
        &self,
        user: &str,
        view_id: &str,
        action_id: &str,
        query: &str,
    ) -> Result<Vec<Value>, Impossible> {
        let (payload, _) = self.core.act(|state| state.search(user, view_id, action_id, query));
        let answered = self.interacts("block_suggestion", &payload?).await;
        let options = read_options(&answered.body);
        let noted = options.as_ref().err().cloned();
        self.core.act(|state| {
            state.violations.extend(noted.map(|why| format!("block_suggestion: {why}")));
        });
        Ok(options.unwrap_or_default())
    }

    /// Somebody chooses an option, as from [`Slack::searches`], in a list of a modal that tells our
    /// app at once.
    pub async fn chooses(
        &self,
        user: &str,
        view_id: &str,
        action_id: &str,
        option: &Value,
    ) -> Result<Answered, Impossible> {
        let (payload, _) = self.core.act(|state| state.choose(user, view_id, action_id, option));
        Ok(self.interacts("click", &payload?).await)
    }

    /// Somebody uses a message shortcut of our app.
    pub async fn uses_shortcut(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        callback_id: &str,
    ) -> Result<Answered, Impossible> {
        let (payload, _) = self.core.act(|state| state.shortcut(user, channel, ts, callback_id));
        Ok(self.interacts("shortcut", &payload?).await)
    }

    /// Somebody submits a modal with these values, by block id and action id.
    ///
    /// The answer may close the modal, change it or show errors; it stays open if there is none.
    pub async fn submits(
        &self,
        user: &str,
        view_id: &str,
        values: Value,
    ) -> Result<Answered, Impossible> {
        let (payload, _) = self.core.act(|state| state.submission(user, view_id, &values));
        let answered = self.interacts("view_submission", &payload?).await;
        if answered.status == Some(200) {
            self.core.act(|state| state.after_submission(user, view_id, &answered.body));
        }
        Ok(answered)
    }

    /// Somebody types a slash command in a channel.
    pub async fn commands(
        &self,
        user: &str,
        channel: &str,
        command: &str,
        text: &str,
    ) -> Result<Answered, Impossible> {
        let (form, _) = self.core.act(|state| state.command(user, channel, command, text));
        let answered = self.posts("command", form?).await;
        self.core.act(|state| match check_answer(&answered.body) {
            Ok(answer) => state.show_answer(user, channel, &answer),
            Err(why) => state.violations.push(format!("{command}: {why}")),
        });
        Ok(answered)
    }

    /// Slack asks whether the address is ours; the challenge must come back.
    pub async fn verifies_url(&self, challenge: &str) -> Answered {
        let body = json!({ "type": "url_verification", "token": "x", "challenge": challenge });
        let about = "url_verification".to_owned();
        let letter = Letter { about, body: body.to_string(), mime: "application/json" };
        self.delivers(letter).await
    }

    async fn interacts(&self, about: &str, payload: &Value) -> Answered {
        let payload = payload.to_string();
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", &payload)
            .finish();
        self.posts(about, form).await
    }

    async fn posts(&self, about: &str, body: String) -> Answered {
        let mime = "application/x-www-form-urlencoded";
        self.delivers(Letter { about: about.to_owned(), body, mime }).await
    }

    async fn delivers(&self, letter: Letter) -> Answered {
        match self.core.post(&letter).await {
            Some((status, body)) => Answered { status: Some(status), body },
            None => Answered { status: None, body: String::new() },
        }
    }
}

impl State {
    fn click(
        &mut self,
        user: &str,
        (channel, ts): (&str, &str),
        action_id: &str,
        value: Option<&str>,
    ) -> Result<Value, Impossible> {
        self.member(user, channel)?;
        let ephemeral = self.ephemerals.iter().find(|e| e.ts == ts && e.user == user).cloned();
        let message = self.message(channel, ts).cloned();
        let (blocks, thread) = match (&ephemeral, &message) {
            (Some(found), _) => (&found.blocks, found.thread_ts.clone()),
            (None, Some(found)) => (&found.blocks, found.thread_ts.clone()),
            (None, None) => return Err(Impossible::new(format!("no message {ts} for {user}"))),
        };
        let action = action(blocks, action_id, value)
            .ok_or_else(|| Impossible::new(format!("{ts} has no {action_id} to press")))?;
        let mut payload = self.interaction("block_actions", user);
        payload["container"] = json!({ "type": "message", "message_ts": ts,
            "channel_id": channel, "is_ephemeral": ephemeral.is_some() });
        if let Some(thread) = &thread {
            payload["container"]["thread_ts"] = json!(thread);
        }
        payload["channel"] = self.short_channel(channel);
        let on = Some((ts, thread.as_deref()));
        payload["response_url"] = json!(self.new_response_url(user, channel, on));
        payload["state"] = json!({ "values": {} });
        let mut action = action;
        action["action_ts"] = json!(self.next_ts());
        payload["actions"] = json!([action]);
        // What only one person sees is not sent along.
        if let (None, Some(message), Some(place)) =
            (&ephemeral, &message, self.channels.get(channel))
        {
            payload["message"] = self.render(place, message, false);
        }
        Ok(payload)
    }

    fn click_in_view(
        &mut self,
        user: &str,
        view_id: &str,
        action_id: &str,
        value: Option<&str>,
    ) -> Result<Value, Impossible> {
        let open = self.views.get(view_id).filter(|open| open.user == user);
        let open = open.ok_or_else(|| Impossible::new(format!("{user} sees no {view_id}")))?;
        let view = self.render_view(open);
        let blocks = view["blocks"].as_array().map_or(&[][..], Vec::as_slice);
        let mut action = action(blocks, action_id, value)
            .ok_or_else(|| Impossible::new(format!("{view_id} has no {action_id} to press")))?;
        action["action_ts"] = json!(self.next_ts());
        let mut payload = self.interaction("block_actions", user);
        payload["container"] = json!({ "type": "view", "view_id": view_id });
        payload["view"] = view;
        payload["actions"] = json!([action]);
        Ok(payload)
    }

    fn search(
        &mut self,
        user: &str,
        view_id: &str,
        action_id: &str,
        query: &str,
    ) -> Result<Value, Impossible> {
        let (view, block_id, _) = self.list(user, view_id, action_id)?;
        let mut payload = self.interaction("block_suggestion", user);
        if let Some(fields) = payload.as_object_mut() {
            fields.remove("trigger_id");
        }
        payload["container"] = json!({ "type": "view", "view_id": view_id });
        payload["view"] = view;
        payload["action_id"] = json!(action_id);
        payload["block_id"] = json!(block_id);
        payload["value"] = json!(query);
        Ok(payload)
    }

    fn choose(
        &mut self,
        user: &str,
        view_id: &str,
        action_id: &str,
        option: &Value,
    ) -> Result<Value, Impossible> {
        let (view, block_id, block) = self.list(user, view_id, action_id)?;
        if block["type"] == "input" && block["dispatch_action"] != true {
            return Err(Impossible::new(format!(
                "{action_id} tells nobody before it is submitted"
            )));
        }
        let mut payload = self.interaction("block_actions", user);
        payload["container"] = json!({ "type": "view", "view_id": view_id });
        payload["view"] = view;
        payload["actions"] = json!([{ "type": block["element"]["type"], "action_id": action_id,
            "block_id": block_id, "selected_option": option, "action_ts": self.next_ts() }]);
        Ok(payload)
    }

    /// A list in a modal: its view, the id of its block, and the block.
    fn list(
        &self,
        user: &str,
        view_id: &str,
        action_id: &str,
    ) -> Result<(Value, String, Value), Impossible> {
        let open = self.views.get(view_id).filter(|open| open.user == user);
        let open = open.ok_or_else(|| Impossible::new(format!("{user} sees no {view_id}")))?;
        let view = self.render_view(open);
        let mut blocks = view["blocks"].as_array().into_iter().flatten();
        let is_it = |block: &&Value| {
            let element = &block["element"];
            let kind = element["type"].as_str().unwrap_or_default();
            element["action_id"] == action_id && kind.ends_with("_select")
        };
        let block = blocks.find(is_it).cloned();
        let block = block.ok_or_else(|| Impossible::new(format!("no list {action_id}")))?;
        let id = block["block_id"].as_str().unwrap_or_default().to_owned();
        Ok((view, id, block))
    }

    fn shortcut(
        &mut self,
        user: &str,
        channel: &str,
        ts: &str,
        callback_id: &str,
    ) -> Result<Value, Impossible> {
        let place = self.member(user, channel)?;
        let message = place.messages.get(ts);
        let message = message.ok_or_else(|| Impossible::new(format!("no message {ts}")))?;
        let thread = message.thread_ts.clone();
        let rendered = self.render(place, message, false);
        let mut payload = self.interaction("message_action", user);
        payload["callback_id"] = json!(callback_id);
        payload["channel"] = self.short_channel(channel);
        payload["message_ts"] = json!(ts);
        payload["message"] = rendered;
        payload["action_ts"] = json!(self.next_ts());
        let on = Some((ts, thread.as_deref()));
        payload["response_url"] = json!(self.new_response_url(user, channel, on));
        Ok(payload)
    }

    fn submission(
        &mut self,
        user: &str,
        view_id: &str,
        values: &Value,
    ) -> Result<Value, Impossible> {
        let open = self.views.get(view_id).filter(|open| open.user == user);
        let open = open.ok_or_else(|| Impossible::new(format!("{user} sees no {view_id}")))?;
        let mut view = self.render_view(open);
        view["state"] = json!({ "values": values });
        let mut payload = self.interaction("view_submission", user);
        payload["view"] = view;
        payload["response_urls"] = json!([]);
        Ok(payload)
    }

    fn after_submission(&mut self, user: &str, view_id: &str, body: &str) {
        let body = if body.is_empty() { "{}" } else { body };
        let answer: Value = serde_json::from_str(body).unwrap_or_default();
        let view = answer["view"].clone();
        match answer["response_action"].as_str() {
            None if answer.is_object() => drop(self.views.remove(view_id)),
            Some("clear") => {
                self.views.retain(|_, open| open.user != user || open.view["type"] == "home");
            }
            Some("errors") if answer["errors"].is_object() => {}
            Some(kind @ ("update" | "push")) => match super::views::check(&view, "modal") {
                Err(why) => self.violations.push(format!("view_submission: {why}")),
                Ok(()) if kind == "push" => drop(self.show(user.to_owned(), view)),
                Ok(()) => {
                    if let Some(open) = self.views.get(view_id).cloned() {
                        self.change_view(open, view);
                    }
                }
            },
            _ => self.violations.push(format!("view_submission: answered {body}")),
        }
    }

    fn command(
        &mut self,
        user: &str,
        channel: &str,
        command: &str,
        text: &str,
    ) -> Result<String, Impossible> {
        let name = self.member(user, channel)?.name.clone();
        let trigger = self.new_trigger(user);
        let url = self.new_response_url(user, channel, None);
        let handle = self.users.get(user).map_or("", |user| &user.name);
        let is_for_all = if self.setup.is_enterprise_install { "true" } else { "false" };
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([
            ("token", "deprecated"),
            ("team_id", self.team_of(user).unwrap_or_default()),
            ("team_domain", "standin"),
            ("enterprise_id", self.setup.enterprise_id.as_deref().unwrap_or_default()),
            ("channel_id", channel),
            ("channel_name", &name),
            ("user_id", user),
            ("user_name", handle),
            ("command", command),
            ("text", text),
            ("api_app_id", &self.setup.app_id),
            ("is_enterprise_install", is_for_all),
            ("response_url", &url),
            ("trigger_id", &trigger),
        ]);
        Ok(form.finish())
    }

    /// Shows the answer to a command to the one who typed it.
    fn show_answer(&mut self, user: &str, channel: &str, answer: &Value) {
        let text = answer["text"].as_str().unwrap_or_default().to_owned();
        let blocks = answer["blocks"].as_array().cloned().unwrap_or_default();
        if !text.is_empty() || !blocks.is_empty() {
            let (user, channel, ts) = (user.to_owned(), channel.to_owned(), self.next_ts());
            self.ephemerals.push(Ephemeral { ts, user, channel, thread_ts: None, text, blocks });
        }
    }

    /// What every interaction carries.
    fn interaction(&mut self, kind: &str, user: &str) -> Value {
        let team = self.team_of(user).map(str::to_owned);
        let name = self.users.get(user).map_or("", |user| &user.name).to_owned();
        let setup = &self.setup;
        let enterprise = setup.enterprise_id.as_ref();
        json!({
            "type": kind, "token": "deprecated", "api_app_id": setup.app_id,
            "team": { "id": setup.team_id, "domain": "standin" },
            "enterprise": enterprise.map(|id| json!({ "id": id, "name": "Grid" })),
            "is_enterprise_install": setup.is_enterprise_install,
            "user": { "id": user, "username": name, "name": name, "team_id": team },
            "trigger_id": self.new_trigger(user),
        })
    }

    fn short_channel(&self, id: &str) -> Value {
        json!({ "id": id, "name": self.channels.get(id).map(|channel| channel.name.as_str()) })
    }
}

/// Holds what a command is answered with against what Slack allows; nothing is allowed, too.
fn check_answer(body: &str) -> Result<Value, String> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let answer: Value =
        serde_json::from_str(body).map_err(|_not_json| format!("answered {body}"))?;
    if let Some(list) = answer["blocks"].as_array() {
        super::blocks::check(list, super::blocks::Surface::Message)?;
    }
    Ok(answer)
}

/// The options in an answer to a search, held to Block Kit's limits.
fn read_options(body: &str) -> Result<Vec<Value>, String> {
    let answer: Value =
        serde_json::from_str(body).map_err(|_not_json| format!("answered {body}"))?;
    let groups = match (&answer["options"], &answer["option_groups"]) {
        (Value::Array(options), Value::Null) => vec![options.clone()],
        (Value::Null, Value::Array(groups)) if groups.len() <= 100 => {
            groups.iter().filter_map(|group| group["options"].as_array().cloned()).collect()
        }
        _ => return Err(format!("answered {body}")),
    };
    for options in &groups {
        super::blocks::check_options(options)?;
    }
    Ok(groups.concat())
}

/// The action of an element that is on show; `value` chooses an option.
/// What is ticked of some boxes after one more, or one less, was: Slack tells all of it.
fn tick(element: &Value, value: &str) -> Option<Value> {
    let ticked = element["initial_options"].as_array().map_or(&[][..], Vec::as_slice);
    let is_it = |option: &&Value| option["value"] == value;
    let option = element["options"].as_array()?.iter().find(is_it)?;
    let others = ticked.iter().filter(|option| !is_it(option)).cloned();
    let more = (!ticked.iter().any(|option| is_it(&option))).then(|| option.clone());
    Some(others.chain(more).collect())
}

fn action(blocks: &[Value], action_id: &str, value: Option<&str>) -> Option<Value> {
    let (action_id, block) = match action_id.split_once('@') {
        Some((action_id, block)) => (action_id, Some(block)),
        None => (action_id, None),
    };
    let is_it = |element: &Value| {
        let carries = |value| element["type"] != "button" || element["value"] == value;
        element["action_id"] == action_id && value.is_none_or(carries)
    };
    let (block_id, element) = elements(blocks)
        .find(|(id, element)| is_it(element) && block.is_none_or(|block| block == *id))?;
    let mut action = Map::new();
    for key in ["type", "action_id", "text", "value", "style"] {
        action.extend(element.get(key).map(|field| (key.to_owned(), field.clone())));
    }
    action.insert("block_id".to_owned(), json!(block_id));
    if element["type"] == "checkboxes" {
        action.insert("selected_options".to_owned(), tick(element, value?)?);
    } else if let (Some(value), false) = (value, element["type"] == "button") {
        let mut options = element["options"].as_array()?.iter();
        let option = options.find(|option| option["value"] == value)?;
        action.insert("selected_option".to_owned(), option.clone());
    } else if element["type"] != "button" {
        return None;
    }
    Some(Value::Object(action))
}
