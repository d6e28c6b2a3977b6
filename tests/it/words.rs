//! What an agent writes in Slack, as the customer reads it.

use std::collections::HashMap;

use blip_slack::blip::text::{MentionNames, StyleMarks, write_plain_text};
use blip_slack::model::{ChannelId, SlackUserId};
use blip_slack::slack::{emoji, message, mrkdwn};
use proptest::prelude::*;
use serde_json::{Value, json};

fn names() -> MentionNames {
    MentionNames {
        people: HashMap::from([(SlackUserId::parse("U1").unwrap(), "Ana".to_owned())]),
        channels: HashMap::from([(ChannelId::parse("C1").unwrap(), "vendas".to_owned())]),
        groups: HashMap::from([("S1".to_owned(), "financeiro".to_owned())]),
    }
}

fn on_whatsapp(blocks: Option<&Value>, text: &str) -> String {
    let message = json!({"text": text, "blocks": blocks});
    write_plain_text(
        &message::read_message(&message).text,
        &names(),
        &StyleMarks::for_domain("wa.gw.msging.net"),
    )
}

#[test]
fn customer_reads_clean_text_whatever_the_agent_used() {
    for (text, read) in [
        ("Oi, *Maria*! Tudo bem? :wave::skin-tone-4:", "Oi, *Maria*! Tudo bem? 👋🏽"),
        ("Preço &lt; R$ 100 &amp; frete grátis", "Preço < R$ 100 & frete grátis"),
        ("Digite &amp;lt; no campo", "Digite &lt; no campo"),
        ("Falei com <@U1> e <@U9>, do <#C1>", "Falei com @Ana e @…, do #vendas"),
        ("<!here> <!subteam^S1>", "@here @financeiro"),
        (
            "Segue a <https://loja.com/b?id=1&amp;v=2|2ª via>, ou veja <https://loja.com>",
            "Segue a 2ª via (https://loja.com/b?id=1&v=2), ou veja https://loja.com",
        ),
        ("<mailto:sac@loja.com|sac@loja.com>", "sac@loja.com"),
        ("Vence <!date^1392734382^{date}|18/02>", "Vence 18/02"),
        ("Abrimos às 10:30:00 :one: :flag-br:", "Abrimos às 10:30:00 1️⃣ 🇧🇷"),
        ("&gt; não abre\nTente `:q!` já", "> não abre\nTente ```:q!``` já"),
        ("use_nome_assim e 2*3*4", "use_nome_assim e 2*3*4"),
    ] {
        assert_eq!(on_whatsapp(None, text), read, "{text}");
    }
}

#[test]
fn customer_reads_the_same_from_the_block_as_from_the_markup() {
    let text = "*Olá,* <@U1> :wave::skin-tone-3:\n&gt; A &amp; B\n```a &lt; b```";
    let blocks = json!([{"type": "rich_text", "elements": [
        {"type": "rich_text_section", "elements": [
            {"type": "text", "text": "Olá,", "style": {"bold": true}},
            {"type": "text", "text": " "},
            {"type": "user", "user_id": "U1"},
            {"type": "text", "text": " "},
            {"type": "emoji", "name": "wave", "unicode": "1f44b-1f3fc", "skin_tone": 3},
            {"type": "text", "text": "\n"},
        ]},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "A & B"}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "a < b"}]},
    ]}]);
    assert_eq!(on_whatsapp(Some(&blocks), text), "*Olá,* @Ana 👋🏼\n> A & B\n```a < b```");
    assert_eq!(on_whatsapp(None, text), on_whatsapp(Some(&blocks), text));
}

/// A piece of an agent's message as Slack writes it.
fn piece() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["wave", "+1", "slightly_smiling_face", "flag-br", "100"]);
    prop_oneof![
        4 => "[a-zé.,*_~ \n]{1,8}",
        1 => r"<@U[0-9]{1,2}(\|[a-z]{0,4})?>",
        1 => r"<#C[0-9]{1,2}(\|[a-z]{0,4})?>",
        1 => r"<!(here|channel|subteam\^S[0-9](\|@x)?|date\^[0-9]{1,12}\^\{d\}(\|ontem)?|[a-z]{1,4})>",
        1 => r"<(https://a\.b/|mailto:a@|tel:)[a-z]{1,5}(\|[a-z &]{0,5})?>",
        1 => name.prop_map(|name| format!(":{name}:")),
        1 => (2..7).prop_map(|tone| format!(":wave::skin-tone-{tone}:")),
        1 => Just(" &amp; &lt; &gt; ".to_owned()),
    ]
}

proptest! {
    #[test]
    fn no_slack_markup_reaches_a_customer(pieces in prop::collection::vec(piece(), 0..12)) {
        let text = pieces.concat();
        for domain in ["wa.gw.msging.net", "0mn.io"] {
            let read = write_plain_text(&mrkdwn::read_mrkdwn(&text), &names(), &StyleMarks::for_domain(domain));
            for raw in ["<@", "<#", "<!", "&amp;", "&lt;", "&gt;", "subteam", "mailto:"] {
                prop_assert!(!read.contains(raw), "{raw} in {read:?}");
            }
            prop_assert_eq!(emoji::replace_emoji_names(&read), read.as_str());
        }
    }
}
