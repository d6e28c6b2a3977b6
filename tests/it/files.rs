//! Files in both directions: the same bytes on both sides, or a plain word why not.

use std::time::Duration;

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{File, Message};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::Bridge;
use crate::support::samples;

const MEDIA_LINK: &str = "application/vnd.lime.media-link+json";

/// The files in a ticket's thread, in order.
fn files(bridge: &Bridge, card: &Message) -> Vec<File> {
    let ids: Vec<String> = bridge.replies(card).into_iter().flat_map(|m| m.files).collect();
    bridge.slack.look(|state| ids.iter().map(|id| state.files[id].clone()).collect())
}

/// A ticket that an agent holds, so that Blip passes on what the customer says.
async fn open_ticket(bridge: &Bridge) -> (String, Message) {
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    // The lane towards Slack tells it by a job of its own: what a customer says meanwhile may come first.
    bridge.until("the claim", || bridge.said(&card).len() == 1).await;
    (ticket, card)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customers_files_stand_in_the_thread_byte_for_byte_and_in_order() {
    let bridge = Bridge::start().await;
    let (ticket, card) = open_ticket(&bridge).await;
    let mut sent = samples::all();
    let large = samples::bytes(samples::megabytes() << 20);
    sent.push(("grande.zip", "application/zip", large));
    for (name, mime, bytes) in &sent {
        bridge.blip.sends_file(&ticket, (name, mime), bytes, None).await.unwrap();
    }
    bridge.blip.says(&ticket, "São essas").await.unwrap();
    bridge.idle().await;
    let shown = files(&bridge, &card);
    for ((name, _, bytes), file) in sent.iter().zip(&shown) {
        assert_eq!((&file.name, &file.title), (&(*name).to_owned(), &(*name).to_owned()));
        assert!(file.bytes.as_ref() == Some(bytes), "{name} is not the same");
    }
    assert_eq!(shown.len(), sent.len());
    assert!(bridge.said(&card).last().unwrap().ends_with("São essas"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voice_note_has_a_name_that_plays_and_its_caption_takes_no_effect() {
    let bridge = Bridge::start().await;
    let (ticket, card) = open_ticket(&bridge).await;
    let ogg = samples::ogg();
    let uri = bridge.blip.hosts("application/octet-stream", &ogg);
    let voice = json!({"type": "voice/ogg", "uri": uri, "text": "*ouça* <!channel> <@U0ANA>"});
    bridge.blip.sends(&ticket, MEDIA_LINK, voice).await.unwrap();
    bridge.idle().await;
    let [file] = files(&bridge, &card).try_into().unwrap();
    assert_eq!(file.name, "audio.ogg");
    let message = bridge.replies(&card).pop().unwrap();
    let words = message.words();
    assert!(
        words.contains("Maria Silva") && words.contains("*ouça* <!channel> <@U0ANA>"),
        "{words}"
    );
    let elements = &message.blocks[0]["elements"][0]["elements"];
    assert!(elements.as_array().unwrap().iter().all(|run| run["type"] == "text"), "{elements}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_has_run_out_is_refreshed_once() {
    let bridge = Bridge::start().await;
    let (ticket, card) = open_ticket(&bridge).await;
    let png = samples::png();
    let uri = bridge.blip.hosts("image/png", &png);
    bridge.blip.expires_media();
    let content = json!({"type": "image/png", "uri": uri, "title": "nota.png"});
    bridge.blip.sends(&ticket, MEDIA_LINK, content.clone()).await.unwrap();
    bridge.idle().await;
    let [file] = files(&bridge, &card).try_into().unwrap();
    assert!(file.bytes == Some(png));
    bridge.blip.expires_media();
    bridge.blip.faults().from_now("/commands set /refresh-media-uri", Fault::Code("67".into()));
    bridge.blip.sends(&ticket, MEDIA_LINK, content).await.unwrap();
    bridge.idle().await;
    assert_eq!(files(&bridge, &card).len(), 1);
    let said = bridge.said(&card).pop().unwrap();
    assert!(said.contains("nota.png") && said.contains("no longer works"), "{said}");
    bridge.blip.faults().clear();
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_too_large_or_not_to_be_had_becomes_a_preview_or_words() {
    let bridge = Bridge::with(&[("MEDIA_MAX_MB", "1")]).await;
    let (ticket, card) = open_ticket(&bridge).await;
    let large = vec![7; (1 << 20) + 1];
    let (sized, unsized_) =
        (bridge.blip.hosts("video/mp4", &large), bridge.blip.hosts("video/mp4", &large));
    let unsized_ = format!("{unsized_}&unsized=1");
    let page = bridge.blip.hosts("text/html", b"<!DOCTYPE html><html>");
    let preview = bridge.blip.hosts("image/png", &samples::png());
    for (content, expected) in [
        (json!({"type": "video/mp4", "uri": sized, "title": "festa.mp4"}), "larger than 1 MB"),
        (json!({"type": "video/mp4", "uri": unsized_}), "larger than 1 MB"),
        (json!({"type": "image/png", "uri": page}), "web page"),
        (json!({"type": "image/png", "uri": "file://C:/foto.png"}), "cannot be opened"),
        (json!({"type": "image/png", "uri": "https://10.0.0.1/foto.png"}), "not a public one"),
        (json!({"type": "image/png", "uri": "http://169.254.169.254/latest"}), "cannot be opened"),
        (
            json!({"type": "image/png", "uri": bridge.blip.leads_to("https://192.168.0.1/a")}),
            "cannot be opened",
        ),
        (
            json!({"type": "image/png", "uri": bridge.blip.leads_to("http://[::ffff:10.0.0.1]/a")}),
            "cannot be opened",
        ),
        (json!({"type": "text/plain", "uri": bridge.blip.hosts("text/plain", b"")}), "empty"),
    ] {
        bridge.blip.sends(&ticket, MEDIA_LINK, content.clone()).await.unwrap();
        bridge.idle().await;
        let said = bridge.said(&card).pop().unwrap();
        assert!(said.contains(expected), "{content}: {said}");
    }
    assert!(files(&bridge, &card).is_empty());
    let content =
        json!({"type": "video/mp4", "uri": sized, "title": "festa.mp4", "previewUri": preview});
    bridge.blip.sends(&ticket, MEDIA_LINK, content).await.unwrap();
    bridge.idle().await;
    let [file] = files(&bridge, &card).try_into().unwrap();
    assert!(file.bytes == Some(samples::png()));
    let said = bridge.said(&card).pop().unwrap();
    assert!(said.contains("festa.mp4") && said.contains("larger than 1 MB"), "{said}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_shown_once_whatever_happens_to_the_answers() {
    for (pattern, fault) in [
        ("files.completeUploadExternal", Fault::LostAnswer),
        ("files.completeUploadExternal", Fault::LostAnswer500),
        ("files.completeUploadExternal", Fault::Garbage),
        ("files.completeUploadExternal", Fault::Reset),
        ("files.completeUploadExternal", Fault::RateLimited { retry_after: 0 }),
        ("files.completeUploadExternal", Fault::Code("file_not_found".into())),
        ("files.getUploadURLExternal", Fault::LostAnswer),
        ("upload", Fault::LostAnswer),
        ("upload", Fault::Reset),
        ("files.info", Fault::Status(500)),
    ] {
        let bridge = Bridge::start().await;
        let (ticket, card) = open_ticket(&bridge).await;
        bridge.slack.faults().next(pattern, fault.clone());
        let png = samples::png();
        bridge.blip.sends_file(&ticket, ("a.png", "image/png"), &png, Some("veja")).await.unwrap();
        bridge.blip.says(&ticket, "viu?").await.unwrap();
        bridge.idle().await;
        // The first line tells who has claimed the ticket.
        let said = bridge.said(&card).split_off(1);
        assert!(bridge.slack.faults().are_spent(), "{pattern}");
        assert_eq!(said.len(), 2, "{pattern} {fault:?}: {said:?}");
        assert!(said[0].ends_with("veja") && said[1].ends_with("viu?"), "{said:?}");
        assert_eq!(files(&bridge, &card).len(), 1);
        bridge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_slack_does_not_take_is_told_with_its_link() {
    let bridge = Bridge::start().await;
    let (ticket, card) = open_ticket(&bridge).await;
    bridge
        .slack
        .faults()
        .from_now("files.getUploadURLExternal", Fault::Code("missing_scope".into()));
    bridge.blip.sends_file(&ticket, ("a.png", "image/png"), &samples::png(), None).await.unwrap();
    bridge.idle().await;
    let said = bridge.said(&card).pop().unwrap();
    assert!(said.contains("a.png") && said.contains("installed again"), "{said}");
    assert!(said.contains("/media/"), "{said}");
    bridge.slack.faults().clear();
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_within_other_content_stand_at_their_place() {
    let bridge = Bridge::start().await;
    let (ticket, card) = open_ticket(&bridge).await;
    let link = |name: &str| {
        let uri = bridge.blip.hosts("image/png", &samples::png());
        json!({"type": MEDIA_LINK, "value": {"type": "image/png", "uri": uri, "title": name}})
    };
    let text = |words: &str| json!({"type": "text/plain", "value": words});
    let items = [text("antes"), link("a.png"), text("entre"), link("b.png"), text("depois")];
    let all = json!({"itemType": "application/vnd.lime.container+json", "items": items});
    bridge.blip.sends(&ticket, "application/vnd.lime.collection+json", all).await.unwrap();
    bridge.idle().await;
    let order: Vec<(String, usize)> =
        bridge.replies(&card).iter().skip(1).map(|m| (m.words(), m.files.len())).collect();
    let ends: Vec<&str> =
        order.iter().map(|(words, _)| words.rsplit(": ").next().unwrap()).collect();
    assert_eq!(order.iter().map(|(_, files)| *files).collect::<Vec<_>>(), [0, 1, 0, 1, 0]);
    assert_eq!((ends[0], ends[2], ends[4]), ("antes", "entre", "depois"));
    bridge.finish().await;
}

/// Where the bridge is said to be reached; what it hands out is asked for where it is.
const PUBLIC: (&str, &str) = ("PUBLIC_URL", "https://bridge.example");

/// Asks the bridge for a file by the address that a customer was sent.
async fn asks(bridge: &Bridge, uri: &str, method: Method, range: Option<&str>) -> Response {
    let path = uri.strip_prefix(PUBLIC.1).unwrap();
    let url = format!("http://{}{path}", bridge.app().unwrap().address());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.request(method, url);
    if let Some(range) = range {
        request = request.header("range", range);
    }
    request.send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The addresses of files that reached a customer, in order.
fn links(bridge: &Bridge, ticket: &str) -> Vec<Value> {
    let received = bridge.blip.received(ticket);
    received.into_iter().filter(|m| m.kind == MEDIA_LINK).map(|m| m.content).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agents_files_reach_the_customer_byte_for_byte_and_in_order() {
    let bridge = Bridge::with(&[PUBLIC]).await;
    let (ticket, card) = open_ticket(&bridge).await;
    let mut sent = samples::all();
    sent.push(("grande.zip", "application/zip", samples::bytes(samples::megabytes() << 20)));
    let files = sent.iter().map(|(name, _, bytes)| File::hosted(name, bytes)).collect();
    bridge
        .slack
        .shares_all(ANA, CHANNEL, Some(&card.ts), files, "Seguem :paperclip:")
        .await
        .unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket)[0], "Seguem 📎");
    let links = links(&bridge, &ticket);
    assert_eq!(links.len(), sent.len());
    for ((name, mime, bytes), link) in sent.iter().zip(&links) {
        assert_eq!((link["title"].as_str(), link["type"].as_str()), (Some(*name), Some(*mime)));
        assert_eq!(link["size"], bytes.len());
        let uri = link["uri"].as_str().unwrap();
        let head = asks(&bridge, uri, Method::HEAD, None).await;
        assert_eq!((head.status().as_u16(), header(&head, "content-type")), (200, *mime));
        assert_eq!(header(&head, "content-length"), bytes.len().to_string());
        let all = asks(&bridge, uri, Method::GET, None).await;
        assert_eq!(header(&all, "content-type"), *mime);
        assert_eq!(header(&all, "x-content-type-options"), "nosniff");
        assert_eq!(header(&all, "content-length"), bytes.len().to_string());
        assert!(all.bytes().await.unwrap() == bytes.as_slice(), "{name} is not the same");
    }
    let marks = bridge.slack.reactions(CHANNEL, &bridge.replies(&card).last().unwrap().ts);
    assert!(marks.iter().any(|(name, _)| name == "envelope_with_arrow"), "{marks:?}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_a_file_is_handed_out() {
    let bridge = Bridge::with(&[PUBLIC]).await;
    let (ticket, card) = open_ticket(&bridge).await;
    let bytes = samples::bytes(1000);
    bridge.slack.shares(ANA, CHANNEL, Some(&card.ts), ("a.mp4", &bytes), "").await.unwrap();
    bridge.idle().await;
    let links = links(&bridge, &ticket);
    let uri = links[0]["uri"].as_str().unwrap();
    for (range, status, place, part) in [
        ("bytes=0-9", 206, "bytes 0-9/1000", &bytes[..10]),
        ("bytes=990-", 206, "bytes 990-999/1000", &bytes[990..]),
        ("bytes=-5", 206, "bytes 995-999/1000", &bytes[995..]),
        ("bytes=2000-", 416, "bytes */1000", &[]),
        ("bytes=0-1,5-6", 200, "", &bytes),
    ] {
        let response = asks(&bridge, uri, Method::GET, Some(range)).await;
        assert_eq!(response.status().as_u16(), status, "{range}");
        assert_eq!(header(&response, "content-range"), place, "{range}");
        assert_eq!(header(&response, "accept-ranges"), "bytes");
        assert!(response.bytes().await.unwrap() == part, "{range}");
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_not_ours_or_is_over_hands_nothing_out() {
    let bridge = Bridge::with(&[PUBLIC]).await;
    let (ticket, card) = open_ticket(&bridge).await;
    bridge
        .slack
        .shares(ANA, CHANNEL, Some(&card.ts), ("a.png", &samples::png()), "")
        .await
        .unwrap();
    bridge.idle().await;
    let links = links(&bridge, &ticket);
    let uri = links[0]["uri"].as_str().unwrap();
    let before = bridge.slack.look(|state| state.calls.len());
    for other in ["", "x", "F0001", "..%2f..%2fetc%2fpasswd", "https:%2f%2fevil.example"] {
        let response =
            asks(&bridge, &format!("{}/media/{other}", PUBLIC.1), Method::GET, None).await;
        assert_eq!(response.status().as_u16(), 404, "{other}");
    }
    let first = uri.rfind('/').unwrap() + 1;
    let (start, end) = uri.split_at(first);
    let forged =
        format!("{start}{}{}", if end.starts_with('A') { 'B' } else { 'A' }, end.get(1..).unwrap());
    assert_eq!(asks(&bridge, &forged, Method::GET, None).await.status().as_u16(), 404);
    assert_eq!(bridge.slack.look(|state| state.calls.len()), before, "slack was asked");
    bridge.slack.faults().from_now("download", Fault::Html);
    assert_eq!(asks(&bridge, uri, Method::GET, None).await.status().as_u16(), 503);
    bridge.slack.faults().clear();
    assert_eq!(asks(&bridge, uri, Method::GET, None).await.status().as_u16(), 200);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_no_customer_could_open_is_not_sent_and_the_agent_is_told() {
    let bridge = Bridge::with(&[PUBLIC]).await;
    let (ticket, card) = open_ticket(&bridge).await;
    let file =
        |mode: &str| File { mode: mode.to_owned(), ..File::hosted("a.pdf", &samples::pdf()) };
    for (mode, reason) in
        [("tombstone", "deleted"), ("external", "not kept in Slack"), ("hidden_by_limit", "plan")]
    {
        let files = vec![file(mode), file("file_access")];
        bridge.slack.shares_all(ANA, CHANNEL, Some(&card.ts), files, "").await.unwrap();
        bridge.idle().await;
        let said = bridge.said(&card).pop().unwrap();
        assert!(said.contains(reason), "{mode}: {said}");
    }
    assert_eq!(links(&bridge, &ticket).len(), 3, "those of shared channels are asked for and sent");
    bridge.slack.faults().from_now("download", Fault::Html);
    bridge
        .slack
        .shares(ANA, CHANNEL, Some(&card.ts), ("b.pdf", &samples::pdf()), "Olha")
        .await
        .unwrap();
    bridge.idle().await;
    bridge.slack.faults().clear();
    let said = bridge.said(&card).pop().unwrap();
    assert!(said.contains("b.pdf") && said.contains("sign-in page"), "{said}");
    assert_eq!(links(&bridge, &ticket).len(), 3);
    assert_eq!(bridge.received(&ticket).last().unwrap(), "Olha");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_address_of_its_own_the_bridge_says_what_to_set() {
    let bridge = Bridge::start().await;
    let (ticket, card) = open_ticket(&bridge).await;
    bridge
        .slack
        .shares(ANA, CHANNEL, Some(&card.ts), ("a.png", &samples::png()), "Veja")
        .await
        .unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Veja"]);
    let said = bridge.said(&card).pop().unwrap();
    assert!(said.contains("a.png") && said.contains("PUBLIC_URL"), "{said}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_over_the_channels_limit_goes_with_a_warning() {
    let bridge = Bridge::with(&[PUBLIC]).await;
    let (ticket, card) = open_ticket(&bridge).await;
    let photo = samples::bytes((5 << 20) + 1);
    bridge.slack.shares(ANA, CHANNEL, Some(&card.ts), ("a.png", &photo), "").await.unwrap();
    bridge.idle().await;
    assert_eq!(links(&bridge, &ticket).len(), 1);
    let told = bridge.slack.ephemerals(ANA).pop().unwrap().words();
    assert!(told.contains("a.png") && told.contains("5 MB"), "{told}");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_sends_no_file_twice() {
    for fault in [Fault::LostAnswer, Fault::LostAnswer500, Fault::Reset, Fault::Status(503)] {
        let bridge = Bridge::with(&[PUBLIC]).await;
        let (ticket, card) = open_ticket(&bridge).await;
        bridge.blip.faults().next("/messages", Fault::Pass);
        bridge.blip.faults().next("/messages", fault.clone());
        let files = ["a.png", "b.png", "c.png"].map(|name| File::hosted(name, &samples::png()));
        bridge.slack.shares_all(ANA, CHANNEL, Some(&card.ts), files.into(), "").await.unwrap();
        bridge.idle().await;
        let titles: Vec<Value> =
            links(&bridge, &ticket).iter().map(|link| link["title"].clone()).collect();
        assert_eq!(titles, ["a.png", "b.png", "c.png"], "{fault:?}");
        bridge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_begins_with_a_file_shows_it_in_its_thread() {
    let bridge = Bridge::start().await;
    let uri = bridge.blip.hosts("image/png", &samples::png());
    let content =
        json!({"type": "image/png", "uri": uri, "title": "nota.png", "text": "Veio errado"});
    let first = (MEDIA_LINK.to_owned(), content);
    let new = NewTicket { first, ..NewTicket::saying("Maria Silva", "m@wa.gw.msging.net", "") };
    bridge.blip.opens_ticket(new).await;
    let card = bridge.card_of("Maria Silva").await;
    assert!(card.words().contains("nota.png") && card.words().contains("Veio errado"));
    assert!(!card.words().contains(&uri), "a link that will have run out");
    bridge.idle().await;
    let [file] = files(&bridge, &card).try_into().unwrap();
    assert!(file.bytes == Some(samples::png()));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_under_way_when_the_bridge_died_is_shown_once() {
    for (pattern, fault) in [
        ("files.getUploadURLExternal", Fault::Hang),
        ("upload", Fault::Hang),
        ("files.completeUploadExternal", Fault::Hang),
        ("files.completeUploadExternal", Fault::Slow(Duration::from_mins(1))),
        ("files.info", Fault::Hang),
    ] {
        let mut bridge = Bridge::with(&[("SHUTDOWN_SECONDS", "1")]).await;
        let (ticket, card) = open_ticket(&bridge).await;
        bridge.slack.faults().next(pattern, fault);
        let before = bridge.slack.calls(pattern).len();
        bridge
            .blip
            .sends_file(&ticket, ("a.png", "image/png"), &samples::png(), None)
            .await
            .unwrap();
        bridge
            .slack
            .wait_for(pattern, |state| {
                let seen = state.calls.iter().filter(|call| call.method == pattern).count();
                (seen > before).then_some(())
            })
            .await;
        bridge.stage.stop_bridge().await;
        bridge.stage.start_bridge().await.unwrap();
        bridge.blip.says(&ticket, "viu?").await.unwrap();
        bridge.idle().await;
        assert_eq!(files(&bridge, &card).len(), 1, "{pattern}");
        assert!(bridge.said(&card).pop().unwrap().ends_with("viu?"), "{pattern}");
        bridge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_for_a_thread_that_is_gone_goes_into_a_new_one() {
    let bridge = Bridge::start().await;
    // Nobody has claimed it: a thread that holds a line is not gone with its card.
    let (ticket, card) = bridge.ticket("Maria Silva", "Oi").await;
    bridge.slack.deletes(ANA, CHANNEL, &card.ts).await.unwrap();
    bridge.blip.sends_file(&ticket, ("a.png", "image/png"), &samples::png(), None).await.unwrap();
    bridge.idle().await;
    let new = bridge.card_of("Maria Silva").await;
    assert_ne!(new.ts, card.ts);
    assert_eq!(files(&bridge, &new).len(), 1);
    let stray = bridge.slack.cards(CHANNEL).into_iter().filter(|message| !message.files.is_empty());
    assert_eq!(stray.count(), 0, "nothing stays at the root of the channel");
    bridge.finish().await;
}

/// No channel sends as much at once, but whoever knows a bot's webhook can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_one_message_a_bounded_part_is_fetched_and_posted_and_the_rest_is_named() {
    let bridge = Bridge::with(&[("SLACK_CHANNEL_RATE", "50"), ("MEDIA_MAX_MB", "1")]).await;
    let (ticket, card) = open_ticket(&bridge).await;
    let (small, large) = (samples::png(), samples::bytes(700 << 10));
    let mut items = Vec::new();
    for number in 0..40 {
        let bytes = if number < 2 { &large } else { &small };
        let uri = bridge.blip.hosts("image/png", bytes);
        let title = format!("photo-{number}.png");
        items.push(json!({"type": "image/png", "uri": uri, "title": title}));
    }
    let content = json!({"itemType": MEDIA_LINK, "items": items});
    bridge.blip.sends(&ticket, "application/vnd.lime.collection+json", content).await.unwrap();
    bridge.blip.says(&ticket, "after").await.unwrap();
    bridge.until("what follows", || bridge.said(&card).join(" ").contains("after")).await;
    bridge.idle().await;
    let shown = files(&bridge, &card);
    assert_eq!(shown.len(), 9, "ten, but the two large ones are too much together");
    assert!(
        shown.iter().map(|file| file.bytes.as_ref().map_or(0, Vec::len)).sum::<usize>() < 1 << 20
    );
    let said = bridge.said(&card).join("\n");
    for number in 10..40 {
        assert!(said.contains(&format!("photo-{number}.png")), "{number}: {said}");
    }
    assert!(bridge.replies(&card).len() < 16, "{said}");
    bridge.finish().await;
}
