//! Version 0.1.0 of the program, stopped in the middle of everything that it did: this version goes on
//! with what it finds in the tables of that time and at both platforms, repeats nothing, and what the
//! buttons of that time say still happens.
//!
//! The tables are those of `upgrade/0.1.0.sql`; [`old`] writes into them what that version wrote. Its
//! forms (lanes, keys, names of calls, jobs, ids, buttons) are spelled out here and never taken from
//! today's code: they are what must be understood for ever. The real program of 0.1.0 can be tried as
//! well: `UPGRADE_FROM` in `killed.rs`.

mod buttons;
mod old;

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::slack::Message;
use serde_json::{Value, json};

use crate::support::samples;
use old::{Fate, OldBridge, OldTicket};

/// Calls of Blip that change something, so far.
fn count_deeds(old: &OldBridge, what: &str) -> usize {
    old.bridge
        .blip
        .look(|state| state.calls.iter().filter(|call| call.method.contains(what)).count())
}

/// How often a word is on show in the channel.
fn count_words(old: &OldBridge, word: &str) -> usize {
    old.bridge.slack.look(|state| {
        let messages = state.channels[CHANNEL].messages.values();
        messages.filter(|message| message.words().contains(word)).count()
    })
}

/// A word of its own for each fate of a call, with which no other begins.
fn name_of(call: &str, fate: Fate) -> String {
    format!("{call}-{fate:?}.")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_that_were_under_way_are_there_once() {
    for same_boot in [true, false] {
        let mut old = OldBridge::begin(&[], same_boot).await;
        for fate in Fate::ALL {
            // A card.
            let opened = old.customer_opens(&name_of("card", fate)).await;
            let key = format!("t:default/{}:waiting", opened.id);
            let item = old.keep_item("blip", &opened.lane(), &key, &opened.body);
            let card = opened.card_blocks(false);
            let post = (None, opened.name.as_str(), card);
            let posted = old.post_as_it_was(fate, ("blip", &key, "card"), post).await;
            old.keep_call(item, fate, "card", Some(CHANNEL), &posted);
            // A customer's words.
            let ticket = old.held_ticket(&name_of("held", fate)).await;
            let words = name_of("words", fate);
            let (id, body) = old.customer_says(&ticket, &words).await;
            let key = format!("m:default/{}:{id}", ticket.id);
            let item = old.keep_item("blip", &ticket.lane(), &key, &body);
            let block = json!([{"type": "rich_text", "elements": [{"type": "rich_text_section",
                "elements": [{"type": "text", "text": words}]}]}]);
            let post = (Some(ticket.card.as_str()), words.as_str(), block);
            let posted = old.post_as_it_was(fate, ("blip", &key, "post:0"), post).await;
            old.keep_call(item, fate, "post:0", Some(CHANNEL), &posted);
        }
        old.upgrade().await;
        for fate in Fate::ALL {
            let cards = old.bridge.slack.cards(CHANNEL).into_iter();
            let cards = cards.filter(|card| card.words().contains(&name_of("card", fate)));
            let [card] = cards.collect::<Vec<_>>().try_into().unwrap();
            let words = count_words(&old, &name_of("words", fate));
            assert_eq!(words, 1, "{fate:?} {}", old.bridge.slack.transcript());
            // The card is live, whoever has posted it.
            old.bridge.slack.clicks(ANA, CHANNEL, &card.ts, "claim").await.unwrap();
            old.bridge.idle().await;
            let shown = old.bridge.slack.message(CHANNEL, &card.ts).unwrap();
            assert!(shown.buttons().iter().any(|b| b.action_id == "take_over"), "{shown:?}");
        }
        old.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_being_done_at_blip_is_done_once() {
    for same_boot in [true, false] {
        let mut old = OldBridge::begin(&[], same_boot).await;
        let mut tickets: Vec<[OldTicket; 5]> = Vec::new();
        for fate in Fate::ALL {
            let replied = old.held_ticket(&name_of("replied", fate)).await;
            leave_reply_under_way(&mut old, &replied, fate).await;
            let claimed = old.waiting_ticket(&name_of("claimed", fate)).await;
            let set =
                json!({"id": claimed.id, "status": "Open", "agentIdentity": old::ANA_AT_BLIP});
            leave_reaction_under_way(&mut old, &claimed, ("eyes", "open"), (fate, set)).await;
            let closed = old.held_ticket(&name_of("closed", fate)).await;
            let set = json!({"id": closed.id, "status": "ClosedAttendant"});
            let gesture = ("white_check_mark", "close");
            leave_reaction_under_way(&mut old, &closed, gesture, (fate, set)).await;
            let tagged = old.held_ticket(&name_of("tagged", fate)).await;
            leave_tags_under_way(&mut old, &tagged, fate).await;
            let handed = old.held_ticket(&name_of("handed", fate)).await;
            leave_transfer_under_way(&mut old, &handed, fate).await;
            tickets.push([replied, claimed, closed, tagged, handed]);
        }
        let moves = ["set /tickets/change-status", "/change-tags", "/transfer"];
        let before = moves.map(|what| count_deeds(&old, what));
        old.upgrade().await;
        let made = moves.map(|what| count_deeds(&old, what));
        // A claim and a close, a change of tags and a transfer, of those that were lost only.
        assert_eq!(made, [before[0] + 2, before[1] + 1, before[2] + 1]);
        for (fate, [replied, claimed, closed, tagged, handed]) in Fate::ALL.iter().zip(tickets) {
            let at_blip = |ticket: &OldTicket| old.bridge.blip.ticket(&ticket.id).unwrap();
            assert_eq!(old.bridge.received(&replied.id), ["reply"], "{fate:?}");
            assert_eq!(at_blip(&claimed).agent.as_deref(), Some(old::ANA_AT_BLIP), "{fate:?}");
            assert!(at_blip(&closed).is_closed(), "{fate:?}");
            assert_eq!(at_blip(&tagged).tags, ["Pix"], "{fate:?}");
            assert_eq!(at_blip(&handed).status, "Transferred", "{fate:?}");
            let said = old.thread_of(&handed);
            let goes_on = said.iter().filter(|words| words.contains("continues here"));
            assert_eq!(goes_on.count(), 1, "{fate:?}: {said:#?}");
            let card = old.bridge.slack.message(CHANNEL, &closed.card).unwrap();
            assert!(card.words().contains("closed by"), "{fate:?}: {}", card.words());
        }
        old.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_were_under_way_behind_a_move_are_there_once() {
    for same_boot in [true, false] {
        let mut old = OldBridge::begin(&[], same_boot).await;
        let mut tickets = Vec::new();
        for fate in Fate::ALL {
            let ticket = old.waiting_ticket(&name_of("claimed", fate)).await;
            leave_claim_line_under_way(&mut old, &ticket, (fate, true)).await;
            tickets.push(ticket);
        }
        if !same_boot {
            // The machine may have lost what was on record.
            let ticket = old.waiting_ticket("unrecorded").await;
            leave_claim_line_under_way(&mut old, &ticket, (Fate::Made, false)).await;
            tickets.push(ticket);
        }
        // One whose line had not begun.
        let ticket = old.waiting_ticket("unsaid").await;
        let set = json!({"id": ticket.id, "status": "Open", "agentIdentity": old::ANA_AT_BLIP});
        leave_reaction_under_way(&mut old, &ticket, ("eyes", "open"), (Fate::Noted, set)).await;
        tickets.push(ticket);
        old.upgrade().await;
        for ticket in &tickets {
            let said = old.thread_of(ticket);
            let claims = said.iter().filter(|words| words.contains("claimed this ticket"));
            assert_eq!(claims.count(), 1, "{}: {said:#?}", ticket.name);
        }
        old.finish().await;
    }
}

/// A claim whose line in the thread was under way, and whether that is on record.
async fn leave_claim_line_under_way(
    old: &mut OldBridge,
    ticket: &OldTicket,
    (fate, is_recorded): (Fate, bool),
) {
    let body = old.agent_reacts(ticket, "eyes").await;
    let event: Value = serde_json::from_str(&body).unwrap();
    let at = event["event"]["event_ts"].as_str().unwrap();
    let key = format!("r:{CHANNEL}:{}:{ANA}:+eyes:{at}", ticket.card);
    let item = old.keep_item("slack", &ticket.lane(), &key, &body);
    let set = json!({"id": ticket.id, "status": "Open", "agentIdentity": old::ANA_AT_BLIP});
    old.command_blip("/tickets/change-status", &set).await;
    old.keep_call(item, Fate::Noted, "open", None, &Value::Null);
    let words = "Ana Lima claimed this ticket";
    let block = json!([{"type": "rich_text", "elements": [{"type": "rich_text_section",
        "elements": [{"type": "text", "text": words}]}]}]);
    let post = (Some(ticket.card.as_str()), words, block);
    let posted = old.post_as_it_was(fate, ("slack", &key, "claimed"), post).await;
    if is_recorded {
        old.keep_call(item, fate, "claimed", Some(CHANNEL), &posted);
    }
}

/// An agent's reply that was on its way to the customer.
async fn leave_reply_under_way(old: &mut OldBridge, ticket: &OldTicket, fate: Fate) {
    let (ts, body) = old.agent_says(ticket, "reply").await;
    let key = format!("m:{CHANNEL}:{ts}");
    let item = old.keep_item("slack", &ticket.lane(), &key, &body);
    let id = old::derive_id(&format!("{CHANNEL}:{ts}:0"));
    if fate.took_effect() {
        let message =
            json!({"id": id, "to": ticket.address, "type": "text/plain", "content": "reply"});
        old.ask_blip("messages", &message).await;
    }
    old.keep_call(item, fate, "send:0", None, &Value::Null);
}

/// A reaction to a card whose move was under way.
async fn leave_reaction_under_way(
    old: &mut OldBridge,
    ticket: &OldTicket,
    (reaction, call): (&str, &str),
    (fate, resource): (Fate, Value),
) {
    let body = old.agent_reacts(ticket, reaction).await;
    let event: Value = serde_json::from_str(&body).unwrap();
    let at = event["event"]["event_ts"].as_str().unwrap();
    let key = format!("r:{CHANNEL}:{}:{ANA}:+{reaction}:{at}", ticket.card);
    let item = old.keep_item("slack", &ticket.lane(), &key, &body);
    if fate.took_effect() {
        old.command_blip("/tickets/change-status", &resource).await;
    }
    old.keep_call(item, fate, call, None, &Value::Null);
}

async fn leave_tags_under_way(old: &mut OldBridge, ticket: &OldTicket, fate: Fate) {
    let option = json!({"text": {"type": "plain_text", "text": "Pix"}, "value": "Pix"});
    let element = json!({"type": "multi_external_select", "action_id": "tags",
        "min_query_length": 0});
    let values = json!({"tags": {"tags": {
        "type": "multi_external_select", "selected_options": [option]}}});
    let body = old.agent_submits(ticket, ("tags", "tags"), (element, values)).await;
    let item = old.keep_submission(ticket, &body);
    if fate.took_effect() {
        let uri = format!("/tickets/{}/change-tags", ticket.id);
        old.command_blip(&uri, &json!({"id": ticket.id, "tags": ["Pix"]})).await;
    }
    old.keep_call(item, fate, "tag", None, &Value::Null);
}

async fn leave_transfer_under_way(old: &mut OldBridge, ticket: &OldTicket, fate: Fate) {
    let option = json!({"text": {"type": "plain_text", "text": "Vendas"}, "value": "team:Vendas"});
    let element =
        json!({"type": "external_select", "action_id": "destination", "min_query_length": 0});
    let values = json!({"destination": {"destination": {
        "type": "external_select", "selected_option": option}}});
    let body = old.agent_submits(ticket, ("transfer", "destination"), (element, values)).await;
    let item = old.keep_submission(ticket, &body);
    let mut follower = Value::Null;
    if fate.took_effect() {
        let uri = format!("/tickets/{}/transfer", ticket.id);
        follower = old.command_blip(&uri, &json!({"team": "Vendas"})).await;
    }
    old.keep_call(item, fate, "transfer", None, &follower);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_handed_to_slack_is_shown_once() {
    let mut old = OldBridge::begin(&[], true).await;
    let mut tickets = Vec::new();
    for fate in Fate::ALL {
        let ticket = old.held_ticket(&name_of("file", fate)).await;
        let png = samples::png();
        let sent = old.bridge.blip.sends_file(&ticket.id, ("a.png", "image/png"), &png, None).await;
        let id = sent.unwrap().id;
        let body = old.find_heard(&[&id]);
        let key = format!("m:default/{}:{}", ticket.id, old::bare_id(&id));
        let item = old.keep_item("blip", &ticket.lane(), &key, &body);
        let file = old.upload_file("a.png", &png).await;
        old.keep_call(item, Fate::Noted, &upload_of(&ticket), None, &json!([file, "a.png"]));
        let mut shown = Value::Null;
        if fate.took_effect() {
            shown = old.show_file(&ticket, &file).await;
        }
        old.keep_call(item, fate, &format!("file:0@{}", ticket.card), Some(CHANNEL), &shown);
        tickets.push(ticket);
    }
    old.upgrade().await;
    for ticket in &tickets {
        let thread = old.bridge.slack.thread(CHANNEL, &ticket.card);
        let files = thread.iter().flat_map(|message| &message.files).count();
        assert_eq!(files, 1, "{}: {}", ticket.name, old.bridge.slack.transcript());
    }
    old.finish().await;
}

fn upload_of(ticket: &OldTicket) -> String {
    format!("upload-file:0@{}", ticket.card)
}

/// A job about a ticket, as it was stored.
fn build_job(kind: &str, ticket: &OldTicket, more: Value) -> Value {
    let mut job = more;
    job["chore"] = kind.into();
    job["ticket"] = ticket.full_id().into();
    job
}

/// Jobs about the card and the messages of a ticket; returns a note that is to be marked.
async fn leave_jobs_about_messages(old: &mut OldBridge, held: &OldTicket) -> String {
    let (full, card) = (held.full_id(), &held.card);
    let job = build_job("card", held, json!({}));
    old.keep_job(&format!("own:card:{CHANNEL}:{card}"), &format!("card:{full}:2"), &job);
    let note = old.agent_notes(held).await;
    let mark = json!({"chore": "mark", "channel": CHANNEL, "ts": note, "name": "lock",
        "droppable": false, "off": false});
    let lane = format!("own:mark:{CHANNEL}:{note}");
    old.keep_job(&lane, &format!("mark:{CHANNEL}:{note}:lock"), &mark);
    let job = build_job("context", held, json!({}));
    old.keep_job(&format!("own:context:{full}"), &format!("context:{full}"), &job);
    for (kind, more, rest) in [
        ("window", json!({}), "1785862920000"),
        ("waits", json!({"since": old.now}), "1785862920001"),
        ("delivery", json!({"message": "a-1", "looks": 0}), "0"),
    ] {
        let key = format!("{kind}:{full}:{rest}");
        old.keep_job(&format!("own:later:{key}"), &key, &build_job(kind, held, more));
    }
    // What a customer said, of which Blip was to be told that it was shown.
    let (_, body) = old.customer_says(held, "Alô?").await;
    let said: Value = serde_json::from_str(&body).unwrap();
    let seen = json!({"address": said["from"], "messages": [said["id"]]});
    let key = format!("seen:{full}:{}", said["id"].as_str().unwrap());
    old.keep_job(&format!("own:seen:{full}"), &key, &build_job("seen", held, seen));
    note
}

/// Replies that were held, before and after their time had come.
async fn leave_held_replies(old: &mut OldBridge, held: &OldTicket) {
    for (kind, lane) in
        [("send", held.lane()), ("hold", format!("own:later:hold:{}", held.full_id()))]
    {
        let (ts, _) = old.agent_says(held, kind).await;
        old.keep_handled(held, &ts);
        old.keep_link(&ts, held, ("held", Some(ANA)), None);
        let more = json!({"channel": CHANNEL, "ts": ts, "user": ANA});
        let job = build_job(kind, held, more);
        old.keep_job(&lane, &format!("{kind}:{CHANNEL}:{ts}"), &job);
    }
}

/// A ticket that nobody has claimed, of which people were to be reminded, and Bia to be told.
fn leave_notices(old: &mut OldBridge, waiting: &OldTicket) {
    let since = old.now - 360_000;
    let more = json!({"about": "unclaimed", "since": since, "round": 0});
    let key = format!("remind:{}:Unclaimed:{since}:0", waiting.full_id());
    old.keep_job(&format!("own:later:{key}"), &key, &build_job("remind", waiting, more));
    let more = json!({"to": old::BIA_AT_BLIP, "name": "Bia Souza", "by": "Ana Lima"});
    let key = format!("handed:{}", waiting.full_id());
    old.keep_job(&format!("own:{key}"), &key, &build_job("handed", waiting, more));
}

/// A ticket that ended at Blip without a word, one whose thread was deleted, and one with a gap.
async fn leave_comparisons(old: &mut OldBridge) -> [OldTicket; 3] {
    let ended = old.held_ticket("Rui").await;
    old.bridge.blip.closes_silently(&ended.id, "ClosedClient").unwrap();
    let job = build_job("check", &ended, json!({}));
    old.keep_job(&ended.lane(), &format!("check:{}", ended.full_id()), &job);
    let lost = old.held_ticket("Lia").await;
    old.bridge.slack.deletes(ANA, CHANNEL, &lost.card).await.unwrap();
    let job = build_job("move", &lost, json!({"root": lost.card, "with_channel": false}));
    old.keep_job(&lost.lane(), &format!("move:{}:{}", lost.full_id(), lost.card), &job);
    let missed = old.held_ticket("Eva").await;
    old.agent_says(&missed, "missed").await;
    let key = format!("catch-up:{}", missed.full_id());
    old.keep_job(&format!("own:{key}"), &key, &build_job("catch_up", &missed, json!({})));
    [ended, lost, missed]
}

/// A reply that was parked, of which people were to be told.
async fn leave_parked(old: &mut OldBridge, held: &OldTicket) {
    let (ts, body) = old.agent_says(held, "parked").await;
    let key = format!("m:{CHANNEL}:{ts}");
    let parked = old.keep_parked(&held.lane(), &key, &body);
    let job = json!({"chore": "parked", "item": parked, "by_agent": true, "key": key,
        "lane": held.lane(), "reason": "refused: 400"});
    let key = format!("parked:{parked}:{}", old.now);
    old.keep_job(&format!("own:{key}"), &key, &job);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_every_kind_are_done() {
    let settings = [("REMIND_UNCLAIMED_MINUTES", "5"), ("CONTEXT_MESSAGES", "5")];
    let mut old = OldBridge::begin(&settings, true).await;
    let held = old.held_ticket("Maria").await;
    let note = leave_jobs_about_messages(&mut old, &held).await;
    leave_held_replies(&mut old, &held).await;
    let waiting = old.waiting_ticket("Rosa").await;
    leave_notices(&mut old, &waiting);
    let [ended, _lost, missed] = leave_comparisons(&mut old).await;
    leave_parked(&mut old, &held).await;

    old.upgrade().await;
    let bridge = &old.bridge;
    let told = format!("{}\n{}", bridge.slack.transcript(), bridge.blip.transcript());
    assert!(!bridge.slack.message(CHANNEL, &note).unwrap().reacted("lock").is_empty(), "{told}");
    bridge.until("the held replies", || bridge.received(&held.id).len() >= 2).await;
    let mut received = bridge.received(&held.id);
    received.sort();
    assert_eq!(received, ["hold", "send"], "{told}");
    assert_eq!(bridge.received(&missed.id), ["missed"], "{told}");
    assert!(bridge.blip.receipts().iter().any(|(_, event)| event == "consumed"), "{told}");
    for (ticket, words) in [
        (&waiting, "handed this ticket to you"),
        (&ended, "Closed by the customer"),
        (&held, "was not sent to the customer"),
    ] {
        let said = old.thread_of(ticket);
        assert_eq!(said.iter().filter(|it| it.contains(words)).count(), 1, "{words}: {said:#?}");
    }
    bridge.until("a reminder", || count_words(&old, "nobody has claimed it") == 1).await;
    assert_eq!(count_words(&old, "thread was deleted"), 1, "{told}");
    let cards = bridge.slack.cards(CHANNEL);
    assert_eq!(cards.iter().filter(|card| card.words().contains("Lia")).count(), 1, "{told}");
    // The parked reply goes out when somebody presses the button.
    let thread = bridge.slack.thread(CHANNEL, &held.card);
    let has_retry =
        |line: &&Message| line.buttons().iter().any(|button| button.action_id == "retry");
    let line = thread.iter().find(has_retry).unwrap();
    bridge.slack.clicks(BIA, CHANNEL, &line.ts, "retry").await.unwrap();
    bridge.idle().await;
    assert!(bridge.received(&held.id).contains(&"parked".to_owned()), "{told}");
    old.finish().await;
}
