//! Files in both directions: the same bytes on both sides, or a plain word why not.

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack::standin::faults::Fault;
use blip_slack::standin::slack::{File, Message};
use serde_json::json;

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
    bridge
        .blip
        .wait_for("the ticket to be open", |state| {
            state.tickets.get(&ticket)?.is_assigned().then_some(())
        })
        .await;
    (ticket, card)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customers_files_stand_in_the_thread_byte_for_byte_and_in_order() {
    let bridge = Bridge::start().await;
    let (ticket, card) = open_ticket(&bridge).await;
    let sent = samples::all();
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
    assert!(words.contains("Maria Silva") && words.contains("*ouça* <!channel> <@U0ANA>"), "{words}");
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
    let (sized, unsized_) = (bridge.blip.hosts("video/mp4", &large), bridge.blip.hosts("video/mp4", &large));
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
        (json!({"type": "image/png", "uri": bridge.blip.leads_to("https://192.168.0.1/a")}), "cannot be opened"),
        (json!({"type": "image/png", "uri": bridge.blip.leads_to("http://[::ffff:10.0.0.1]/a")}), "cannot be opened"),
        (json!({"type": "text/plain", "uri": bridge.blip.hosts("text/plain", b"")}), "empty"),
    ] {
        bridge.blip.sends(&ticket, MEDIA_LINK, content.clone()).await.unwrap();
        bridge.idle().await;
        let said = bridge.said(&card).pop().unwrap();
        assert!(said.contains(expected), "{content}: {said}");
    }
    assert!(files(&bridge, &card).is_empty());
    let content = json!({"type": "video/mp4", "uri": sized, "title": "festa.mp4", "previewUri": preview});
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
        let said = bridge.said(&card);
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
    bridge.slack.faults().from_now("files.getUploadURLExternal", Fault::Code("missing_scope".into()));
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
        bridge.replies(&card).iter().map(|m| (m.words(), m.files.len())).collect();
    let ends: Vec<&str> =
        order.iter().map(|(words, _)| words.rsplit(": ").next().unwrap()).collect();
    assert_eq!(order.iter().map(|(_, files)| *files).collect::<Vec<_>>(), [0, 1, 0, 1, 0]);
    assert_eq!((ends[0], ends[2], ends[4]), ("antes", "entre", "depois"));
    bridge.finish().await;
}
