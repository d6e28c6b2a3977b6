//! The stand-in is as strict and as nasty as it says.

use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use super::{Blip, NewTicket, Router, Setup, Template, Throughput};
use crate::faults::Fault;
use crate::probe::Probe;

const DESK: &str = "postmaster@desk.msging.net";
const TICKET: &str = "application/vnd.iris.ticket+json";

/// A desk, and the bridge that calls it.
struct Bridge {
    blip: Blip,
    webhook: Probe,
    client: reqwest::Client,
}

impl Bridge {
    async fn start() -> Self {
        let blip = Blip::start(Setup::default()).await.unwrap();
        let webhook = Probe::start().await;
        blip.deliver_to(&webhook.url);
        Self { blip, webhook, client: reqwest::Client::builder().build().unwrap() }
    }

    fn request(&self, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.blip.api_url());
        self.client.post(url).header("authorization", Setup::default().key)
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(path).json(body).send().await.unwrap()
    }

    async fn command(&self, mut command: Value) -> Value {
        command["id"] = json!("c1");
        let response = self.post("/commands", &command).await;
        assert_eq!(response.status(), 200, "{command}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["id"], "c1");
        answer
    }

    async fn get(&self, to: &str, uri: &str) -> Value {
        self.command(json!({ "to": to, "method": "get", "uri": uri })).await
    }

    async fn set(&self, uri: &str, resource: Value) -> Value {
        let command = json!({ "to": DESK, "method": "set", "uri": uri, "type": TICKET,
            "resource": resource });
        self.command(command).await
    }

    async fn change_status(&self, ticket: &str, status: &str) -> Value {
        let agent = "ana%40loja.example@blip.ai";
        let resource = json!({ "id": ticket, "status": status, "agentIdentity": agent });
        self.set("/tickets/change-status", resource).await
    }

    async fn open_ticket(&self) -> String {
        let id = self.blip.opens_ticket(NewTicket::default()).await.id;
        assert_eq!(self.change_status(&id, "Open").await["status"], "success");
        id
    }

    async fn say(&self, ticket: &str, id: &str, text: &str) -> u16 {
        let to = format!("{ticket}@desk.msging.net/Webhook");
        let message = json!({ "id": id, "to": to, "type": "text/plain", "content": text });
        self.post("/messages", &message).await.status().as_u16()
    }

    fn heard(&self, ticket: &str) -> Vec<Value> {
        self.blip.received(ticket).into_iter().map(|message| message.content).collect()
    }
}

#[tokio::test]
async fn a_ticket_and_its_messages_arrive_with_the_token() {
    let bridge = Bridge::start().await;
    let opened = bridge.blip.opens_ticket(NewTicket::default()).await;
    assert_eq!(opened.status, Some(200));
    let said = bridge.blip.says(&opened.id, "alô?").await.unwrap();
    let bodies = bridge.webhook.bodies();
    assert_eq!(bodies[0]["id"], format!("Ticket:{}:Waiting", opened.id));
    assert_eq!(bodies[0]["from"], format!("{}@desk.msging.net/Webhook", opened.id));
    assert_eq!(bodies[0]["content"]["provider"], "Webhook");
    assert_eq!(bodies[0]["content"].get("agentIdentity"), None);
    assert_eq!(bodies[1]["id"], said.id);
    assert!(said.id.starts_with("fwd:fwd:"));
    for (headers, _) in bridge.webhook.seen() {
        assert_eq!(headers["authorization"], Setup::default().token);
    }
}

#[tokio::test]
async fn bad_envelopes_are_refused_and_noted() {
    let bridge = Bridge::start().await;
    let ticket = bridge.open_ticket().await;
    let to = format!("{ticket}@desk.msging.net/Webhook");
    for (path, body) in [
        ("/messages", json!({ "id": "1", "to": to, "content": "x" })),
        ("/messages", json!({ "id": "1", "to": to, "type": "text/plain" })),
        ("/messages", json!({ "id": "1", "to": to, "type": "text/plain", "content": {} })),
        ("/messages", json!({ "id": 1, "to": to, "type": "text/plain", "content": "x" })),
        ("/messages", json!({ "id": "1", "to": "nobody", "type": "text/plain", "content": "x" })),
        (
            "/messages",
            json!({ "id": "1", "to": to, "type": "text/plain", "content": "x",
            "metadata": { "n": 1 } }),
        ),
        ("/messages", json!([{ "id": "1" }])),
        ("/notifications", json!({ "id": "1", "to": to, "event": "seen" })),
        ("/commands", json!({ "to": DESK, "method": "get", "uri": "/teams" })),
        ("/commands", json!({ "id": "1", "to": DESK, "method": "fetch", "uri": "/teams" })),
        (
            "/commands",
            json!({ "id": "1", "to": DESK, "method": "get",
            "uri": "/tickets?$filter=status eq 'open'" }),
        ),
    ] {
        let before = bridge.blip.violations().len();
        assert_eq!(bridge.post(path, &body).await.status(), 400, "{body}");
        assert_eq!(bridge.blip.violations().len(), before + 1, "{body}");
    }
    let url = format!("{}/messages", bridge.blip.api_url());
    let stranger = bridge.client.post(url).header("authorization", "Key x");
    assert_eq!(stranger.json(&json!({})).send().await.unwrap().status(), 401);
    let request = bridge.request("/messages").body("{}");
    assert_eq!(request.send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn a_message_is_taken_in_any_case_but_reaches_only_an_open_ticket() {
    let bridge = Bridge::start().await;
    let waiting = bridge.blip.opens_ticket(NewTicket::default()).await.id;
    let open = bridge.open_ticket().await;
    assert_eq!(bridge.say(&waiting, "1", "cedo").await, 202);
    assert_eq!(bridge.say("nobody", "2", "onde").await, 202);
    assert_eq!(bridge.blip.violations().len(), 2);
    assert_eq!(bridge.say(&open, "3", "sim").await, 202);
    bridge.blip.closes_silently(&open, "ClosedClient").unwrap();
    assert_eq!(bridge.say(&open, "4", "tarde").await, 202);
    assert_eq!(bridge.heard(&open), ["sim"]);
    assert_eq!(bridge.blip.undelivered().len(), 3);
    assert_eq!(bridge.blip.violations().len(), 2);
}

#[tokio::test]
async fn a_message_sent_twice_is_heard_twice_and_found_in_the_thread() {
    let bridge = Bridge::start().await;
    let ticket = bridge.open_ticket().await;
    bridge.say(&ticket, "m1", "oi").await;
    bridge.say(&ticket, "m1", "oi").await;
    assert_eq!(bridge.heard(&ticket), ["oi", "oi"]);
    let uri = format!("/tickets/{ticket}/messages?$take=100");
    let found = bridge.get(DESK, &uri).await;
    assert_eq!(found["resource"]["items"][0]["id"], "fwd:fwd:m1");
    assert_eq!(found["resource"]["items"][0]["direction"], "sent");
    let beyond = bridge.get(DESK, &uri.replace("100", "101")).await;
    assert_eq!(beyond["status"], "failure");
    assert_eq!(beyond["reason"].get("code"), None);
}

#[tokio::test]
async fn what_whatsapp_does_not_take_fails_later() {
    let bridge = Bridge::start().await;
    let ticket = bridge.open_ticket().await;
    assert_eq!(bridge.say(&ticket, "long", &"x".repeat(4_097)).await, 202);
    bridge.blip.advance(Duration::from_hours(24));
    assert_eq!(bridge.say(&ticket, "late", "oi").await, 202);
    assert_eq!(bridge.heard(&ticket), Vec::<Value>::new());
    for (id, code) in [("long", 131_009), ("late", 131_047)] {
        let uri = format!("/notifications?id=fwd:fwd:{id}");
        let log = bridge.get("postmaster@msging.net", &uri).await;
        assert_eq!(log["resource"]["items"][0]["event"], "failed");
        assert_eq!(log["resource"]["items"][0]["reason"]["code"], code);
    }
}

#[tokio::test]
async fn commands_need_the_right_processor_uri_and_resource() {
    let bridge = Bridge::start().await;
    let ticket = bridge.blip.opens_ticket(NewTicket::default()).await.id;
    let code = |answer: &Value| answer["reason"]["code"].as_i64();
    for (to, uri, expected) in [
        (DESK, format!("/ticket/{ticket}"), None),
        ("postmaster@msging.net", format!("/ticket/{ticket}"), Some(62)),
        ("postmaster@crm.msging.net", "/teams".to_owned(), Some(62)),
        (DESK, format!("/tickets/{ticket}"), Some(62)),
        (DESK, "/ticket/unknown".to_owned(), Some(64)),
        (DESK, "/teams".to_owned(), None),
        (DESK, "/replies".to_owned(), Some(67)),
        (
            "postmaster@crm.msging.net",
            "/contacts/5531999990000%40wa.gw.msging.net".to_owned(),
            None,
        ),
        ("postmaster@crm.msging.net", "/contacts/x%40y".to_owned(), Some(67)),
    ] {
        let answer = bridge.get(to, &uri).await;
        assert_eq!(code(&answer), expected, "{to} {uri} {answer}");
        assert!(answer["from"].as_str().unwrap().starts_with(&format!("{to}/")));
    }
    assert_eq!(bridge.blip.violations().len(), 3);
    let tunnel = bridge.blip.routes("5531999990000@wa.gw.msging.net", false);
    let tunnel = format!("/tunnels/{}", tunnel.split('@').next().unwrap());
    for (to, uri, expected) in [
        ("postmaster@tunnel.msging.net", tunnel.as_str(), None),
        ("postmaster@tunnel.msging.net", "/tunnels/another", Some(67)),
        ("postmaster@msging.net", &tunnel, Some(62)),
        (DESK, &tunnel, Some(62)),
    ] {
        assert_eq!(code(&bridge.get(to, uri).await), expected, "{to} {uri}");
    }
    let bad_agent = json!({ "id": ticket, "status": "Open", "agentIdentity": "ana@loja.example" });
    assert_eq!(code(&bridge.set("/tickets/change-status", bad_agent).await), Some(25));
    let bad_status = bridge.change_status(&ticket, "Waiting").await;
    assert_eq!(code(&bad_status), Some(24));
    assert_eq!(bridge.blip.violations().len(), 7);
}

#[tokio::test]
async fn a_ticket_lives_as_documented_and_cannot_be_changed_after_its_end() {
    let bridge = Bridge::start().await;
    let ticket = bridge.open_ticket().await;
    let uri = "/tickets?$filter=status%20eq%20'open'&$take=100";
    let listed = bridge.get(DESK, uri).await;
    assert_eq!(listed["resource"]["items"][0]["id"], ticket);
    let tags = json!({ "id": ticket, "tags": ["Venda"] });
    let answer = bridge.set(&format!("/tickets/{ticket}/change-tags"), tags).await;
    assert_eq!(answer["status"], "success");
    let close = json!({ "id": ticket, "status": "ClosedAttendant", "tags": ["Pix"] });
    assert_eq!(bridge.set("/tickets/change-status", close).await["status"], "success");
    let closed = bridge.blip.ticket(&ticket).unwrap();
    assert_eq!((closed.status.as_str(), closed.tags), ("ClosedAttendant", vec!["Pix".to_owned()]));
    for status in ["Open", "ClosedAttendant"] {
        assert_eq!(bridge.change_status(&ticket, status).await["status"], "failure");
    }
    assert_eq!(bridge.blip.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_transfer_ends_the_ticket_and_a_new_one_waits() {
    let bridge = Bridge::start().await;
    let ticket = bridge.open_ticket().await;
    let uri = format!("/tickets/{ticket}/transfer");
    assert_eq!(bridge.set(&uri, json!({ "team": "Nenhuma" })).await["reason"]["code"], 67);
    let answer = bridge.set(&uri, json!({ "team": "Vendas" })).await;
    let new = &answer["resource"];
    assert_eq!((&new["parentSequentialId"], &new["team"]), (&json!(1), &json!("Vendas")));
    assert_eq!(bridge.blip.ticket(&ticket).unwrap().status, "Transferred");
    bridge.blip.settled().await;
    let last = bridge.webhook.bodies().pop().unwrap();
    assert_eq!(last["id"], format!("Ticket:{}:Waiting", new["id"].as_str().unwrap()));
}

#[tokio::test]
async fn an_ending_is_told_or_not_and_deliveries_are_doubled_held_and_tried_again() {
    let bridge = Bridge::start().await;
    let ticket = bridge.open_ticket().await;
    bridge.blip.retries_until_taken();
    bridge.webhook.answer(&[503, 503]);
    assert_eq!(bridge.blip.says(&ticket, "a").await.unwrap().status, Some(200));
    assert_eq!(bridge.webhook.seen().len(), 4);
    bridge.blip.configure(|setup| setup.sends_twice = true);
    bridge.blip.hold();
    bridge.blip.says(&ticket, "b").await.unwrap();
    bridge.blip.closes(&ticket, "ClosedClientInactivity").await.unwrap();
    bridge.blip.release(|order| order.reverse()).await;
    let ids = bridge.webhook.bodies().split_off(4);
    let ids: Vec<&str> = ids.iter().map(|body| body["id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids[0], ids[2]), (4, ids[1], ids[3]));
    assert!(ids[0].ends_with(":ClosedClientInactivity"));
    assert!(bridge.blip.says(&ticket, "c").await.is_err());
}

#[tokio::test]
async fn links_to_files_expire_and_can_be_refreshed() {
    let bridge = Bridge::start().await;
    let ticket = bridge.open_ticket().await;
    bridge.blip.sends_file(&ticket, ("a.png", "image/png"), b"png", Some("veja")).await.unwrap();
    let content = bridge.webhook.bodies().pop().unwrap()["content"].clone();
    let uri = content["uri"].as_str().unwrap();
    let fetch = async |uri: &str| bridge.client.get(uri).send().await.unwrap();
    assert_eq!(fetch(uri).await.bytes().await.unwrap().as_ref(), b"png");
    bridge.blip.expires_media();
    assert_eq!(fetch(uri).await.status(), 403);
    let refresh = json!({ "to": "postmaster@media.msging.net", "method": "set",
        "uri": "/refresh-media-uri", "type": "text/plain", "resource": uri });
    let fresh = bridge.command(refresh).await["resource"].clone();
    assert_eq!(fetch(fresh.as_str().unwrap()).await.status(), 200);
    assert_eq!(fetch(uri).await.status(), 403);
}

#[tokio::test]
async fn receipts_go_both_ways() {
    let bridge = Bridge::start().await;
    let ticket = bridge.open_ticket().await;
    bridge.blip.configure(|setup| setup.sends_receipts = true);
    bridge.say(&ticket, "m1", "oi").await;
    bridge.blip.reads(&ticket).await;
    let events: Vec<Value> =
        bridge.webhook.bodies().iter().skip(1).map(|body| body["event"].clone()).collect();
    assert_eq!(events, ["accepted", "received", "consumed"]);
    let said = bridge.blip.says(&ticket, "olá").await.unwrap();
    let to = format!("{ticket}@desk.msging.net/Webhook");
    let receipt = json!({ "id": said.id, "to": to, "event": "consumed" });
    assert_eq!(bridge.post("/notifications", &receipt).await.status(), 202);
    assert_eq!(bridge.blip.receipts(), [(said.id, "consumed".to_owned())]);
    assert_eq!(bridge.blip.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn one_call_too_many_closes_the_endpoint_for_two_minutes() {
    let bridge = Bridge::start().await;
    let ticket = bridge.open_ticket().await;
    bridge.blip.configure(|setup| {
        setup.throughput =
            Some(Throughput { messages: 2, notifications: 6, commands: 48, penalty_seconds: 120 });
    });
    let mut statuses = Vec::new();
    for id in ["1", "2", "3"] {
        statuses.push(bridge.say(&ticket, id, "x").await);
    }
    bridge.blip.advance(Duration::from_secs(100));
    statuses.push(bridge.say(&ticket, "4", "x").await);
    bridge.blip.advance(Duration::from_secs(21));
    statuses.push(bridge.say(&ticket, "5", "x").await);
    assert_eq!(statuses, [202, 202, 429, 429, 202]);
}

#[tokio::test]
async fn faults_really_happen_and_some_have_an_effect() {
    let bridge = Bridge::start().await;
    let ticket = bridge.open_ticket().await;
    let faults = bridge.blip.faults();
    faults.next("/commands get /ticket/*", Fault::Code("61".into()));
    assert_eq!(bridge.get(DESK, &format!("/ticket/{ticket}")).await["reason"]["code"], 61);
    assert_eq!(bridge.get(DESK, &format!("/ticket/{ticket}")).await["status"], "success");
    faults.from_now("/messages", Fault::LostAnswer);
    let to = format!("{ticket}@desk.msging.net/Webhook");
    let message = json!({ "id": "1", "to": to, "type": "text/plain", "content": "oi" });
    assert!(bridge.request("/messages").json(&message).send().await.is_err());
    faults.lift("/messages");
    assert_eq!(bridge.heard(&ticket), ["oi"]);
    faults.next("/messages", Fault::Reset);
    assert!(bridge.request("/messages").json(&message).send().await.is_err());
    assert_eq!(bridge.heard(&ticket), ["oi"]);
    assert_eq!(bridge.say(&ticket, "2", "tchau").await, 202);
    assert_eq!(bridge.heard(&ticket), ["oi", "tchau"]);
}

/// Posts as the router does.
async fn post_as_router(bridge: &Bridge, path: &str, body: &Value) -> Value {
    let url = format!("{}{path}", bridge.blip.api_url());
    let request = bridge.client.post(url).header("authorization", Router::default().key);
    request.json(body).send().await.unwrap().json().await.unwrap_or_default()
}

#[tokio::test]
async fn templates_belong_to_the_bot_with_the_channel() {
    const WHATSAPP: &str = "postmaster@wa.gw.msging.net";
    let bridge = Bridge::start().await;
    let list = json!({ "id": "c1", "to": WHATSAPP, "method": "get", "uri": "/message-templates" });
    let own = bridge.get(WHATSAPP, "/message-templates?$take=200").await;
    assert_eq!(own["resource"]["data"][0]["name"], "boas_vindas");
    bridge.blip.configure(|setup| setup.router = Some(Router::default()));
    let refused = bridge.get(WHATSAPP, "/message-templates").await;
    assert_eq!(refused["reason"]["code"], 67);
    let told = post_as_router(&bridge, "/commands", &list).await;
    assert_eq!(told["resource"]["data"][0]["status"], "APPROVED");
    assert_eq!(told["to"], Router::default().identity);
    let uri = "/message-templates?templateName=none";
    let named = json!({ "id": "c1", "to": WHATSAPP, "method": "get", "uri": uri });
    let told = post_as_router(&bridge, "/commands", &named).await;
    assert_eq!(told["resource"]["data"], json!([]));
    let desk = json!({ "id": "c1", "to": DESK, "method": "get", "uri": "/tickets" });
    assert_eq!(post_as_router(&bridge, "/commands", &desk).await["resource"]["total"], 0);
    assert!(bridge.blip.violations().is_empty());
}

#[tokio::test]
async fn a_template_is_taken_and_then_fails_as_meta_says() {
    const TO: &str = "5531999990000@wa.gw.msging.net";
    let bridge = Bridge::start().await;
    bridge.blip.configure(|setup| {
        setup.router = Some(Router::default());
        let paused = Template::new("parado", "Oi");
        let paused = Template { status: "PAUSED".to_owned(), ..paused };
        setup.templates = Some(vec![Template::new("oi", "Oi {{1}}"), paused]);
    });
    let send = async |id: &str, name: &str, parameters: &[&str]| {
        let parameters: Vec<Value> =
            parameters.iter().map(|text| json!({ "type": "text", "text": text })).collect();
        let components = if parameters.is_empty() {
            json!([])
        } else {
            json!([{ "type": "body", "parameters": parameters }])
        };
        let template = json!({ "name": name, "language": { "code": "pt_BR" },
            "components": components });
        let message = json!({ "id": id, "to": TO, "type": "application/json",
            "content": { "type": "template", "template": template } });
        post_as_router(&bridge, "/messages", &message).await;
        let uri = format!("/notifications?id={id}");
        let asked = json!({ "id": "c1", "method": "get", "uri": uri });
        let told = post_as_router(&bridge, "/commands", &asked).await;
        told["resource"]["items"][0]["reason"]["code"].as_i64()
    };
    for (number, (name, parameters, code)) in [
        ("oi", vec!["Ana"], None),
        ("oi", vec![], Some(132_000)),
        ("oi", vec!["Ana", "Bia"], Some(132_000)),
        ("oi", vec!["a\nb"], Some(132_012)),
        ("none", vec![], Some(132_001)),
        ("parado", vec![], Some(132_015)),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(
            send(&format!("m{number}"), name, &parameters).await,
            code,
            "{name} {parameters:?}"
        );
    }
    assert_eq!(bridge.blip.templates(TO).len(), 1);
    let of_bot = bridge.get("postmaster@msging.net", "/notifications").await;
    assert_eq!(of_bot["resource"]["total"], 0, "the bot is told nothing of it");
    assert!(bridge.blip.violations().is_empty());
    let text = json!({ "id": "t", "to": TO, "type": "text/plain", "content": "Oi" });
    bridge.post("/messages", &text).await;
    assert!(bridge.blip.violations()[0].contains("another bot has the channel"));
}

#[tokio::test]
async fn an_active_message_has_a_name_of_its_own_and_asks_for_no_open_ticket() {
    const CAMPAIGNS: &str = "postmaster@activecampaign.msging.net";
    let bridge = Bridge::start().await;
    bridge.blip.configure(|setup| {
        setup.router = Some(Router::default());
        setup.without_whatsapp = vec!["+5531900000000".to_owned()];
    });
    let send = async |name: &str, to: &str, keys: &[&str]| {
        let resource = json!({
            "campaign": { "name": name, "campaignType": "Individual", "channelType": "WhatsApp",
                "flowId": "f", "stateId": "s", "masterstate": "lojademo@msging.net" },
            "audience": { "recipient": to, "messageParams": { "1": "Ana" } },
            "message": { "messageTemplate": "boas_vindas", "messageTemplateLanguage": "pt_BR",
                "messageParams": keys, "channelType": "WhatsApp" } });
        let command = json!({ "id": "c1", "to": CAMPAIGNS, "method": "set",
            "uri": "/campaign/full", "resource": resource,
            "type": "application/vnd.iris.activecampaign.full-campaign+json" });
        post_as_router(&bridge, "/commands", &command).await
    };
    let ask = async |uri: String| {
        let command = json!({ "id": "c1", "to": CAMPAIGNS, "method": "get", "uri": uri });
        post_as_router(&bridge, "/commands", &command).await["resource"]["items"][0].clone()
    };
    let sent = send("a", "+5531988889999", &["1"]).await;
    assert_eq!(sent["resource"]["stateId"], "s", "{sent}");
    let id = sent["resource"]["id"].as_str().unwrap();
    let told = ask(format!("/campaigns/{id}/summaries")).await;
    assert_eq!(told["statusAudience"][0]["Status"], "DELIVERED");
    assert_eq!(bridge.blip.templates("553188889999@wa.gw.msging.net").len(), 1);
    assert_eq!(send("a", "+5531988889999", &["1"]).await["reason"]["code"], 64, "paid for once");
    assert_eq!(ask("/campaigns".to_owned()).await["name"], "a");
    let lost = send("b", "+5531900000000", &["1"]).await;
    let id = lost["resource"]["id"].as_str().unwrap();
    let told = ask(format!("/campaigns/{id}/summaries")).await;
    assert_eq!(told["statusAudience"][0]["ReasonCode"], 131_026);
    let customer = NewTicket::saying("Maria", "553188889999@wa.gw.msging.net", "Oi");
    bridge.blip.opens_ticket(customer).await;
    assert_eq!(send("c", "+5531988889999", &["1"]).await["reason"]["code"], 66);
    let allowed = ("ActiveMessageCanSendWithOpenTicket".to_owned(), "True".to_owned());
    bridge.blip.configure(|setup| setup.configuration.push(allowed.clone()));
    assert_eq!(send("c", "+5531988889999", &["1"]).await["status"], "success");
    assert!(bridge.blip.violations().is_empty());
    send("d", "31988889999", &["1"]).await;
    send("d", "+5531988889999", &["2"]).await;
    assert_eq!(bridge.blip.violations().len(), 2, "{:?}", bridge.blip.violations());
}

#[tokio::test]
async fn standby_needs_the_desk_to_have_it_and_an_agent_to_have_written() {
    let bridge = Bridge::start().await;
    let ticket = bridge.blip.opens_ticket(NewTicket::default()).await.id;
    let set = async |what: &str| {
        bridge.set(&format!("/tickets/{ticket}/{what}"), json!({ "id": ticket })).await
    };
    let is_refused = |answer: &Value, why: &str| {
        answer["status"] == "failure" && answer["reason"]["description"] == why
    };
    let answer = set("pause-inactivity").await;
    assert!(is_refused(&answer, "The standby mode is not enabled"), "{answer}");
    let enabled = ("TicketStandbyModeEnabled".to_owned(), "True".to_owned());
    bridge.blip.configure(|setup| setup.configuration.push(enabled));
    let answer = set("pause-inactivity").await;
    assert!(is_refused(&answer, "The agent has sent no message yet"), "{answer}");
    assert_eq!(bridge.change_status(&ticket, "Open").await["status"], "success");
    assert_eq!(bridge.say(&ticket, "t", "Oi").await, 202);
    assert_eq!(set("resume-inactivity").await["reason"]["code"], 21);
    assert_eq!(set("pause-inactivity").await["status"], "success");
    assert_eq!(set("pause-inactivity").await["reason"]["code"], 21);
    assert!(bridge.blip.ticket(&ticket).unwrap().is_on_standby);
    bridge.blip.ends_standby(&ticket).await.unwrap();
    assert_eq!(set("resume-inactivity").await["reason"]["code"], 21);
    assert!(bridge.blip.violations().is_empty());
}

#[tokio::test]
async fn a_number_is_checked_with_its_plus_and_not_too_often() {
    const WHATSAPP: &str = "postmaster@wa.gw.msging.net";
    let bridge = Bridge::start().await;
    bridge.blip.configure(|setup| setup.without_whatsapp = vec!["+5531900000000".to_owned()]);
    let check = async |number: &str| {
        bridge.get(WHATSAPP, &format!("lime://wa.gw.msging.net/accounts/{number}")).await
    };
    let found = check("+5531988889999").await;
    assert_eq!(found["resource"]["alternativeAccount"], "553188889999@wa.gw.msging.net");
    assert_eq!(check("+5531900000000").await["reason"]["code"], 67);
    assert_eq!(check("5531900000000").await["status"], "success", "without the plus all exist");
    assert!(bridge.blip.violations().is_empty());
    for _ in 0..10 {
        check("+5531988889999").await;
    }
    assert!(!bridge.blip.violations().is_empty());
}
