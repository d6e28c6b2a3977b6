//! Who leads the team: how it does on their home tab, and how the week went every Monday.

use std::time::Duration;

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{File, Message};
use jiff::civil::{Weekday, time};
use serde_json::{Value, json};

use crate::support::later::Later;
use crate::support::{Bridge, view_words, wish};

const LEADS: (&str, &str) = ("LEADS", "S0LEADS");
const LEADERS: &str = "C0LEADERS";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_home_tab_of_a_lead_shows_how_the_team_does() {
    let later = Later::start(&[LEADS, ("REMIND_UNCLAIMED_MINUTES", "0")]).await;
    let bridge = &later.bridge;
    bridge.slack.add_group("S0LEADS", "leads", &[ANA]);
    bridge.blip.configure(|setup| setup.sends_receipts = true);
    // Far from midnight: the day must not change while it is played.
    later.reaches(Weekday::Tuesday, time(10, 0, 0, 0)).await;
    later.is_through().await;
    let (maria, maria_card) = bridge.ticket("Maria", "Oi").await;
    let (_, vera_card) = bridge.ticket("Vera", "Oi").await;
    bridge.ticket("João", "Olá").await;
    let new = NewTicket::saying("Rita", "rita@wa.gw.msging.net", "Oi");
    bridge.blip.opens_ticket(NewTicket { team: "Vendas".to_owned(), ..new }).await;
    bridge.card_of("Rita").await;
    later.passes(Duration::from_mins(4)).await;
    later.says(ANA, &maria_card, "Bom dia!").await;
    later.reached(&maria, &["Bom dia!"]).await;
    bridge.slack.reacts(BIA, CHANNEL, &vera_card.ts, "eyes").await.unwrap();
    later.passes(Duration::from_mins(5)).await;
    bridge.slack.reacts(ANA, CHANNEL, &maria_card.ts, "white_check_mark").await.unwrap();
    bridge.until("a close", || bridge.blip.ticket(&maria).unwrap().is_closed()).await;
    bridge.idle().await;
    bridge.opens_home(ANA).await;
    let home = view_words(&bridge.home_with(ANA, "Team").await);
    for part in [
        "2 waiting · 💬 1 claimed · ⏰ 1 unanswered",
        "Default · ⏳ 1 waiting · 💬 1 claimed",
        "Vendas* · ⏳ 1 waiting · 💬 0 claimed",
        "Waiting longest",
        &format!("<@{BIA}>"),
        "João",
        "My tickets",
    ] {
        let plain = home.replace("*Default*", "Default");
        assert!(plain.contains(part), "{part} in {home}");
    }
    assert!(home.contains("1 ticket · median 4 min · longest 4 min"), "{home}");
    assert!(home.contains("1 ticket · median 9 min · longest 9 min"), "{home}");
    bridge.opens_home(BIA).await;
    let other = view_words(&bridge.home_with(BIA, "My tickets").await);
    assert!(!other.contains("median") && !other.contains("Waiting longest"), "{other}");
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_who_is_no_agent_sees_numbers_and_no_names() {
    let settings = [LEADS, ("AGENTS", "S0AGENTS")];
    let bridge = Bridge::with(&settings).await;
    bridge.slack.add_group("S0AGENTS", "agents", &[ANA]);
    bridge.slack.add_group("S0LEADS", "leads", &[BIA]);
    bridge.slack.change_channel(CHANNEL, |channel| channel.members.retain(|user| user != BIA));
    bridge.ticket("Maria", "Oi").await;
    bridge.opens_home(BIA).await;
    let home = view_words(&bridge.home_with(BIA, "1 waiting").await);
    assert!(!home.contains("Maria") && !home.contains("My tickets"), "{home}");
    bridge.finish().await;
}

/// The posts of a channel that bring files.
fn file_posts(later: &Later, channel: &str) -> Vec<Message> {
    let posts = later.bridge.slack.cards(channel).into_iter();
    posts.filter(|post| !post.files.is_empty()).collect()
}

fn file(later: &Later, id: &str) -> File {
    later.bridge.slack.look(|state| state.files[id].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_monday_at_nine_one_post_shows_how_the_week_went() {
    let settings = [LEADS, ("LEADS_CHANNEL", LEADERS), ("REMIND_UNCLAIMED_MINUTES", "0")];
    let later = Later::start(&settings).await;
    let bridge = &later.bridge;
    bridge.slack.add_channel(LEADERS, "leaders", &[ANA]);
    bridge.slack.add_group("S0LEADS", "leads", &[ANA]);
    bridge.blip.configure(|setup| setup.sends_receipts = true);
    later.reaches(Weekday::Tuesday, time(10, 0, 0, 0)).await;
    later.is_through().await;
    let before = file_posts(&later, LEADERS).len();
    let (maria, card) = bridge.ticket("Maria", "Oi").await;
    later.passes(Duration::from_mins(7)).await;
    later.says(ANA, &card, "Bom dia!").await;
    later.reached(&maria, &["Bom dia!"]).await;
    later.passes(Duration::from_mins(13)).await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.until("a close", || bridge.blip.ticket(&maria).unwrap().is_closed()).await;
    later.reaches(Weekday::Monday, time(8, 59, 0, 0)).await;
    later.is_through().await;
    assert_eq!(file_posts(&later, LEADERS).len(), before, "not yet");
    // The answer to the call that shows the files is lost: it is looked for, and not made again.
    bridge.slack.faults().next("files.completeUploadExternal", Fault::LostAnswer);
    later.passes(Duration::from_mins(1)).await;
    bridge.until("a weekly post", || file_posts(&later, LEADERS).len() > before).await;
    later
        .skips_pauses_until("its end", || !bridge.slack.calls("conversations.history").is_empty())
        .await;
    later.is_through().await;
    let posts = file_posts(&later, LEADERS);
    assert_eq!(posts.len(), before + 1, "{posts:?}");
    let post = &posts[before];
    let said = post.words();
    for part in [
        "Week from",
        "New: 1",
        "First answer: 1 ticket · median 7 min",
        "Until closed: 1 ticket · median 20 min",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(json!(post.blocks).to_string().contains("S0LEADS"), "the group is called");
    let [chart, table] = [&post.files[0], &post.files[1]].map(|id| file(&later, id));
    let picture = chart.bytes.unwrap();
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
    if let Some(folder) = wish("PICTURES") {
        std::fs::write(format!("{folder}/week.png"), &picture).unwrap();
    }
    let table = String::from_utf8(table.bytes.unwrap()).unwrap();
    let number = bridge.blip.ticket(&maria).unwrap().number;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].contains("ticket,bot,team,agent,arrived"), "{table}");
    assert!(lines[1].starts_with(&format!("{number},default,Default,")), "{table}");
    assert!(lines[1].ends_with("closed by Ana Lima,"), "{table}");
    assert!(lines[1].contains(",420,1200,"), "{table}");
    assert_eq!(lines.len(), 2, "{table}");
    assert!(!table.contains("Maria"), "no customer is named: {table}");
    // The week after had no tickets.
    later.reaches(Weekday::Monday, time(9, 30, 0, 0)).await;
    later.is_through().await;
    assert_eq!(file_posts(&later, LEADERS).len(), before + 1);
    later.bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_week_is_told_without_files_where_slack_takes_none() {
    let later = Later::start(&[LEADS, ("REMIND_UNCLAIMED_MINUTES", "0")]).await;
    let bridge = &later.bridge;
    let (maria, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.until("a close", || bridge.blip.ticket(&maria).unwrap().is_closed()).await;
    bridge.idle().await;
    let refusal = Fault::Code("file_uploads_disabled".to_owned());
    bridge.slack.faults().from_now("files.getUploadURLExternal", refusal);
    later.reaches(Weekday::Monday, time(9, 1, 0, 0)).await;
    let told = || {
        let posts = bridge.slack.cards(CHANNEL).into_iter();
        posts.filter(|post| post.words().contains("Week from")).collect::<Vec<_>>()
    };
    bridge.until("a weekly post", || told().len() == 1).await;
    later.is_through().await;
    assert_eq!(told().len(), 1);
    let text: Value = json!(told()[0].text);
    assert!(text.as_str().unwrap().contains("<!subteam^S0LEADS>"), "{text}");
    later.bridge.finish().await;
}
