//! Ready means that it can serve: both platforms were asked and answer, agents can be told from
//! others, and the database is whole. What is not so is told with the variable to be mended.

use blip_slack::demo::{ANA, CHANNEL};
use blip_slack_standins::blip::NewTicket;
use blip_slack_standins::faults::Fault;

use crate::support::{Bridge, damage_database};

/// Starts the bridge again with other settings.
async fn restarts(bridge: &mut Bridge, settings: &[(&str, &str)]) {
    bridge.stop_bridge().await;
    for (name, value) in settings {
        bridge.set_setting(name, value);
    }
    bridge.start_bridge().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_is_told_before_the_first_customer_with_the_variable_of_its_bot() {
    let mut bridge = Bridge::start().await;
    assert_eq!(bridge.readiness().await, (200, "ready\n".to_owned()));
    let key = bridge.settings()["BLIP_KEY"].clone();
    restarts(&mut bridge, &[("BLIP_KEY", "d3Jvbmc6a2V5")]).await;
    let (status, words) = bridge.readiness().await;
    assert!(status == 503 && words.contains("the key of a bot: see BLIP_KEY"), "{words}");
    let token = ("BLIP_VENDAS_WEBHOOK_TOKEN", "of-vendas");
    let vendas = [("BLIP_BOTS", "vendas"), ("BLIP_VENDAS_KEY", "d3Jvbmc6a2V5"), token];
    restarts(&mut bridge, &[("BLIP_KEY", &key), vendas[0], vendas[1], vendas[2]]).await;
    let (status, words) = bridge.readiness().await;
    assert!(status == 503 && words.contains("the key of a bot: see BLIP_VENDAS_KEY"), "{words}");
    assert!(!words.contains("BLIP_KEY"), "{words}");
    restarts(&mut bridge, &[("BLIP_VENDAS_KEY", &key)]).await;
    assert_eq!(bridge.readiness().await, (200, "ready\n".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_where_blip_is_not_is_told_and_asked_again_until_blip_answers() {
    let mut bridge = Bridge::start().await;
    let elsewhere = bridge.slack.api_url();
    let blip = bridge.settings()["BLIP_API_URL"].clone();
    for address in ["http://127.0.0.1:1", elsewhere.as_str()] {
        restarts(&mut bridge, &[("BLIP_API_URL", address)]).await;
        let (status, words) = bridge.readiness().await;
        assert!(status == 503 && words.contains("see BLIP_API_URL"), "{address}: {words}");
    }
    bridge.stop_bridge().await;
    bridge.blip.faults().from_now("/commands get /ping", Fault::Status(503));
    restarts(&mut bridge, &[("BLIP_API_URL", &blip)]).await;
    bridge.becomes(false, "see BLIP_API_URL").await;
    bridge.blip.faults().lift("/commands get /ping");
    bridge.becomes(true, "ready").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slack_that_does_not_answer_is_told_until_it_does() {
    let mut bridge = Bridge::start().await;
    bridge.stop_bridge().await;
    bridge.slack.faults().from_now("auth.test", Fault::Status(503));
    bridge.start_bridge().await.unwrap();
    bridge.becomes(false, "SLACK_API_URL").await;
    // What arrives is kept all the same.
    let new = NewTicket::saying("Maria", "maria@wa.gw.msging.net", "Oi");
    assert_eq!(bridge.blip.opens_ticket(new).await.status, Some(200));
    bridge.slack.faults().lift("auth.test");
    bridge.becomes(true, "ready").await;
    bridge.card_of("Maria").await;
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_group_that_slack_does_not_know_is_told_and_parks_nothing() {
    let bridge = Bridge::with(&[("AGENTS", "S0AGENTS")]).await;
    bridge.becomes(false, "AGENTS").await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
    let said = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    bridge.idle().await;
    let told = bridge.slack.ephemerals(ANA);
    assert_eq!(told.len(), 2, "{}", bridge.slack.transcript());
    assert!(told.iter().all(|told| told.words().contains("user group does not exist in Slack")));
    assert_eq!(bridge.slack.message(CHANNEL, &said.ts).unwrap().reacted("lock").len(), 1);
    assert!(!bridge.blip.ticket(&ticket).unwrap().is_assigned());
    bridge.slack.add_group("S0AGENTS", "agents", &[ANA]);
    bridge.becomes(true, "ready").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá de novo!").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá de novo!"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_database_is_not_ready() {
    for (name, is_read_to_begin_with) in
        [("sqlite_autoindex_item_1", true), ("ticket_open", true), ("message", false)]
    {
        let mut bridge = Bridge::start().await;
        let (_, card) = bridge.ticket("Maria", "Oi").await;
        bridge.idle().await;
        bridge.stop_bridge().await;
        damage_database(&bridge.folder().join("bridge.db"), name);
        bridge.start_bridge().await.unwrap();
        if !is_read_to_begin_with {
            bridge.slack.reacts(ANA, CHANNEL, &card.ts, "eyes").await.unwrap();
        }
        bridge.becomes(false, "the database is damaged").await;
    }
}
