//! Nothing that an agent sends vanishes: what is more than words goes out in a form that a customer
//! can read, or is told of; and nothing that was meant for colleagues goes out.

use blip_slack::demo::{ANA, BIA, CHANNEL};
use blip_slack::model::TicketId;
use blip_slack_standins::faults::Fault;
use blip_slack_standins::slack::{File, Message};
use serde_json::{Value, json};

use crate::support::Bridge;

const ACCEPTED: &str = "envelope_with_arrow";

fn words(text: &str) -> Value {
    json!({"type": "rich_text", "elements": [
        {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}]})
}

fn cell(text: &str) -> Value {
    json!({"type": "raw_text", "text": text})
}

fn table() -> Value {
    json!({"type": "table", "rows": [[cell("Plano"), cell("Preco")], [cell("Basico"), cell("R$ 50")]]})
}

/// A table as Slack hangs one on a message that is pasted.
fn pasted() -> Vec<Value> {
    vec![json!({"id": 1, "fallback": "[no preview available]", "blocks": [table()]})]
}

/// A message of another channel as Slack hangs it on one that forwards it.
fn forwarded(text: &str) -> Value {
    json!({"id": 1, "ts": "1725646540.483529", "is_msg_unfurl": true, "is_share": true,
        "author_name": "Lev", "text": text, "fallback": format!("[…] lev: {text}"),
        "from_url": "https://x.slack.com/archives/C1/p1725646540483529",
        "message_blocks": [{"message": {"blocks": [words(text)]}}]})
}

async fn writes(bridge: &Bridge, user: &str, card: &Message, message: Message) -> String {
    let ts = bridge.slack.writes(user, CHANNEL, Some(&card.ts), message).await.unwrap().ts;
    bridge.idle().await;
    ts
}

fn has_mark(bridge: &Bridge, ts: &str, name: &str) -> bool {
    bridge.slack.reactions(CHANNEL, ts).iter().any(|(mark, _)| mark == name)
}

fn is_claimed(bridge: &Bridge, ticket: &str) -> bool {
    bridge.blip.ticket(ticket).unwrap().is_assigned()
}

/// What the app said last in the thread.
fn last_line(bridge: &Bridge, card: &Message) -> String {
    let ours = bridge.replies(card).into_iter().rfind(|message| message.ours);
    ours.map(|message| message.words()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_reaches_the_customer_as_lines() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let sentence = "Segue a tabela de precos:";
    let rows = "Plano | Preco\nBasico | R$ 50";
    let both = format!("{sentence}\n{rows}");
    let rich_cell = |text: &str| words(text);
    let rich = json!({"type": "table", "rows": [
        [rich_cell("Plano"), rich_cell("Preco")], [rich_cell("Basico"), rich_cell("R$ 50")]]});
    let gaps = json!({"type": "table", "rows": [
        [cell("Plano"), cell(""), cell("Preco")], [cell(""), cell("a\nb &amp; c")], [cell("")]]});
    let counted = json!({"type": "data_table", "caption": "Planos", "rows": [
        [cell("Plano"), cell("Preco")], [cell("Basico"), {"type": "raw_number", "value": 50}]]});
    let cases: Vec<(&str, Vec<Value>, Vec<Value>, &str)> = vec![
        (sentence, vec![words(sentence)], pasted(), both.as_str()),
        ("", vec![], pasted(), rows),
        ("[no preview available]", vec![], pasted(), rows),
        (sentence, vec![words(sentence), table()], vec![], &both),
        ("", vec![table()], vec![], rows),
        ("[no preview available]", vec![table()], vec![], rows),
        ("", vec![rich], vec![], rows),
        ("", vec![gaps], vec![], "Plano | – | Preco\n– | a b & c"),
        ("", vec![counted], vec![], "Planos\nPlano | Preco\nBasico | 50"),
    ];
    for (text, blocks, attachments, read) in cases {
        let text = text.to_owned();
        let message = Message { text, blocks, attachments, ..Message::default() };
        let ts = writes(&bridge, ANA, &card, message).await;
        assert_eq!(bridge.received(&ticket).last().unwrap(), read);
        assert!(has_mark(&bridge, &ts, ACCEPTED), "{read}");
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_only_adds_or_changes_a_table_is_an_edit() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let ts = bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Segue:").await.unwrap().ts;
    bridge.idle().await;
    let add = |old: Message| Message { attachments: pasted(), ..old };
    bridge.slack.rewrites(ANA, CHANNEL, &ts, add).await.unwrap();
    bridge.idle().await;
    let question = bridge.slack.ephemerals(ANA).pop().unwrap().ts;
    bridge.slack.clicks(ANA, CHANNEL, &question, "correct").await.unwrap();
    bridge.idle().await;
    let rows = "Segue:\nPlano | Preco\nBasico | R$ 50";
    assert_eq!(bridge.received(&ticket), ["Segue:", rows]);
    let change = |mut old: Message| {
        old.attachments[0]["blocks"][0]["rows"][1][1]["text"] = json!("R$ 60");
        old
    };
    bridge.slack.rewrites(ANA, CHANNEL, &ts, change).await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.slack.ephemerals(ANA).len(), 2);
    bridge.slack.unfurls(CHANNEL, &ts, "https://loja.example").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.slack.ephemerals(ANA).len(), 2, "a preview is no edit");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_sent_is_told_and_claims_and_answers_nothing() {
    let image = json!({"type": "image", "image_url": "https://x.example/a.gif", "alt_text": "a"});
    let future = json!({"type": "hologram", "body": {"text": "oi"}});
    let bot_like = json!({"id": 1, "color": "good", "text": "Pedido 12", "fields": []});
    let odd = json!({"type": "rich_text", "elements": [
        {"type": "rich_text_section", "elements": [{"type": "hologram", "id": "H1"}]}]});
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    for (blocks, attachments, named) in [
        (vec![image], vec![], "an image"),
        (vec![future], vec![], "hologram"),
        (vec![odd], vec![], "hologram"),
        (vec![json!({"type": "file", "external_id": "x", "source": "remote"})], vec![], "file"),
        (vec![], vec![bot_like], "attachment"),
        (vec![], vec![], "message"),
    ] {
        let message = Message { blocks, attachments, ..Message::default() };
        let ts = writes(&bridge, ANA, &card, message).await;
        let line = last_line(&bridge, &card);
        assert!(line.contains("Ana Lima") && line.contains(named), "{named}: {line}");
        assert!(has_mark(&bridge, &ts, "lock") && !has_mark(&bridge, &ts, ACCEPTED), "{named}");
        assert!(!is_claimed(&bridge, &ticket), "{named}");
    }
    assert!(bridge.received(&ticket).is_empty());
    // Nor has anybody been answered.
    let id = TicketId::parse(&format!("default/{ticket}")).unwrap();
    let known = bridge.app().unwrap().store().load_ticket(&id).await.unwrap().unwrap();
    assert!(known.unanswered.is_some());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_with_something_that_cannot_be_sent_goes_out_without_it_and_says_so() {
    let bridge = Bridge::start().await;
    bridge.blip.configure(|setup| setup.sends_receipts = true);
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let image = json!({"type": "image", "image_url": "https://x.example/a.gif", "alt_text": "a"});
    let message = Message {
        text: "Veja".to_owned(),
        blocks: vec![words("Veja"), image],
        ..Message::default()
    };
    let ts = writes(&bridge, ANA, &card, message).await;
    assert_eq!(bridge.received(&ticket), ["Veja"]);
    assert!(last_line(&bridge, &card).contains("an image"));
    bridge.blip.reads(&ticket).await;
    bridge.idle().await;
    let marks = bridge.slack.reactions(CHANNEL, &ts);
    let names: Vec<&str> = marks.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["warning"], "no mark says that the customer got it all");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_blocks_of_words_are_sent_as_words() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let mrkdwn = |text: &str| json!({"type": "mrkdwn", "text": text});
    for (block, read) in [
        (json!({"type": "section", "text": mrkdwn("Olá *Maria* &amp; cia")}), "Olá *Maria* & cia"),
        (
            json!({"type": "section", "fields": [mrkdwn("Plano"), {"type": "plain_text", "text": "*R$* 50"}]}),
            "Plano\n*R$* 50",
        ),
        (json!({"type": "header", "text": {"type": "plain_text", "text": "Bom dia"}}), "Bom dia"),
        (json!({"type": "context", "elements": [mrkdwn("nota _fina_")]}), "nota _fina_"),
    ] {
        let message = Message { blocks: vec![block], ..Message::default() };
        let ts = writes(&bridge, ANA, &card, message).await;
        assert_eq!(bridge.received(&ticket).last().unwrap(), read);
        assert!(has_mark(&bridge, &ts, ACCEPTED), "{read}");
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forwarded_message_is_kept_until_its_sender_says_that_it_may_go() {
    let bridge = Bridge::with(&[("PUBLIC_URL", "https://bridge.example.com")]).await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let mut attachment = forwarded("O codigo de rastreio e BR000000000");
    let file = bridge.slack.adds_file(File::hosted("nota.pdf", b"%PDF-1.4 nota"));
    attachment["files"] =
        json!([{"id": file, "mode": "file_access", "file_access": "check_file_info"}]);
    let message = Message { attachments: vec![attachment], ..Message::default() };
    let ts = writes(&bridge, ANA, &card, message).await;
    assert!(bridge.received(&ticket).is_empty() && !is_claimed(&bridge, &ticket));
    assert!(has_mark(&bridge, &ts, "lock") && !has_mark(&bridge, &ts, ACCEPTED));
    assert!(last_line(&bridge, &card).contains("a forwarded message"));
    let question = bridge.slack.ephemerals(ANA).pop().unwrap();
    assert!(question.words().contains("forwarded"), "{}", question.words());
    bridge.slack.clicks(ANA, CHANNEL, &question.ts, "take_over_and_send").await.unwrap();
    bridge.idle().await;
    assert_eq!(bridge.received(&ticket)[0], "O codigo de rastreio e BR000000000");
    let sent = bridge.blip.received(&ticket);
    assert_eq!(sent[1].content["title"], "nota.pdf");
    assert!(is_claimed(&bridge, &ticket));
    assert!(has_mark(&bridge, &ts, ACCEPTED) && !has_mark(&bridge, &ts, "lock"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comment_is_sent_without_the_message_that_it_forwards() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let message = Message {
        text: "veja isto".to_owned(),
        blocks: vec![words("veja isto")],
        attachments: vec![forwarded("mensagem encaminhada")],
        ..Message::default()
    };
    let ts = writes(&bridge, ANA, &card, message).await;
    assert_eq!(bridge.received(&ticket), ["veja isto"]);
    assert!(last_line(&bridge, &card).contains("a forwarded message"));
    assert!(!has_mark(&bridge, &ts, ACCEPTED) && !has_mark(&bridge, &ts, "lock"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_preview_of_a_link_is_never_sent_and_nobody_is_told_of_it() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let permalink = "https://x.slack.com/archives/C1/p1725646540483529";
    let mut internal = forwarded("assunto interno");
    internal["is_share"] = json!(false);
    let page = json!({"id": 2, "from_url": "https://loja.example", "title": "Loja", "text": "x"});
    let link = json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
        {"type": "text", "text": "Veja "}, {"type": "link", "url": permalink}]}]});
    let message = Message {
        text: format!("Veja <{permalink}>"),
        blocks: vec![link],
        attachments: vec![internal, page],
        ..Message::default()
    };
    let ts = writes(&bridge, ANA, &card, message).await;
    assert_eq!(bridge.received(&ticket), [format!("Veja {permalink}")]);
    assert!(has_mark(&bridge, &ts, ACCEPTED));
    assert_eq!(last_line(&bridge, &card), "");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_sent_claims_nothing() {
    let bridge = Bridge::with(&[("PUBLIC_URL", "https://bridge.example.com")]).await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let file = File { mode: "external".to_owned(), ..File::hosted("a.pdf", b"%PDF-1.4") };
    bridge.slack.shares_all(ANA, CHANNEL, Some(&card.ts), vec![file], "").await.unwrap();
    bridge.idle().await;
    assert!(last_line(&bridge, &card).contains("a.pdf"));
    assert!(!is_claimed(&bridge, &ticket));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_sent_is_not_asked_about_but_told_to_who_does_not_hold_the_ticket() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.says(BIA, CHANNEL, Some(&card.ts), "Oi!").await.unwrap();
    bridge.idle().await;
    let image = json!({"type": "image", "image_url": "https://x.example/a.gif", "alt_text": "a"});
    let message = Message { blocks: vec![image], ..Message::default() };
    writes(&bridge, ANA, &card, message).await;
    assert_eq!(bridge.received(&ticket), ["Oi!"]);
    assert!(last_line(&bridge, &card).contains("an image"));
    assert!(bridge.slack.ephemerals(ANA).is_empty());
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notes_stay_notes_whatever_stands_around_their_sign() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Oi!").await.unwrap();
    bridge.idle().await;
    bridge.slack.add_group("S1", "financeiro", &[BIA]);
    let section = |runs: Value| json!({"type": "rich_text_section", "elements": runs});
    let text = |text: &str| json!({"type": "text", "text": text});
    let emoji = json!({"type": "emoji", "name": "eyes", "unicode": "1f440"});
    let bia = json!({"type": "user", "user_id": BIA});
    let group = json!({"type": "usergroup", "usergroup_id": "S1"});
    let code = json!({"type": "rich_text_preformatted", "elements": [text("senha 🔒 123")]});
    let named = json!({"type": "rich_text_preformatted", "elements": [text("a :lock: b")]});
    let label = json!({"type": "link", "url": "https://loja.example", "text": "pedido 🔒"});
    let mut notes = vec![
        vec![code],
        vec![named],
        vec![section(json!([label]))],
        vec![section(json!([])), section(json!([text("// só nós")]))],
        vec![section(json!([text("\n")])), section(json!([text("// só nós")]))],
        vec![section(json!([emoji, text(" // só nós")]))],
        vec![section(json!([emoji, text(" "), bia, text(" vê isto?")]))],
        vec![section(json!([emoji, text(" "), group, text(" vê isto?")]))],
        vec![section(json!([text("... "), bia, text(" vê isto?")]))],
        vec![section(json!([text("\u{3164}"), bia, text(" vê isto?")]))],
        vec![section(json!([text("1️⃣ "), bia, text(" vê isto?")]))],
    ];
    for invisible in [
        '\u{200B}',
        '\u{FEFF}',
        '\u{2060}',
        '\u{200E}',
        '\u{202B}',
        '\u{2068}',
        '\u{AD}',
        '\u{FE0F}',
        '\u{3164}',
        '\u{115F}',
        '\u{FFA0}',
        '\u{180E}',
        '\u{A0}',
        '\u{2800}',
        '\u{E0020}',
    ] {
        notes.push(vec![section(json!([text(&format!("{invisible} // só nós"))]))]);
        if !invisible.is_whitespace() {
            notes.push(vec![section(json!([text(&format!("/{invisible}/ só nós"))]))]);
        }
    }
    for elements in notes {
        let block = json!({"type": "rich_text", "elements": elements});
        let message =
            Message { text: "x".to_owned(), blocks: vec![block.clone()], ..Message::default() };
        let ts = writes(&bridge, ANA, &card, message).await;
        assert!(has_mark(&bridge, &ts, "lock"), "{block}");
    }
    assert_eq!(bridge.received(&ticket), ["Oi!"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mention_or_slashes_in_the_middle_make_no_note() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let section = |runs: Value| json!({"type": "rich_text_section", "elements": runs});
    let text = |text: &str| json!({"type": "text", "text": text});
    let bia = json!({"type": "user", "user_id": BIA});
    let open = [section(json!([text("Fale com "), bia])), section(json!([text("R$ 1//2")]))];
    let block = json!({"type": "rich_text", "elements": open});
    writes(&bridge, ANA, &card, Message { blocks: vec![block], ..Message::default() }).await;
    assert_eq!(bridge.received(&ticket), ["Fale com @Bia Souza\nR$ 1//2"]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_slack_made_an_emoji_is_one() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let section = |runs: Value| {
        let section = json!({"type": "rich_text_section", "elements": runs});
        json!({"type": "rich_text", "elements": [section]})
    };
    let text = |text: &str| json!({"type": "text", "text": text});
    let custom = json!({"type": "emoji", "name": "nossa_loja"});
    let address = "https://loja.example/pedido:id:55";
    let link = json!({"type": "link", "url": address, "text": address});
    for (block, read) in [
        (section(json!([text("o MAC é 3c:ab:12:5e:00:0f, o IPv6 2001:db8:a:b:c::1")])), None),
        (section(json!([text("chave :key: valor")])), None),
        (section(json!([link])), Some(address)),
        (section(json!([text("Da "), custom])), Some("Da nossa_loja")),
    ] {
        let message = Message { blocks: vec![block.clone()], ..Message::default() };
        writes(&bridge, ANA, &card, message).await;
        let typed = block.pointer("/elements/0/elements/0/text").unwrap().as_str().unwrap();
        assert_eq!(bridge.received(&ticket).last().unwrap(), read.unwrap_or(typed));
    }
    let bia = json!({"type": "user", "user_id": BIA});
    let note = section(json!([custom, text(" "), bia, text(" vê isto?")]));
    let ts =
        writes(&bridge, ANA, &card, Message { blocks: vec![note], ..Message::default() }).await;
    assert!(has_mark(&bridge, &ts, "lock"));
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_and_quotes_are_nested_as_slack_shows_them() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let item = |text: &str| json!({"type": "rich_text_section", "elements": [{"type": "text", "text": text}]});
    let list = |style: &str, indent: u32, border: u32, items: &[&str]| {
        let items: Vec<Value> = items.iter().map(|text| item(text)).collect();
        json!({"type": "rich_text_list", "style": style, "indent": indent, "border": border,
            "elements": items})
    };
    let block = json!({"type": "rich_text", "elements": [
        list("ordered", 0, 0, &["um"]), list("ordered", 1, 0, &["dois", "três"]),
        list("ordered", 2, 0, &["quatro", "cinco"]), list("bullet", 1, 0, &["ponto"]),
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "disse"}]},
        list("bullet", 0, 1, &["na citação"]),
    ]});
    writes(&bridge, ANA, &card, Message { blocks: vec![block], ..Message::default() }).await;
    let read = "1. um\n  a. dois\n  b. três\n    i. quatro\n    ii. cinco\n  ◦ ponto\n> disse\n> • na citação";
    assert_eq!(bridge.received(&ticket), [read]);
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_slack_refuses_with_any_code_holds_no_reply_up() {
    let bridge = Bridge::start().await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    bridge.slack.says(ANA, CHANNEL, Some(&card.ts), "Oi!").await.unwrap();
    bridge.idle().await;
    for (number, (method, codes, element, read)) in [
        (
            "users.info",
            &["user_not_visible", "access_denied"][..],
            json!({"type": "user", "user_id": "U0GONE"}),
            "@…",
        ),
        (
            "conversations.info",
            &["method_not_supported_for_channel_type", "team_access_not_granted"],
            json!({"type": "channel", "channel_id": "C0GONE"}),
            "#…",
        ),
        (
            "usergroups.list",
            &["plan_upgrade_required", "permission_denied", "a_code_to_come"],
            json!({"type": "usergroup", "usergroup_id": "S0GONE"}),
            "@…",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        for code in codes {
            bridge.slack.faults().next(method, Fault::Code((*code).to_owned()));
            let text = |text: &str| json!({"type": "text", "text": text});
            let runs = json!([text(&format!("{number} fale com ")), element, text(" hoje")]);
            let block = json!({"type": "rich_text", "elements": [
                {"type": "rich_text_section", "elements": runs}]});
            writes(&bridge, ANA, &card, Message { blocks: vec![block], ..Message::default() })
                .await;
            let expected = format!("{number} fale com {read} hoje");
            assert_eq!(*bridge.received(&ticket).last().unwrap(), expected, "{code}");
        }
    }
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_slack_keeps_beside_files_is_refused_at_once_with_the_true_reason() {
    let bridge = Bridge::with(&[("PUBLIC_URL", "https://bridge.example.com")]).await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    for (mode, mime, reason) in [
        ("quip", "application/vnd.slack-docs", "canvas"),
        ("list", "application/vnd.slack-list", "a list"),
        ("post", "text/html", "a post"),
        ("email", "text/html", "email"),
    ] {
        let (mode, mime) = (mode.to_owned(), mime.to_owned());
        let file = File { mode, mime, ..File::hosted("Notas", b"<html></html>") };
        bridge.slack.shares_all(ANA, CHANNEL, Some(&card.ts), vec![file], "").await.unwrap();
        bridge.slack.says(ANA, CHANNEL, Some(&card.ts), reason).await.unwrap();
        bridge.idle().await;
        let line = last_line(&bridge, &card);
        assert!(line.contains("Notas") && line.contains(reason), "{line}");
        assert_eq!(bridge.received(&ticket).last().unwrap(), reason);
    }
    assert!(bridge.slack.calls("download").is_empty(), "nothing was tried");
    bridge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agents_file_without_an_ending_gets_that_of_its_type() {
    let bridge = Bridge::with(&[("PUBLIC_URL", "https://bridge.example.com")]).await;
    let (ticket, card) = bridge.ticket("Maria", "Oi").await;
    let file = |name: &str, mime: &str| File {
        mime: mime.to_owned(),
        ..File::hosted(name, b"%PDF-1.4 contrato")
    };
    let files =
        vec![file("Contrato assinado", "application/pdf"), file("b.final", "application/pdf")];
    bridge.slack.shares_all(ANA, CHANNEL, Some(&card.ts), files, "").await.unwrap();
    bridge.idle().await;
    let sent = bridge.blip.received(&ticket);
    let titles: Vec<&Value> = sent.iter().map(|message| &message.content["title"]).collect();
    assert_eq!(titles, ["Contrato assinado.pdf", "b.final.pdf"]);
    bridge.finish().await;
}
