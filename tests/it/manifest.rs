//! The Slack app has the rights that the code needs, and no others.

use blip_slack::slack::parse::{self, SlackRequest};
use std::collections::BTreeSet;

use blip_slack::locale::Language;
use blip_slack::manifest;
use serde_json::Value;

use crate::source;

/// The scopes that Slack knows, as far as we have a use for them, and the methods that need them
/// (`slack.md` §C.1). A method is called only if one of its scopes is asked for.
const METHODS: &[(&str, &[&str])] = &[
    ("apps.connections.open", &[]),
    ("auth.test", &[]),
    ("chat.delete", &["chat:write"]),
    ("chat.getPermalink", &[]),
    ("chat.postEphemeral", &["chat:write"]),
    ("chat.postMessage", &["chat:write"]),
    ("chat.update", &["chat:write"]),
    ("conversations.history", &["channels:history", "groups:history", "im:history"]),
    ("conversations.info", &["channels:read", "groups:read"]),
    ("conversations.join", &["channels:join"]),
    ("conversations.list", &["channels:read", "groups:read"]),
    ("conversations.members", &["channels:read", "groups:read"]),
    ("conversations.open", &["im:write"]),
    ("conversations.replies", &["channels:history", "groups:history"]),
    ("dnd.teamInfo", &["dnd:read"]),
    ("files.completeUploadExternal", &["files:write"]),
    ("files.delete", &["files:write"]),
    ("files.getUploadURLExternal", &["files:write"]),
    ("files.info", &["files:read"]),
    ("reactions.add", &["reactions:write"]),
    ("reactions.get", &["reactions:read"]),
    ("reactions.remove", &["reactions:write"]),
    ("team.info", &["team:read"]),
    ("usergroups.list", &["usergroups:read"]),
    ("usergroups.users.list", &["usergroups:read"]),
    ("users.getPresence", &["users:read"]),
    ("users.info", &["users:read"]),
    ("users.lookupByEmail", &["users:read.email"]),
    ("views.open", &[]),
    ("views.publish", &[]),
    ("views.push", &[]),
    ("views.update", &[]),
];

/// Scopes that change what a method may do or tell, and need no method of their own.
const EXTRAS: &[&str] = &["chat:write.customize", "commands", "files:read", "users:read.email"];

/// The events that Slack knows, as far as we have a use for them, and the scope that each needs
/// (`slack.md` §E.2).
const EVENTS: &[(&str, Option<&str>)] = &[
    ("app_home_opened", None),
    ("app_uninstalled", None),
    ("channel_archive", Some("channels:read")),
    ("channel_deleted", Some("channels:read")),
    ("channel_id_changed", Some("channels:read")),
    ("channel_left", Some("channels:read")),
    ("channel_shared", Some("channels:read")),
    ("channel_unarchive", Some("channels:read")),
    ("channel_unshared", Some("channels:read")),
    ("group_archive", Some("groups:read")),
    ("group_deleted", Some("groups:read")),
    ("group_left", Some("groups:read")),
    ("group_unarchive", Some("groups:read")),
    ("message.channels", Some("channels:history")),
    ("message.groups", Some("groups:history")),
    ("reaction_added", Some("reactions:read")),
    ("reaction_removed", Some("reactions:read")),
    ("tokens_revoked", None),
];

/// Every key that Slack's schema of manifests has and that ours use (`slack.md` §E.1).
const KEYS: &[&str] = &[
    "_metadata.major_version",
    "_metadata.minor_version",
    "display_information.background_color",
    "display_information.description",
    "display_information.name",
    "features.app_home.home_tab_enabled",
    "features.app_home.messages_tab_enabled",
    "features.app_home.messages_tab_read_only_enabled",
    "features.bot_user.always_online",
    "features.bot_user.display_name",
    "features.shortcuts",
    "features.slash_commands",
    "oauth_config.scopes.bot",
    "settings.event_subscriptions.bot_events",
    "settings.event_subscriptions.request_url",
    "settings.interactivity.is_enabled",
    "settings.interactivity.message_menu_options_url",
    "settings.interactivity.request_url",
    "settings.org_deploy_enabled",
    "settings.socket_mode_enabled",
    "settings.token_rotation_enabled",
];

#[test]
fn the_app_asks_for_known_scopes_that_an_event_or_a_method_needs() {
    for manifest in both() {
        for scope in scopes(&manifest) {
            let of_method = METHODS.iter().any(|(_, needed)| needed.contains(&scope.as_str()));
            let of_event = EVENTS.iter().any(|(_, needed)| *needed == Some(scope.as_str()));
            assert!(of_method || of_event || EXTRAS.contains(&scope.as_str()), "{scope}");
        }
    }
}

#[test]
fn every_event_is_known_and_has_its_scope() {
    for manifest in both() {
        let scopes = scopes(&manifest);
        for event in strings(&manifest["settings"]["event_subscriptions"]["bot_events"]) {
            let (_, needed) = EVENTS.iter().find(|(name, _)| *name == event).expect(&event);
            assert!(needed.is_none_or(|scope| scopes.contains(scope)), "{event}");
        }
    }
}

/// What is not somebody's doing tells how the app stands.
#[test]
fn no_event_is_subscribed_to_that_nobody_reads() {
    for event in strings(&both()[0]["settings"]["event_subscriptions"]["bot_events"]) {
        let is_deed = ["message.", "reaction_", "app_home_"].iter().any(|d| event.starts_with(d));
        let sent = serde_json::json!({"type": "event_callback", "event": {"type": event,
            "old_channel_id": "C1", "new_channel_id": "C2"}});
        let read = parse::parse_body(&sent);
        let is_read = matches!(read, SlackRequest::HealthEvent(_) | SlackRequest::Renamed { .. });
        assert!(is_deed || is_read, "{event}");
    }
}

#[test]
fn every_method_that_is_called_has_its_scopes() {
    let called: BTreeSet<String> = source::literals()
        .into_iter()
        .map(|(_, literal)| literal)
        .filter(|literal| is_method(literal))
        .collect();
    for manifest in both() {
        let scopes = scopes(&manifest);
        for method in &called {
            let (_, needed) = METHODS.iter().find(|(name, _)| name == method).expect(method);
            for scope in *needed {
                assert!(scopes.contains(*scope), "{method} needs {scope}");
            }
        }
    }
}

#[test]
fn manifests_keep_to_the_schema() {
    for manifest in both() {
        let mut keys = Vec::new();
        collect_keys(&manifest, String::new(), &mut keys);
        for key in keys {
            assert!(KEYS.contains(&key.as_str()), "{key}");
        }
        let shown = &manifest["display_information"];
        assert!(shown["name"].as_str().unwrap().chars().count() <= 35);
        assert!(shown["description"].as_str().unwrap().chars().count() <= 140);
        let bot = manifest["features"]["bot_user"]["display_name"].as_str().unwrap();
        assert!(bot.chars().count() <= 80);
    }
}

/// What has limits of its own (`slack.md` §E.1), and what the code answers to.
#[test]
fn commands_and_shortcuts_keep_to_the_schema() {
    for manifest in Language::ALL.map(|language| render(true, language)) {
        let features = &manifest["features"];
        let fits = |text: &Value, most: usize| {
            (1..=most).contains(&text.as_str().unwrap_or_default().chars().count())
        };
        for shortcut in features["shortcuts"].as_array().unwrap() {
            assert!(
                fits(&shortcut["name"], 24) && fits(&shortcut["description"], 150),
                "{shortcut}"
            );
            assert_eq!(shortcut["type"], "message");
            let id = shortcut["callback_id"].as_str().unwrap();
            assert!(
                ["claim", "close", "reply", "compose", "note", "send_note", "details", "comment"]
                    .contains(&id),
                "{id}"
            );
        }
        for command in features["slash_commands"].as_array().unwrap() {
            assert!(fits(&command["description"], 2000) && fits(&command["usage_hint"], 1000));
            assert_eq!(command["command"], "/blip");
        }
    }
}

/// Rotation cannot be switched off again, and the token of an installation is fixed.
#[test]
fn tokens_do_not_rotate() {
    for manifest in both() {
        assert_eq!(manifest["settings"]["token_rotation_enabled"], false);
    }
}

#[test]
fn the_two_differ_only_in_how_slack_reaches_the_bridge() {
    let [mut http, mut socket_mode] = both();
    let settings = http["settings"].as_object_mut().unwrap();
    settings["event_subscriptions"].as_object_mut().unwrap().remove("request_url").unwrap();
    let interactivity = settings["interactivity"].as_object_mut().unwrap();
    interactivity.remove("request_url").unwrap();
    interactivity.remove("message_menu_options_url").unwrap();
    assert_eq!(settings.remove("socket_mode_enabled").unwrap(), false);
    for command in http["features"]["slash_commands"].as_array_mut().unwrap() {
        command.as_object_mut().unwrap().remove("url").unwrap();
    }
    let settings = socket_mode["settings"].as_object_mut().unwrap();
    assert_eq!(settings.remove("socket_mode_enabled").unwrap(), true);
    assert_eq!(http, socket_mode);
}

/// Slack has one language of them for everybody.
#[test]
fn people_read_the_manifest_in_their_language() {
    for (language, names) in [
        (
            Language::PtBr,
            [
                "Assumir",
                "Finalizar",
                "Resposta pronta",
                "Mensagem interativa",
                "Manter como nota",
                "Enviar ao cliente",
                "Detalhes do ticket",
                "Comentário do contato",
            ],
        ),
        (
            Language::Es,
            [
                "Tomar",
                "Cerrar",
                "Respuesta predefinida",
                "Mensaje interactivo",
                "Dejar como nota",
                "Enviar al cliente",
                "Detalles del ticket",
                "Comentario del contacto",
            ],
        ),
    ] {
        let [english, translated] = [Language::En, language].map(|language| render(true, language));
        let features = &translated["features"];
        let shown: Vec<&str> = features["shortcuts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|shortcut| shortcut["name"].as_str().unwrap())
            .collect();
        assert_eq!(shown, names);
        for (place, text) in [("slash_commands", "usage_hint"), ("slash_commands", "description")] {
            let [before, after] = [&english, &translated].map(|it| &it["features"][place][0][text]);
            assert_ne!(before, after, "{text}");
        }
        for (before, after) in english["features"]["shortcuts"]
            .as_array()
            .unwrap()
            .iter()
            .zip(features["shortcuts"].as_array().unwrap())
        {
            assert_ne!(before["description"], after["description"]);
            assert_eq!(before["callback_id"], after["callback_id"]);
        }
    }
}

/// Over HTTP and in Socket Mode, in each language.
fn both() -> [Value; 2] {
    [false, true].map(|socket_mode| render(socket_mode, Language::En))
}

fn render(socket_mode: bool, language: Language) -> Value {
    let url = Some("https://bridge.loja.com");
    let text = manifest::render_manifest(socket_mode, url, language).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn scopes(manifest: &Value) -> BTreeSet<String> {
    strings(&manifest["oauth_config"]["scopes"]["bot"]).into_iter().collect()
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|entry| entry.as_str().unwrap().to_owned()).collect()
}

fn collect_keys(value: &Value, path: String, keys: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let dot = if path.is_empty() { "" } else { "." };
                collect_keys(value, format!("{path}{dot}{key}"), keys);
            }
        }
        _ => keys.push(path),
    }
}

/// Whether a literal is the name of a method of the Web API, and not of one of its hosts.
fn is_method(literal: &str) -> bool {
    const FAMILIES: &[&str] = &[
        "apps",
        "auth",
        "bots",
        "chat",
        "conversations",
        "dnd",
        "files",
        "reactions",
        "team",
        "usergroups",
        "users",
        "views",
    ];
    let mut parts = literal.split('.');
    let is_family = parts.next().is_some_and(|family| FAMILIES.contains(&family));
    let mut rest = parts.peekable();
    is_family
        && !literal.contains(".slack.")
        && rest.peek().is_some()
        && rest.all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphabetic()))
}
