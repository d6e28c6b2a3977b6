//! What Block Kit allows (slack.md §C.1): unknown or oversized blocks are refused.

use std::collections::BTreeSet;

use serde_json::Value;

/// Where blocks are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surface {
    /// A message.
    Message,
    /// A modal.
    Modal,
    /// A home tab.
    Home,
}

type Check = Result<(), String>;

/// Checks a list of blocks; the error says which rule is broken where.
pub(super) fn check(blocks: &[Value], surface: Surface) -> Check {
    let most = if surface == Surface::Message { 50 } else { 100 };
    if blocks.len() > most {
        return Err(format!("{} blocks, at most {most}", blocks.len()));
    }
    let mut ids = BTreeSet::new();
    for (at, block) in blocks.iter().enumerate() {
        check_block(block, surface).map_err(|why| format!("block {at}: {why}"))?;
        if let Some(id) = optional_text(block, "block_id", 255)?
            && !ids.insert(id)
        {
            return Err(format!("block {at}: block_id {id:?} is used twice"));
        }
    }
    Ok(())
}

fn check_block(block: &Value, surface: Surface) -> Check {
    match kind(block)? {
        "section" => section(block),
        "header" => text_object(&block["text"], &["plain_text"], 150),
        "divider" => Ok(()),
        "context" => context(block),
        "actions" => actions(block),
        "image" => image(block),
        "rich_text" => rich_text(block),
        "markdown" if surface == Surface::Message => required_text(block, "text", 12_000),
        "input" if surface != Surface::Message => input(block),
        other => Err(format!("a block of type {other:?} does not belong here")),
    }
}

fn section(block: &Value) -> Check {
    let fields = items(block, "fields", 10)?;
    if block["text"].is_null() && fields.is_empty() {
        return Err("section without text or fields".to_owned());
    }
    if !block["text"].is_null() {
        text_object(&block["text"], BOTH, 3_000)?;
    }
    fields.iter().try_for_each(|field| text_object(field, BOTH, 2_000))?;
    match block.get("accessory") {
        Some(element) if kind(element)? == "image" => image(element),
        Some(element) => interactive(element),
        None => Ok(()),
    }
}

fn context(block: &Value) -> Check {
    let elements = filled(block, "elements", 10)?;
    elements.iter().try_for_each(|element| match kind(element)? {
        "image" => image(element),
        _ => text_object(element, BOTH, 3_000),
    })
}

fn actions(block: &Value) -> Check {
    let elements = filled(block, "elements", 25)?;
    let mut ids = BTreeSet::new();
    for element in elements {
        interactive(element)?;
        if let Some(id) = optional_text(element, "action_id", 255)?
            && !ids.insert(id)
        {
            return Err(format!("action_id {id:?} is used twice"));
        }
    }
    Ok(())
}

fn input(block: &Value) -> Check {
    text_object(&block["label"], &["plain_text"], 2_000)?;
    if !block["hint"].is_null() {
        text_object(&block["hint"], &["plain_text"], 2_000)?;
    }
    interactive(&block["element"])
}

fn interactive(element: &Value) -> Check {
    optional_text(element, "action_id", 255)?;
    if !element["placeholder"].is_null() {
        text_object(&element["placeholder"], &["plain_text"], 150)?;
    }
    match kind(element)? {
        "button" => button(element),
        "overflow" => options(element, 5),
        "checkboxes" | "radio_buttons" => {
            options(element, 10)?;
            initial_options(element)
        }
        "static_select" | "multi_static_select" => select(element),
        "plain_text_input" => optional_text(element, "initial_value", 3_000).map(drop),
        "multi_external_select" => {
            items(element, "initial_options", 100)?.iter().try_for_each(option)
        }
        "users_select"
        | "conversations_select"
        | "channels_select"
        | "external_select"
        | "multi_users_select"
        | "datepicker"
        | "timepicker"
        | "email_text_input"
        | "number_input"
        | "url_text_input"
        | "file_input"
        | "rich_text_input" => Ok(()),
        other => Err(format!("unknown element {other:?}")),
    }
}

fn button(element: &Value) -> Check {
    text_object(&element["text"], &["plain_text"], 75)?;
    optional_text(element, "value", 2_000)?;
    optional_text(element, "url", 3_000)?;
    match element["style"].as_str() {
        None if element["style"].is_null() => Ok(()),
        Some("primary" | "danger") => Ok(()),
        _ => Err(format!("unknown style {}", element["style"])),
    }?;
    match element.get("confirm") {
        Some(confirm) => confirmation(confirm),
        None => Ok(()),
    }
}

fn confirmation(confirm: &Value) -> Check {
    text_object(&confirm["title"], &["plain_text"], 100)?;
    text_object(&confirm["text"], BOTH, 300)?;
    text_object(&confirm["confirm"], &["plain_text"], 30)?;
    text_object(&confirm["deny"], &["plain_text"], 30)
}

fn select(element: &Value) -> Check {
    if element["option_groups"].is_null() {
        return options(element, 100);
    }
    items(element, "option_groups", 100)?.iter().try_for_each(|group| {
        text_object(&group["label"], &["plain_text"], 75)?;
        options(group, 100)
    })
}

fn options(element: &Value, most: usize) -> Check {
    filled(element, "options", most)?.iter().try_for_each(option)
}

/// What is ticked to begin with is of the options, and not an empty list.
fn initial_options(element: &Value) -> Check {
    let Some(ticked) = element.get("initial_options") else { return Ok(()) };
    let options = element["options"].as_array().map_or(&[][..], Vec::as_slice);
    let ticked = ticked.as_array().filter(|ticked| !ticked.is_empty());
    let ticked = ticked.ok_or("initial_options is empty")?;
    let is_known = ticked.iter().all(|option| options.contains(option));
    if is_known { Ok(()) } else { Err("initial_options has others than options".to_owned()) }
}

fn option(option: &Value) -> Check {
    text_object(&option["text"], BOTH, 75)?;
    if let Some(description) = option.get("description") {
        text_object(description, &["plain_text"], 75)?;
    }
    required_text(option, "value", 150)
}

/// Checks the options with which our app fills a list; there may be none.
pub(super) fn check_options(options: &[Value]) -> Check {
    if options.len() > 100 {
        return Err(format!("{} options, at most 100", options.len()));
    }
    options.iter().try_for_each(option)
}

fn image(block: &Value) -> Check {
    if block["image_url"].is_null() == block["slack_file"].is_null() {
        return Err("image needs image_url or slack_file".to_owned());
    }
    required_text(block, "alt_text", 2_000)
}

fn rich_text(block: &Value) -> Check {
    filled(block, "elements", 500)?.iter().try_for_each(|part| match kind(part)? {
        "rich_text_section" | "rich_text_quote" | "rich_text_preformatted" => runs(part),
        "rich_text_list" => {
            if !matches!(part["style"].as_str(), Some("bullet" | "ordered")) {
                return Err("rich_text_list needs a style".to_owned());
            }
            filled(part, "elements", 500)?.iter().try_for_each(runs)
        }
        other => Err(format!("unknown part of rich text {other:?}")),
    })
}

fn runs(part: &Value) -> Check {
    items(part, "elements", 5_000)?.iter().try_for_each(|run| {
        let needs = match kind(run)? {
            "text" => "text",
            "emoji" => "name",
            "link" => "url",
            "user" => "user_id",
            "channel" => "channel_id",
            "usergroup" => "usergroup_id",
            "broadcast" => "range",
            "color" => "value",
            "team" => "team_id",
            "date" => return Ok(()),
            other => return Err(format!("unknown run of rich text {other:?}")),
        };
        required_text(run, needs, 40_000)
    })
}

const BOTH: &[&str] = &["plain_text", "mrkdwn"];

fn text_object(object: &Value, kinds: &[&str], most: usize) -> Check {
    if !kinds.contains(&kind(object)?) {
        return Err(format!("text must be one of {kinds:?}: {object}"));
    }
    required_text(object, "text", most)
}

fn kind(object: &Value) -> Result<&str, String> {
    object["type"].as_str().ok_or_else(|| format!("no type: {object}"))
}

fn required_text(object: &Value, key: &str, most: usize) -> Check {
    match optional_text(object, key, most)? {
        Some(text) if !text.is_empty() => Ok(()),
        _ => Err(format!("{key} is missing or empty")),
    }
}

fn optional_text<'a>(object: &'a Value, key: &str, most: usize) -> Result<Option<&'a str>, String> {
    match object.get(key) {
        None => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= most => Ok(Some(text)),
        Some(Value::String(_)) => Err(format!("{key} is longer than {most}")),
        Some(_) => Err(format!("{key} is not a string")),
    }
}

fn items<'a>(object: &'a Value, key: &str, most: usize) -> Result<&'a [Value], String> {
    match object.get(key) {
        None => Ok(&[]),
        Some(Value::Array(items)) if items.len() <= most => Ok(items),
        Some(Value::Array(_)) => Err(format!("more than {most} {key}")),
        Some(_) => Err(format!("{key} is not a list")),
    }
}

fn filled<'a>(object: &'a Value, key: &str, most: usize) -> Result<&'a [Value], String> {
    let items = items(object, key, most)?;
    if items.is_empty() { Err(format!("no {key}")) } else { Ok(items) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(length: usize) -> Value {
        json!({ "type": "mrkdwn", "text": "x".repeat(length) })
    }

    fn button(id: &str, label: usize, value: usize) -> Value {
        json!({ "type": "button", "action_id": id, "value": "v".repeat(value),
                "text": { "type": "plain_text", "text": "x".repeat(label) } })
    }

    #[test]
    fn blocks_at_their_limits_are_allowed_and_beyond_them_refused() {
        let section = |length| json!([{ "type": "section", "text": text(length) }]);
        let row = |elements: Value| json!([{ "type": "actions", "elements": elements }]);
        let many =
            |count: usize| (0..count).map(|n| button(&n.to_string(), 1, 1)).collect::<Value>();
        let header = |length: usize| {
            json!([{ "type": "header",
            "text": { "type": "plain_text", "text": "x".repeat(length) } }])
        };
        let context =
            |count: usize| json!([{ "type": "context", "elements": vec![text(1); count] }]);
        for (good, bad) in [
            (section(3_000), section(3_001)),
            (section(1), section(0)),
            (header(150), header(151)),
            (header(1), json!([{ "type": "header", "text": text(1) }])),
            (context(10), context(11)),
            (row(many(25)), row(many(26))),
            (row(json!([button("a", 75, 2_000)])), row(json!([button("a", 76, 1)]))),
            (row(json!([button("a", 1, 1)])), row(json!([button("a", 1, 2_001)]))),
            (
                row(json!([button("a", 1, 1), button("b", 1, 1)])),
                row(json!([button("a", 1, 1), button("a", 1, 1)])),
            ),
            (json!([{ "type": "divider" }]), json!([{ "type": "dividre" }])),
            (
                json!(vec![json!({ "type": "divider" }); 50]),
                json!(vec![json!({ "type": "divider" }); 51]),
            ),
            (
                json!([{ "type": "divider", "block_id": "a" }]),
                json!([{ "type": "divider", "block_id": "a" }, { "type": "divider", "block_id": "a" }]),
            ),
            (
                json!([{ "type": "rich_text", "elements": [{ "type": "rich_text_section",
                "elements": [{ "type": "text", "text": "a" }] }] }]),
                json!([{ "type": "rich_text", "elements": [{ "type": "rich_text_section",
                "elements": [{ "type": "text" }] }] }]),
            ),
        ] {
            let good = good.as_array().unwrap();
            assert_eq!(check(good, Surface::Message), Ok(()), "{good:?}");
            let bad = bad.as_array().unwrap();
            assert!(check(bad, Surface::Message).is_err(), "{bad:?}");
        }
    }
}
