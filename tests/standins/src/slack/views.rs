//! `views.*`: modals and home tabs (slack.md §C.1).

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::args::{Answer, Args, Refusal};
use super::blocks::{self, Surface};
use super::state::{State, View};

/// How long a trigger may be used.
const TRIGGER: SignedDuration = SignedDuration::from_secs(3);
/// How many modals may lie on top of each other.
const STACK: usize = 3;

pub(super) fn open(state: &mut State, args: &Args) -> Answer {
    let user = pull(state, args)?;
    let view = read(args, "modal")?;
    state.views.retain(|_, open| open.user != user || open.view["type"] == "home");
    Ok(state.show(user, view))
}

pub(super) fn push(state: &mut State, args: &Args) -> Answer {
    let user = pull(state, args)?;
    let view = read(args, "modal")?;
    let open = state.views.values();
    if open.filter(|open| open.user == user && open.view["type"] == "modal").count() >= STACK {
        return Err(Refusal::mistake("push_limit_reached", "three modals are open"));
    }
    Ok(state.show(user, view))
}

pub(super) fn update(state: &mut State, args: &Args) -> Answer {
    let new = read(args, "modal")?;
    let id = args.text("view_id")?.map(str::to_owned);
    let external = args.text("external_id")?;
    let found = state.views.values().find(|open| match (&id, external) {
        (Some(id), _) => open.id == *id,
        (None, Some(external)) => open.view["external_id"] == external,
        (None, None) => false,
    });
    let Some(open) = found.cloned() else { return Err(Refusal::world("not_found")) };
    check_hash(args, &open.hash)?;
    Ok(state.change_view(open, new))
}

pub(super) fn publish(state: &mut State, args: &Args) -> Answer {
    let user = args.required("user_id")?.to_owned();
    if !state.users.contains_key(&user) {
        return Err(Refusal::world("user_not_found"));
    }
    let new = read(args, "home")?;
    let mut open = state.views.values();
    let found = open.find(|open| open.user == user && open.view["type"] == "home").cloned();
    match found {
        None => Ok(state.show(user, new)),
        Some(open) => {
            check_hash(args, &open.hash)?;
            Ok(state.change_view(open, new))
        }
    }
}

impl State {
    /// Lets somebody open one modal, soon.
    pub(super) fn new_trigger(&mut self, user: &str) -> String {
        let id = self.next_id("156772938.1827394.");
        let trigger = super::state::Trigger { user: user.to_owned(), made: self.now };
        self.triggers.insert(id.clone(), trigger);
        id
    }

    /// Shows a new view.
    pub(super) fn show(&mut self, user: String, view: Value) -> Value {
        let id = self.next_id("V");
        self.change_view(View { id, user, hash: String::new(), view: Value::Null }, view)
    }

    /// Shows another view in place of an open one.
    pub(super) fn change_view(&mut self, open: View, view: Value) -> Value {
        let hash = self.next_id("1156872938.");
        let open = View { hash, view, ..open };
        let answer = json!({ "view": self.render_view(&open) });
        self.views.insert(open.id.clone(), open);
        answer
    }

    /// A view as Slack writes it.
    pub(super) fn render_view(&self, open: &View) -> Value {
        let mut view = open.view.clone();
        view["id"] = json!(open.id);
        view["hash"] = json!(open.hash);
        view["team_id"] = json!(self.setup.team_id);
        view["app_id"] = json!(self.setup.app_id);
        view["bot_id"] = json!(self.setup.bot_id);
        view["state"] = json!({ "values": {} });
        view["root_view_id"] = json!(open.id);
        view
    }
}

/// Uses up the trigger of a call; tells whose it was.
fn pull(state: &mut State, args: &Args) -> Result<String, Refusal> {
    let id = args.required("trigger_id")?;
    let Some(trigger) = state.triggers.get(id) else {
        return Err(Refusal::mistake("invalid_trigger_id", "unknown trigger"));
    };
    if trigger.user.is_empty() {
        return Err(Refusal::mistake("exchanged_trigger_id", "the trigger was used before"));
    }
    if state.now.duration_since(trigger.made) > TRIGGER {
        return Err(Refusal::world("expired_trigger_id"));
    }
    let user = trigger.user.clone();
    if let Some(trigger) = state.triggers.get_mut(id) {
        trigger.user.clear();
    }
    Ok(user)
}

fn check_hash(args: &Args, current: &str) -> Result<(), Refusal> {
    match args.text("hash")? {
        Some(hash) if hash != current => Err(Refusal::world("hash_conflict")),
        _ => Ok(()),
    }
}

/// Reads and checks a view.
fn read(args: &Args, wanted: &str) -> Result<Value, Refusal> {
    let view = args.json("view")?;
    let view = view.ok_or_else(|| Refusal::mistake("invalid_arguments", "view is missing"))?;
    check(&view, wanted).map_err(|why| Refusal::mistake("invalid_arguments", why))?;
    Ok(view)
}

/// Checks a view against what Slack allows.
pub(super) fn check(view: &Value, wanted: &str) -> Result<(), String> {
    if view["type"] != wanted {
        return Err(format!("view of type {}, not {wanted}", view["type"]));
    }
    if view.to_string().len() > 250_000 {
        return Err("view over 250 kB".to_owned());
    }
    let surface = if wanted == "home" { Surface::Home } else { Surface::Modal };
    let blocks = view["blocks"].as_array().ok_or("view without blocks")?;
    blocks::check(blocks, surface)?;
    if let Some(metadata) = view.get("private_metadata")
        && metadata.as_str().is_none_or(|text| text.chars().count() > 3_000)
    {
        return Err("private_metadata is no string of up to 3,000".to_owned());
    }
    if view["callback_id"].as_str().is_some_and(|id| id.chars().count() > 255) {
        return Err("callback_id over 255".to_owned());
    }
    if surface == Surface::Home {
        return Ok(());
    }
    for key in ["title", "submit", "close"] {
        label(&view[key]).map_err(|why| format!("{key} {why}"))?;
    }
    if view["title"].is_null() {
        return Err("modal without title".to_owned());
    }
    let asks = blocks.iter().any(|block| block["type"] == "input");
    if asks && view["submit"].is_null() {
        return Err("modal with inputs but without submit".to_owned());
    }
    Ok(())
}

fn label(text: &Value) -> Result<(), &'static str> {
    let fits = |text: &str| (1..=24).contains(&text.chars().count());
    match text {
        Value::Null => Ok(()),
        text if text["type"] != "plain_text" => Err("is not plain_text"),
        text if text["text"].as_str().is_some_and(fits) => Ok(()),
        _ => Err("has not 1 to 24 characters"),
    }
}
