//! A database that was used with other bots, another contract or another workspace before.

use blip_slack::demo::{ANA, CHANNEL};

use crate::support::Bridge;

/// Calls the only bot by another name, with the same key.
async fn renames(bridge: &mut Bridge, name: &str) {
    bridge.stop_bridge().await;
    let part = name.to_uppercase();
    for setting in ["KEY", "WEBHOOK_TOKEN"] {
        let value = bridge.settings()[&format!("BLIP_{setting}")].clone();
        bridge.set_setting(&format!("BLIP_{part}_{setting}"), &value);
    }
    bridge.set_setting("BLIP_KEY", "");
    bridge.set_setting("BLIP_BOTS", name);
    bridge.start_bridge().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_comes_back_under_another_name_keeps_its_tickets() {
    let mut bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.idle().await;
    renames(&mut bridge, "vendas").await;
    assert_eq!(bridge.readiness().await, (200, "ready\n".to_owned()));
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá!"]);
    bridge.blip.says(&ticket, "tudo bem").await.unwrap();
    bridge
        .until("the words in the thread", || {
            bridge.said(&card).iter().any(|said| said.contains("tudo bem"))
        })
        .await;
    bridge.slack.reacts(ANA, CHANNEL, &card.ts, "white_check_mark").await.unwrap();
    bridge.idle().await;
    assert!(bridge.blip.ticket(&ticket).unwrap().is_closed());
    assert_eq!(bridge.slack.cards(CHANNEL).len(), 1, "{}", bridge.slack.transcript());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickets_of_a_bot_that_is_gone_wait_and_are_told() {
    let mut bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.idle().await;
    // The database knows nothing of its key: it was written before keys were remembered.
    bridge.app().unwrap().store().put_fact("bot:default", None).await.unwrap();
    renames(&mut bridge, "vendas").await;
    let (status, words) = bridge.readiness().await;
    assert!(status == 200 && words.contains("bot default is not configured"), "{words}");
    assert!(words.contains("1 open tickets") && words.contains("BLIP_BOT_ALIASES"), "{words}");
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    let told = |state: &blip_slack_standins::slack::State| {
        let mut told = state.ephemerals_of(ANA);
        told.any(|told| told.words().contains("not configured at the moment")).then_some(())
    };
    bridge.slack.wait_for("Ana to be told", told).await;
    assert!(bridge.received(&ticket).is_empty());
    assert_eq!(bridge.app().unwrap().store().inbox_depth().await.unwrap().parked, 0);
    bridge.stop_bridge().await;
    bridge.set_setting("BLIP_BOT_ALIASES", "default=vendas");
    bridge.start_bridge().await.unwrap();
    bridge.until("the reply", || bridge.received(&ticket) == ["Olá!"]).await;
    assert_eq!(bridge.readiness().await, (200, "ready\n".to_owned()));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_bot_and_a_token_of_another_workspace_are_told() {
    let mut bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.idle().await;
    bridge.stop_bridge().await;
    let told = ["another bot than before, and 1 open", "another workspace than before, where 1"];
    let old = bridge.settings()["BLIP_KEY"].clone();
    let new = if old.starts_with("Key ") { "Key b3V0cm86c2VjcmV0" } else { "b3V0cm86c2VjcmV0" };
    bridge.blip.configure(|setup| setup.key = new.to_owned());
    bridge.slack.configure(|setup| setup.team_id = "T0NEW".to_owned());
    bridge.set_setting("BLIP_KEY", new);
    bridge.start_bridge().await.unwrap();
    let (_, words) = bridge.readiness().await;
    assert!(told.iter().all(|part| words.contains(part)), "{words}");
    bridge.stop_bridge().await;
    bridge.blip.configure(|setup| setup.key.clone_from(&old));
    bridge.slack.configure(|setup| setup.team_id = "T0001".to_owned());
    bridge.set_setting("BLIP_KEY", &old);
    bridge.start_bridge().await.unwrap();
    assert_eq!(bridge.readiness().await, (200, "ready\n".to_owned()));
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Olá!").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket), ["Olá!"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_of_another_contract_is_told() {
    let mut bridge = Bridge::start().await;
    bridge.ticket("Maria", "Oi").await;
    bridge.idle().await;
    let store = bridge.app().unwrap().store();
    store.put_fact("contract:default", Some("loja")).await.unwrap();
    bridge.stop_bridge().await;
    let here = bridge.settings()["BLIP_API_URL"].clone();
    // Nobody is there, and nobody is asked.
    bridge.set_setting("HTTPS_PROXY", "http://127.0.0.1:1");
    for (contract, is_told) in [("outra", true), ("loja", false)] {
        bridge.set_setting("BLIP_API_URL", &format!("https://{contract}.http.msging.net"));
        bridge.start_bridge().await.unwrap();
        let (_, words) = bridge.readiness().await;
        let warning = "BLIP_API_URL is of another contract than before, and 1 open tickets";
        assert_eq!(words.contains(warning), is_told, "{contract}: {words}");
        bridge.stop_bridge().await;
    }
    bridge.set_setting("BLIP_API_URL", &here);
    bridge.start_bridge().await.unwrap();
    assert_eq!(bridge.readiness().await, (200, "ready\n".to_owned()));
}
