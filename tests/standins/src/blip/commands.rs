//! Which commands there are, and whom to ask (blip.md §4, §5).

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::lime::{Command, Failure, Outcome, TICKET, collection, decode};
use super::state::{Caller, CannedReply, Notification, ServiceLimits, State};
use super::{campaigns, templates, tickets};

const DESK: &str = "postmaster@desk.msging.net";
const CRM: &str = "postmaster@crm.msging.net";
const TUNNEL: &str = "postmaster@tunnel.msging.net";
const SERVER: &str = "postmaster@msging.net";
const MEDIA: &str = "postmaster@media.msging.net";
const WHATSAPP: &str = "postmaster@wa.gw.msging.net";
const ACTIVE_CAMPAIGN: &str = "postmaster@activecampaign.msging.net";
const REPLY: &str = "application/vnd.iris.desk.custom-reply+json";
const CONFIGURATION: &str = "application/vnd.iris.configuration+json";
const CONTACT: &str = "application/vnd.lime.contact+json";
const SCHEDULE: &str = "application/vnd.iris.desk.attendance-hour-container+json";
const COMMENT: &str = "application/vnd.iris.crm.comment+json";

/// Runs a command.
pub(super) fn run(state: &mut State, command: &Command, caller: Caller) -> Outcome {
    let to = command.to.to_ascii_lowercase();
    let segments: Vec<String> = command.path.split('/').skip(1).map(decode).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let path = segments.as_slice();
    match (to.as_str(), command.method.as_str(), path) {
        (ACTIVE_CAMPAIGN, ..) => return campaigns::run(state, command, path, caller),
        (WHATSAPP, "get", ["message-templates"]) => {
            return templates::list(state, command, caller);
        }
        (WHATSAPP, "get", ["accounts", number]) => {
            return campaigns::check_number(state, number, caller);
        }
        _ => {}
    }
    if caller == Caller::Router {
        return run_for_router(state, command, (&to, path));
    }
    match (to.as_str(), command.method.as_str()) {
        (DESK, "set") => set_desk(state, command, path),
        (DESK, "get") => get_desk(state, command, path),
        (CRM | SERVER, _) if path.first() == Some(&"contacts") => contacts(state, command, path),
        (TUNNEL, "get") => get_tunnel(state, path),
        (SERVER, "get") => get_server(state, command, path, caller),
        (MEDIA, "set") if path == ["refresh-media-uri"] => refresh_media(state, command),
        _ => Err(Failure::unsupported()),
    }
}

/// The desk is the bot's: its router sees no tickets, and finds nothing else there (blip.md §1.1).
fn run_for_router(state: &State, command: &Command, (to, path): (&str, &[&str])) -> Outcome {
    match (to, command.method.as_str()) {
        (DESK, "get") if path == ["tickets"] => Ok(Some(collection(TICKET, &[]))),
        (DESK, _) => Err(Failure::mistake(67, "The requested resource was not found")),
        (SERVER, "get") => get_server(state, command, path, Caller::Router),
        _ => Err(Failure::unsupported()),
    }
}

fn set_desk(state: &mut State, command: &Command, path: &[&str]) -> Outcome {
    match path {
        ["tickets"] => campaigns::create_ticket(state, command),
        ["tickets", "change-status"] => tickets::change_status(state, command),
        ["tickets", id, "transfer"] => tickets::transfer(state, command, id),
        ["tickets", id, "change-tags"] => tickets::change_tags(state, command, id),
        ["tickets", id, "pause-inactivity"] => tickets::change_standby(state, command, id, true),
        ["tickets", id, "resume-inactivity"] => tickets::change_standby(state, command, id, false),
        ["tickets", id, "close"] => tickets::archive(state, command, id),
        _ => Err(Failure::unsupported()),
    }
}

fn get_desk(state: &State, command: &Command, path: &[&str]) -> Outcome {
    let setup = &state.setup;
    match path {
        ["ticket", id] => tickets::read(state, id),
        ["tickets"] => tickets::list(state, command),
        ["tickets", id, "messages"] => tickets::messages(state, command, id),
        ["tags", "active"] => {
            let tags = setup.tags.iter().map(|tag| json!({ "name": tag })).collect();
            full_page(state, command, tags, "application/vnd.iris.desk.tag-summary+json")
        }
        ["teams"] => {
            let online = |team| json!({ "name": team, "agentsOnline": setup.agents.len() });
            let teams = setup.teams.iter().map(online).collect();
            full_page(state, command, teams, "application/vnd.iris.desk.team+json")
        }
        ["attendants"] => {
            let agents = setup.agents.iter().map(|agent| attendant(state, agent)).collect();
            full_page(state, command, agents, "application/vnd.iris.desk.attendant+json")
        }
        ["replies"] => {
            let categories = categories(&setup.replies).iter().map(category).collect();
            full_page(state, command, categories, REPLY)
        }
        ["replies", id] => {
            let in_it = |(reply, _): &(&CannedReply, i32)| category_id(&reply.category) == *id;
            let replies = setup.replies.iter().zip(1..).filter(in_it).map(reply).collect();
            full_page(state, command, replies, REPLY)
        }
        _ => get_rules(state, command, path),
    }
}

/// How the desk is run: hours, service levels, what its queues have, and what somebody who watches it
/// sees.
fn get_rules(state: &State, command: &Command, path: &[&str]) -> Outcome {
    let setup = &state.setup;
    match path {
        ["attendance-hour" | "attendance-hour-container" | "sla-policy" | "monitoring", ..]
            if setup.hides_rules =>
        {
            Err(Failure::world(35, "The identity is not allowed to do that"))
        }
        ["monitoring", list @ ("waiting-tickets" | "open-tickets")] => {
            // Without a version it is another, older form (blip.md, part 2 §9).
            if command.param("version") != Some("2") {
                return Err(Failure::unsupported());
            }
            let with_limits = command.param("calculateSla") == Some("true");
            let watched = state.watch(*list == "waiting-tickets", with_limits);
            full_page(state, command, watched, "application/vnd.iris.desk.ticket-summary+json")
        }
        ["sla-policy"] => {
            let policy = |limits: ServiceLimits| {
                let metric = |name: &str, limit: Duration| json!({ "metric": name, "enabled": true, "value": limit.as_secs() });
                json!({ "slaPolicy": { "id": "main", "title": "SLA", "isMain": true }, "queues": [],
                    "metrics": [metric("AWT", limits.waiting),
                        metric("AFRT", limits.first_answer), metric("AST", limits.attendance)] })
            };
            let policies = setup.service_limits.map(policy).into_iter().collect();
            full_page(
                state,
                command,
                policies,
                "application/vnd.iris.desk.sla-policy-container+json",
            )
        }
        ["attendance-queues", "name", queue, "tags"] => {
            let tags = setup.queue_tags.get(*queue).into_iter().flatten();
            let entry = |tag: &String| {
                json!({ "id": tag, "tag": tag, "ownerIdentity": setup.identity,
                    "attendanceQueueId": queue })
            };
            let tags = tags.map(entry).collect();
            full_page(state, command, tags, "application/vnd.iris.desk.attendancequeuetag+json")
        }
        ["attendance-hour"] => {
            let heads = setup.schedules.iter().map(|it| it["attendanceHour"].clone()).collect();
            full_page(state, command, heads, "application/vnd.iris.desk.attendance-hour+json")
        }
        ["attendance-hour-container", id] => {
            let missing = || Failure::world(67, "The requested resource was not found");
            let found = setup.schedules.iter().find(|it| it["attendanceHour"]["id"] == **id);
            Ok(Some((SCHEDULE, found.ok_or_else(missing)?.clone())))
        }
        _ => Err(Failure::unsupported()),
    }
}

fn get_server(state: &State, command: &Command, path: &[&str], caller: Caller) -> Outcome {
    match path {
        ["ping"] => Ok(Some(("application/vnd.lime.ping+json", json!({})))),
        ["threads", identity] => tickets::thread(state, command, identity),
        ["notifications"] => Ok(Some(notifications(state, command, caller))),
        ["messages"] => {
            let calls = state.calls.iter().rev().filter(|call| call.method == "/messages");
            let sent = calls.take(100).map(|call| call.body.clone()).collect();
            tickets::page(command, sent, "application/vnd.lime.message+json")
        }
        ["buckets", "blip:desk:tags"] => {
            let missing = || Failure::world(67, "The requested resource was not found");
            let (tags, required) = state.setup.desk_tags.as_ref().ok_or_else(missing)?;
            let kept =
                json!({ "hasTags": !tags.is_empty(), "isTagsRequired": required, "tags": tags });
            Ok(Some(("application/json", kept)))
        }
        ["buckets", "blip:desk:forbidden-words"] => {
            let missing = || Failure::world(67, "The requested resource was not found");
            let kept = state.setup.forbidden_words.clone().ok_or_else(missing)?;
            Ok(Some(("application/json", kept)))
        }
        ["configuration", "caller"] => {
            // Other services have settings of their own for the bot.
            if command.param("owner") != Some(DESK) {
                return Ok(Some(collection(CONFIGURATION, &[])));
            }
            if caller == Caller::Router {
                return Ok(Some(collection(CONFIGURATION, &[])));
            }
            let caller = &state.setup.identity;
            let entry = |(name, value): &(String, String)| json!({ "owner": DESK, "caller": caller, "name": name, "value": value });
            let items: Vec<Value> = state.setup.configuration.iter().map(entry).collect();
            Ok(Some(collection(CONFIGURATION, &items)))
        }
        _ => Err(Failure::unsupported()),
    }
}

/// Only the bots at its ends may ask for a tunnel, and ours knows no other.
fn get_tunnel(state: &State, path: &[&str]) -> Outcome {
    let ["tunnels", id] = path else { return Err(Failure::unsupported()) };
    let missing = || Failure::world(67, "The requested resource was not found");
    let tunnel = state.tunnels.get(*id).ok_or_else(missing)?;
    Ok(Some(("application/vnd.iris.tunnel+json", json!(tunnel))))
}

/// The newest of what became of messages.
fn notifications(state: &State, command: &Command, caller: Caller) -> (&'static str, Value) {
    let by_router = caller == Caller::Router;
    let wanted = command.param("id");
    let about = state.notifications.iter().rev();
    let about = about.filter(|found| !found.by_bridge && found.by_router == by_router);
    let about = about.filter(|found| wanted.is_none_or(|id| found.id == id));
    let found: Vec<Value> = about.take(100).map(render_notification).collect();
    let kind = "application/vnd.lime.notification+json";
    collection(kind, &found)
}

/// A notification as Blip writes it.
pub(super) fn render_notification(found: &Notification) -> Value {
    let mut out = json!({ "id": found.id, "event": found.event });
    if let Some((code, description)) = &found.reason {
        out["reason"] = json!({ "code": code, "description": description });
    }
    out
}

fn contacts(state: &mut State, command: &Command, path: &[&str]) -> Outcome {
    match (command.method.as_str(), path) {
        ("get", ["contacts", identity]) => match state.contacts.get(*identity) {
            Some(contact) => Ok(Some((CONTACT, contact.clone()))),
            None => Err(Failure::world(67, "The requested resource was not found")),
        },
        ("set" | "merge", ["contacts"]) => {
            let resource = command.resource(CONTACT)?.clone();
            let identity = resource["identity"].as_str();
            let identity =
                identity.ok_or_else(|| Failure::mistake(23, "identity is missing"))?.to_owned();
            // Extras are strings only (blip.md, part 2 §3).
            let extras = resource.get("extras").and_then(Value::as_object);
            if extras.is_some_and(|extras| extras.values().any(|value| !value.is_string())) {
                return Err(Failure::mistake(23, "an extra is no string"));
            }
            let old = state.contacts.remove(&identity).filter(|_| command.method == "merge");
            let contact = old.map_or_else(|| resource.clone(), |old| merged(old, &resource));
            state.contacts.insert(identity, contact);
            Ok(None)
        }
        ("get", ["contacts", identity, "comments"]) => match state.comments.get(*identity) {
            Some(comments) => {
                let newest_first = comments.iter().rev().cloned().collect();
                tickets::page(command, newest_first, COMMENT)
            }
            None => Err(Failure::world(67, "The requested resource was not found")),
        },
        ("set", ["contacts", identity, "comments"]) => {
            let resource = command.resource(COMMENT)?;
            let content = resource["content"].as_str().filter(|content| !content.is_empty());
            let content = content.ok_or_else(|| Failure::mistake(23, "content is missing"))?;
            let mut comment = json!({ "id": Uuid::new_v4().to_string(), "content": content,
                "storageDate": state.now.to_string() });
            if let Some(author) = resource["authorIdentity"].as_str() {
                comment["authorIdentity"] = json!(author);
            }
            state.comments.entry((*identity).to_owned()).or_default().push(comment.clone());
            Ok(Some((COMMENT, comment)))
        }
        _ => Err(Failure::unsupported()),
    }
}

fn merged(mut old: Value, new: &Value) -> Value {
    if let (Some(fields), Some(changes)) = (old.as_object_mut(), new.as_object()) {
        fields.extend(changes.clone());
    }
    old
}

fn refresh_media(state: &mut State, command: &Command) -> Outcome {
    let uri = command.resource("text/plain")?.as_str().unwrap_or_default();
    let fresh = state.refresh_media(uri);
    let fresh = fresh.ok_or_else(|| Failure::world(67, "The media was not found"))?;
    Ok(Some(("text/plain", json!(fresh))))
}

/// A list of the desk, which may be a failure if it is empty (blip.md §4.2).
fn full_page(state: &State, command: &Command, items: Vec<Value>, kind: &str) -> Outcome {
    if items.is_empty() && state.setup.empty_is_missing {
        return Err(Failure::world(67, "The requested resource was not found"));
    }
    tickets::page(command, items, kind)
}

fn attendant(state: &State, identity: &str) -> Value {
    let email = decode(identity.strip_suffix("@blip.ai").unwrap_or(identity));
    json!({ "identity": identity, "fullName": email.split('@').next(), "email": email,
        "teams": state.setup.teams, "status": "Online", "isEnabled": true, "ticketsInService": 0 })
}

/// The categories of canned replies, each once.
fn categories(replies: &[CannedReply]) -> Vec<&str> {
    let mut categories = Vec::new();
    for reply in replies {
        if !categories.contains(&reply.category.as_str()) {
            categories.push(&reply.category);
        }
    }
    categories
}

/// A category as the list of replies shows it (blip-docs, desk.md: "Get custom replies").
fn category(name: &&str) -> Value {
    json!({ "id": category_id(name), "category": name, "isDynamicContent": false })
}

fn category_id(name: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}

fn reply((reply, number): (&CannedReply, i32)) -> Value {
    let CannedReply { category, name, text, kind } = reply;
    let kind = if kind.is_empty() { "text/plain" } else { kind };
    json!({ "id": number.to_string(), "category": category, "name": name, "document": text,
        "type": kind, "isDynamicContent": text.contains("${") })
}
