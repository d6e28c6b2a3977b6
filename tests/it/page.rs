//! The demo's page in a real browser: a whole ticket by mouse and by keyboard, with a real kill in
//! the middle, with trouble at the platforms, and no word of complaint from the browser; and whether
//! everybody can use it.
//!
//! `PICTURES=folder` keeps pictures of the page there. `AXE_CORE=file` is axe-core's `axe.min.js`, which
//! `.ci/run` fetches; without it, what it would find is not looked for.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::browser::{Browser, DOWN, ENTER};
use crate::support::{note, wish};

/// The words of each picture in `docs`, without times, and with one mark for all that tell of a delivery.
const WORDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/page");

/// The whole demo as it is started.
pub struct Demo(Child);

impl Demo {
    /// Starts it; with its address.
    pub fn start() -> (Self, String) {
        let mut demo = Command::new(env!("CARGO_BIN_EXE_blip-slack"));
        demo.args(["demo", "--port", "0"]).env_clear();
        let mut demo = demo.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(demo.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("http")).unwrap().to_owned();
        (Self(demo), url)
    }
}

impl Drop for Demo {
    /// Asks it to stop, so that it stops the service too.
    fn drop(&mut self) {
        Command::new("kill").arg(self.0.id().to_string()).status().unwrap();
        self.0.wait().unwrap();
    }
}

/// What is said on the phone and in the thread, as often as it is.
fn count(list: &str, text: &str) -> String {
    let (list, text) = (json!(list), json!(text));
    format!(
        "[...document.querySelectorAll({list})].filter((it) => it.innerText.includes({text})).length"
    )
}

/// Keeps a picture of the whole page, or of an element, with the words of `parts`, or looks whether
/// these are still those of the picture.
async fn keep(browser: &Browser, name: &str, selector: Option<&str>, parts: &str) {
    let parts = json!(parts);
    let shown = format!(
        "[...document.querySelectorAll({parts})].map((it) => it.innerText).join('\\n')\
        .replace(/\\d?\\d:\\d\\d( [AP]M)?/g, '0:00').replace(/[📩📬👓]/gu, '📩').replace(/\\s+/g, ' ')"
    );
    let file = Path::new(WORDS).join(format!("{name}.txt"));
    let Some(folder) = wish("PICTURES") else {
        let words = std::fs::read_to_string(&file).unwrap();
        let is_same = format!("{shown} === {}", json!(words.trim_end()));
        let hint = format!(
            "docs/{name}.png is not what the page shows; to take the pictures anew: \
            PICTURES=docs cargo test --locked --test it page::"
        );
        return browser.sees_or(&is_same, &hint).await;
    };
    // What has just come fades in.
    browser.sees("document.getAnimations().every(it => it.playState === 'finished')").await;
    let picture = match selector {
        Some(selector) => browser.picture_of(selector).await,
        None => browser.picture().await,
    };
    let picture = STANDARD.decode(picture).unwrap();
    std::fs::write(Path::new(&folder).join(format!("{name}.png")), picture).unwrap();
    if folder == "docs" {
        let words = browser.run(&format!("return {shown}")).await;
        std::fs::write(file, format!("{}\n", words.as_str().unwrap())).unwrap();
    }
}

/// The browser had nothing to complain of, no block was of a kind that the page does not know, and
/// the platforms refused nothing.
async fn finish(browser: &Browser) {
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{complaints:#?}");
    browser.sees("!document.querySelector('.b-unknown, #broken li')").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_by_mouse_goes_through_a_kill_of_the_service() {
    let Some(browser) = Browser::open(1440, 900).await else { return };
    let (_demo, url) = Demo::start();
    browser.goes_to(&format!("{url}#tour=off")).await;
    browser.sees("document.querySelector('#empty')?.offsetParent").await;
    browser.clicks("#openers button").await;
    browser.sees("document.querySelector('#empty').hidden").await;
    browser.clicks("#messages [data-press*=claim]").await;
    browser.clicks("#messages .answers").await;
    browser.types("#answer textarea", "Oi, Maria! Vou ver isso agora").await;
    browser.clicks("#answer .send").await;
    browser.sees(&count("#said .theirs", "Vou ver isso agora")).await;
    browser.clicks("#phone-menu summary").await;
    browser.clicks("[data-send=photo]").await;
    browser.sees("document.querySelector('#answers .file img')?.naturalWidth").await;

    browser.clicks("#life").await;
    browser.sees("document.querySelector('#state.down')").await;
    browser.types("#phone-text", "alguém aí?").await;
    browser.clicks("#phone-send").await;
    browser.types("#answer textarea", "Já pedi outro").await;
    browser.clicks("#answer .send").await;
    browser.sees("document.querySelectorAll('#calls .bad').length >= 2").await;
    browser.clicks("#life").await;
    browser.sees(&format!("{} === 1", count("#answers .message", "alguém aí?"))).await;
    browser.sees(&format!("{} === 1", count("#said .theirs", "Já pedi outro"))).await;

    // A reload shows the same: the page itself remembers nothing.
    let shown =
        "[...document.querySelectorAll('#answers .b-text')].map((it) => it.innerText).join()";
    let before = browser.run(&format!("return {shown}")).await;
    browser.run("location.reload()").await;
    browser.sees("document.querySelectorAll('#answers .message').length > 3").await;
    browser.sees(&format!("{shown} === {before}")).await;

    browser.clicks("#messages [data-press*=close]").await;
    browser.clicks("#dialog button[type=submit]").await;
    browser.sees("document.querySelector('#said .ended')").await;
    browser.sees("!document.querySelector('#messages [data-press*=close]')").await;
    finish(&browser).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_by_keyboard_on_a_telephone_in_english() {
    let Some(browser) = Browser::open(500, 900).await else { return };
    let (_demo, url) = Demo::start();
    browser.goes_to(&format!("{url}#tour=off&tab=wire")).await;
    browser.sees("!document.querySelector('.loading')").await;
    browser.run("document.querySelector('#language').focus()").await;
    browser.presses(DOWN).await;
    browser.sees("document.documentElement.lang === 'en'").await;
    browser.sees("document.querySelector('#state.up')").await;
    for (place, text) in [("phone", "Hello, my order?"), ("slack", "")] {
        browser.tabs_to(&format!("[data-to={place}]")).await;
        browser.presses(ENTER).await;
        if !text.is_empty() {
            browser.tabs_to("#phone-text").await;
            browser.presses(&format!("{text}{ENTER}")).await;
        }
    }
    browser.tabs_to("#messages [data-press*=claim]").await;
    browser.presses(ENTER).await;
    browser.tabs_to("#messages .answers").await;
    browser.presses(ENTER).await;
    browser.tabs_to("#answer textarea").await;
    browser.presses(&format!("On its way{ENTER}")).await;
    browser.sees(&count("#said .theirs", "On its way")).await;
    browser.tabs_to("#close-thread").await;
    browser.presses(ENTER).await;
    for selector in ["#messages .tools summary", "#messages .faces button:nth-child(2)"] {
        browser.tabs_to(selector).await;
        browser.presses(ENTER).await;
    }
    browser.sees("document.querySelector('#said .ended')").await;
    finish(&browser).await;
}

/// Which step of the tour is shown, and which part of the page it marks.
fn is_at_step(number: usize, part: &str) -> String {
    format!(
        "!document.querySelector('#tour').hidden && \
        document.querySelector('#tour-step').innerText === '{number} / 5' && \
        document.querySelector('#{part}.marked') && document.querySelector('[data-to={part}].marked')"
    )
}

const TOUR_IS_OVER: &str =
    "document.querySelector('#tour').hidden && !document.querySelector('.marked')";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_is_taken_by_keyboard_by_doing_what_it_says() {
    let Some(browser) = Browser::open(1440, 900).await else { return };
    let (_demo, url) = Demo::start();
    browser.goes_to(&url).await;
    browser.sees(&is_at_step(1, "phone")).await;
    let press = async |selector: &str| {
        browser.tabs_to(selector).await;
        browser.presses(ENTER).await;
    };
    press("#openers button").await;
    browser.sees(&is_at_step(2, "slack")).await;
    press("#messages [data-press*=claim]").await;
    browser.sees(&is_at_step(3, "slack")).await;
    press("#messages .answers").await;
    browser.tabs_to("#answer textarea").await;
    // A note is not what is asked for.
    browser.presses(&format!("// veja o pedido{ENTER}")).await;
    browser.sees(&count("#answers .message", "veja o pedido")).await;
    browser.sees(&is_at_step(3, "slack")).await;
    browser.presses(&format!("Oi, Maria!{ENTER}")).await;
    browser.sees(&is_at_step(4, "wire")).await;
    press("#life").await;
    browser.sees("document.querySelector('#state.down')").await;
    browser.tabs_to("#phone-text").await;
    browser.presses(&format!("e agora?{ENTER}")).await;
    press("#life").await;
    browser.sees(&format!("{} === 1", count("#answers .message", "e agora?"))).await;
    press("#tour-next").await;
    browser.sees(&is_at_step(5, "slack")).await;
    press("#messages [data-press*=close]").await;
    press("#dialog button[type=submit]").await;
    browser.sees("document.querySelector('#said .ended')").await;
    browser.sees(TOUR_IS_OVER).await;
    finish(&browser).await;
}

/// On a telephone the way to the tour is among the calls.
async fn take_the_tour_again(browser: &Browser, width: u32) {
    if width < 500 {
        browser.clicks("[data-to=wire]").await;
    }
    browser.clicks("#tour-again").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_is_skipped_and_taken_again_at_any_width() {
    let Some(browser) = Browser::open(1440, 900).await else { return };
    let (_demo, url) = Demo::start();
    browser.goes_to(&url).await;
    let parts = ["phone", "slack", "slack", "wire", "slack"];
    for width in [1440, 900, 390] {
        browser.looks("light", width).await;
        browser.sees(&is_at_step(1, "phone")).await;
        let mut titles = Vec::new();
        for (number, part) in (1..).zip(parts) {
            browser.sees(&is_at_step(number, part)).await;
            // All of it can be seen and pressed, whatever the width.
            browser
                .sees(
                    "[...document.querySelectorAll('#tour, #tour button')].every((it) => { \
                    const { left, right, top, bottom } = it.getBoundingClientRect(); \
                    return left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight; })",
                )
                .await;
            titles
                .push(browser.run("return document.querySelector('#tour-title').innerText").await);
            let next = if number < parts.len() { "Próximo" } else { "Pronto" };
            browser.sees(&format!("{} === 1", count("#tour-next", next))).await;
            browser.clicks("#tour-next").await;
        }
        titles.dedup();
        assert_eq!(titles.len(), parts.len(), "{titles:?}");
        browser.sees(TOUR_IS_OVER).await;
        take_the_tour_again(&browser, width).await;
        browser.sees(&is_at_step(1, "phone")).await;
        browser.clicks("#tour-skip").await;
        browser.sees(TOUR_IS_OVER).await;
        // A reload does not bring it back.
        browser.run("location.reload()").await;
        browser.sees("!document.querySelector('.loading')").await;
        browser.sees(TOUR_IS_OVER).await;
        take_the_tour_again(&browser, width).await;
    }
    finish(&browser).await;
}

/// A customer has written, and an agent has the ticket and its thread before them.
async fn open_a_ticket(browser: &Browser, url: &str) {
    browser.goes_to(&format!("{url}#tour=off")).await;
    browser.clicks("#openers button").await;
    browser.clicks("#messages [data-press*=claim]").await;
    browser.clicks("#messages .answers").await;
    browser.sees("document.querySelector('#answer textarea')?.offsetParent").await;
}

async fn say_on_the_phone(browser: &Browser, text: &str) {
    browser.types("#phone-text", text).await;
    browser.clicks("#phone-send").await;
}

async fn answer_in_the_thread(browser: &Browser, text: &str) {
    browser.types("#answer textarea", text).await;
    browser.clicks("#answer .send").await;
}

/// A call of this platform that ended so, in the list of calls.
fn is_called(platform: &str, what: &str, outcome: &str) -> String {
    format!(
        "[...document.querySelectorAll('#calls .{platform}.out')].some((it) => \
        it.querySelector('.what').innerText.includes({what:?}) && \
        it.querySelector('.outcome').innerText === {outcome:?})"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_slack_has_no_time_for_is_shown_once_later() {
    let Some(browser) = Browser::open(1440, 900).await else { return };
    let (_demo, url) = Demo::start();
    open_a_ticket(&browser, &url).await;
    browser.clicks("#slack-busy").await;
    browser.sees("document.querySelector('#slack-busy[aria-pressed=true]')").await;
    say_on_the_phone(&browser, "cadê meu pedido?").await;
    say_on_the_phone(&browser, "é o 4411").await;
    browser.sees(&is_called("slack", "chat.postMessage", "429")).await;
    browser.sees(&format!("{} === 0", count("#answers .message", "4411"))).await;
    browser.clicks("#slack-busy").await;
    for text in ["cadê meu pedido?", "é o 4411"] {
        browser.sees(&format!("{} === 1", count("#answers .message", text))).await;
    }
    finish(&browser).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_reaches_the_customer_once_when_blip_is_back() {
    let Some(browser) = Browser::open(1440, 900).await else { return };
    let (_demo, url) = Demo::start();
    open_a_ticket(&browser, &url).await;
    browser.clicks("#blip-down").await;
    browser.sees("document.querySelector('#blip-down[aria-pressed=true]')").await;
    answer_in_the_thread(&browser, "Sai hoje").await;
    browser.sees(&is_called("blip", "/messages", "503")).await;
    say_on_the_phone(&browser, "oi?").await;
    browser.sees(&format!("{} === 0", count("#said .theirs", "Sai hoje"))).await;
    browser.clicks("#blip-down").await;
    browser.sees(&format!("{} === 1", count("#said .theirs", "Sai hoje"))).await;
    answer_in_the_thread(&browser, "Amanhã chega").await;
    browser.sees(&format!("{} === 1", count("#said .theirs", "Amanhã chega"))).await;
    browser.sees(&format!("{} === 1", count("#said .theirs", "Sai hoje"))).await;
    browser.sees(&format!("{} === 1", count("#answers .message", "oi?"))).await;
    finish(&browser).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_whose_answer_is_lost_are_there_once_on_both_sides() {
    let Some(browser) = Browser::open(1440, 900).await else { return };
    let (_demo, url) = Demo::start();
    open_a_ticket(&browser, &url).await;
    browser.clicks("#loses-answer").await;
    browser.sees("document.querySelector('#loses-answer[aria-pressed=true]')").await;
    say_on_the_phone(&browser, "primeira").await;
    answer_in_the_thread(&browser, "resposta um").await;
    browser.sees(&is_called("slack", "chat.postMessage", "sem resposta")).await;
    browser.sees(&is_called("blip", "/messages", "sem resposta")).await;
    browser.sees("document.querySelector('#loses-answer[aria-pressed=false]')").await;
    // What follows keeps the order: once it is there, nothing of what was lost is still to come.
    say_on_the_phone(&browser, "segunda").await;
    answer_in_the_thread(&browser, "resposta dois").await;
    for (list, texts) in [
        ("#answers .message", ["primeira", "segunda"]),
        ("#said .theirs", ["resposta um", "resposta dois"]),
    ] {
        browser.sees(&format!("{} === 1", count(list, texts[1]))).await;
        browser.sees(&format!("{} === 1", count(list, texts[0]))).await;
    }
    finish(&browser).await;
}

/// Presses what is shown only under the mouse or in an open menu.
async fn press_hidden(browser: &Browser, selector: &str) {
    let found = format!("document.querySelector({})", json!(selector));
    browser.sees(&found).await;
    browser.run(&format!("{found}.click()")).await;
}

/// Sends something from the menu of the phone.
async fn send_from_the_phone(browser: &Browser, what: &str) {
    browser.clicks("#phone-menu summary").await;
    browser.clicks(&format!("[data-send={what}]")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_customer_uses_all_that_the_phone_has_and_leaves() {
    let Some(browser) = Browser::open(1440, 900).await else { return };
    let (_demo, url) = Demo::start();
    open_a_ticket(&browser, &url).await;
    browser.clicks("#customers .face:nth-child(2)").await;
    browser.sees(&count("#phone-channel", "João")).await;
    browser.clicks("#openers button").await;
    browser.sees(&count("#messages .message:last-child", "João Souza")).await;
    browser.clicks("#messages .message:last-child [data-press*=claim]").await;
    browser.clicks("#messages .message:last-child .answers").await;
    browser.sees(&count("#answers .message", "João Souza")).await;
    send_from_the_phone(&browser, "voice").await;
    browser.sees("document.querySelector('#answers .file audio')").await;
    send_from_the_phone(&browser, "location").await;
    browser.sees(&count("#answers .message", "Praça Sete")).await;

    press_hidden(&browser, "#messages .message:last-child [data-shortcut=compose]").await;
    browser.types("#dialog [data-block=question]", "Pode ser hoje?").await;
    browser.types("#dialog [data-block=options]", &format!("Sim{ENTER}Não")).await;
    browser.clicks("#dialog button[type=submit]").await;
    browser.sees("document.querySelector('#dialog[open] blockquote')").await;
    browser.clicks("#dialog button[type=submit]").await;
    browser.clicks("#said .options button").await;
    browser.sees(&count("#said .mine", "Sim")).await;
    browser.sees(&count("#answers .message:last-child", "Sim")).await;

    send_from_the_phone(&browser, "leave").await;
    browser.sees("document.querySelector('#said .ended')").await;
    browser
        .sees("!document.querySelector('#messages .message:last-child [data-press*=close]')")
        .await;
    finish(&browser).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_agents_use_all_that_slack_has() {
    let Some(browser) = Browser::open(1440, 900).await else { return };
    let (_demo, url) = Demo::start();
    open_a_ticket(&browser, &url).await;
    answer_in_the_thread(&browser, "Chega amanhã").await;
    browser.sees(&count("#said .theirs", "Chega amanhã")).await;
    // What a colleague writes is asked about, and only they see that.
    browser.clicks("#agents .agent:nth-child(2)").await;
    answer_in_the_thread(&browser, "Posso ajudar?").await;
    browser.sees("document.querySelector('#answers .only-you')").await;
    browser.clicks("#agents .agent:nth-child(1)").await;
    browser.sees("!document.querySelector('#answers .only-you')").await;

    answer_in_the_thread(&browser, "// ver com a loja").await;
    browser.sees(&count("#answers .message", "ver com a loja")).await;
    press_hidden(&browser, "#answers .message:last-child .edit").await;
    browser.types(".editing", &format!(" hoje{ENTER}")).await;
    browser.sees(&count("#answers .message:last-child", "ver com a loja hoje")).await;
    browser.sees(&count("#answers .message:last-child", "(editada)")).await;
    press_hidden(&browser, "#answers .message:last-child .danger").await;
    browser.sees(&format!("{} === 0", count("#answers .message", "ver com a loja"))).await;

    press_hidden(&browser, "#messages .message [data-shortcut=details]").await;
    browser.sees("document.querySelector('#dialog[open] .dialog-body')").await;
    browser.clicks("#dialog header .icon").await;
    browser.sees("!document.querySelector('#dialog[open]')").await;
    browser.types("#say textarea", "/blip meus").await;
    browser.clicks("#say .send").await;
    browser.sees(&count("#messages .only-you", "Maria Silva")).await;
    browser.clicks("#side .to-home").await;
    press_hidden(&browser, "#home .b-overflow button").await;
    browser.sees("document.querySelector('#dialog[open] .dialog-body')").await;
    finish(&browser).await;
}

/// What axe-core finds serious or critical in the page as it is now.
async fn find_barriers(browser: &Browser, axe: &str) -> Vec<String> {
    if browser.run("return !window.axe").await == json!(true) {
        browser.run(axe).await;
    }
    let found = browser
        .run_until_done(
            "axe.run(document, { resultTypes: ['violations'] }).then((it) => done(it.violations\
            .filter((it) => ['serious', 'critical'].includes(it.impact))\
            .flatMap((it) => it.nodes.map((node) => [it.id, node.target.join(' '), \
            (node.any[0] ?? node.all[0] ?? node.none[0])?.message].join(' | ')))), \
            (error) => done([String(error)]))",
        )
        .await;
    found.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// Looks for barriers in light and dark, on a desktop and on each side of a telephone's screen.
async fn look_for_barriers(browser: &Browser, axe: &str, what: &str) -> Vec<String> {
    let mut barriers = Vec::new();
    for scheme in ["light", "dark"] {
        for (width, tabs) in [(1440, ["phone"].as_slice()), (400, &["phone", "wire", "slack"])] {
            browser.looks(scheme, width).await;
            for tab in tabs {
                let places = "const it = new URLSearchParams(location.hash.slice(1));";
                browser.run(&format!("{places} it.set('tab', '{tab}'); location.hash = it")).await;
                browser.sees(&format!("document.body.dataset.tab === '{tab}'")).await;
                let found = find_barriers(browser, axe).await;
                let place = format!("{what}, {scheme}, {width}, {tab}");
                barriers.extend(found.into_iter().map(|barrier| format!("{place}: {barrier}")));
            }
        }
    }
    browser.looks("light", 1440).await;
    barriers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_on_the_page_keeps_anybody_out() {
    let Some(axe) = wish("AXE_CORE") else {
        return note("skipped: AXE_CORE names no axe.min.js (.ci/run fetches it)");
    };
    let axe = std::fs::read_to_string(&axe).unwrap_or_else(|why| panic!("AXE_CORE={axe}: {why}"));
    let Some(browser) = Browser::open(1440, 900).await else { return };
    let (_demo, url) = Demo::start();
    browser.goes_to(&url).await;
    browser.sees("!document.querySelector('.loading') && document.querySelector('#tour-title').innerText").await;
    let mut barriers = look_for_barriers(&browser, &axe, "the tour").await;
    open_a_ticket(&browser, &url).await;
    browser.clicks("#phone-menu summary").await;
    browser.clicks("[data-send=photo]").await;
    browser.sees("document.querySelector('#answers .file img')?.naturalWidth").await;
    answer_in_the_thread(&browser, "Oi, *Maria*! https://loja.example :wave:").await;
    answer_in_the_thread(&browser, "// só entre nós").await;
    browser.sees(&count("#said .theirs", "Maria")).await;
    browser.clicks("#blip-down").await;
    barriers.extend(look_for_barriers(&browser, &axe, "a ticket").await);
    browser.clicks("#blip-down").await;
    browser.clicks("#side .to-home").await;
    browser.sees("document.querySelector('#home .b-header')").await;
    barriers.extend(look_for_barriers(&browser, &axe, "the home tab").await);
    browser.clicks("#side .to-channel").await;
    browser.clicks("#messages [data-press*=close]").await;
    browser.sees("document.querySelector('#dialog[open] input, #dialog[open] textarea')").await;
    barriers.extend(look_for_barriers(&browser, &axe, "a dialog").await);
    barriers.sort();
    barriers.dedup();
    assert_eq!(barriers, Vec::<String>::new());
}

/// Has the service and the page speak a language.
async fn speak(browser: &Browser, language: &str) {
    let choose = format!(
        "const it = document.querySelector('#language'); it.value = '{language}'; \
        it.dispatchEvent(new Event('change'))"
    );
    browser.sees("!document.querySelector('.loading')").await;
    browser.run(&choose).await;
    browser.sees(&format!("document.documentElement.lang === '{language}'")).await;
    browser.sees("document.querySelector('#state.up')").await;
}

/// The menu beside a message has what the app's manifest has, in the same words.
async fn has_the_shortcuts_of_the_app(browser: &Browser, language: &str) {
    let language = language.parse().unwrap();
    let manifest = blip_slack::manifest::render_manifest(true, None, language).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let shortcuts = manifest["features"]["shortcuts"].as_array().unwrap();
    for name in shortcuts.iter().map(|shortcut| shortcut["name"].as_str().unwrap()) {
        let named = json!(format!("{name} Blip Desk"));
        let is_there = format!(
            "[...document.querySelectorAll('#messages .tools .b-menu button')]\
            .some((it) => it.textContent === {named})"
        );
        browser.sees(&is_there).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_see_card_thread_dialog_and_home_in_their_language() {
    let Some(browser) = Browser::open(1500, 1000).await else { return };
    for (language, claimed, texts) in [
        (
            "pt-BR",
            "com @",
            [
                "Oi, Maria! Já vou ver.",
                "// o pedido saiu ontem",
                "Chega hoje até as 18h.",
                "Até logo!",
            ],
        ),
        (
            "en",
            "with @",
            ["Hi, Maria! Let me see.", "// it was sent yesterday", "It arrives today.", "Goodbye!"],
        ),
        (
            "es",
            "con @",
            ["¡Hola, María! Lo reviso.", "// salió ayer", "Llega hoy.", "¡Hasta luego!"],
        ),
    ] {
        let (_demo, url) = Demo::start();
        browser.goes_to(&format!("{url}#tour=off")).await;
        speak(&browser, language).await;
        open_a_ticket(&browser, &url).await;
        for text in texts.iter().take(3) {
            answer_in_the_thread(&browser, text).await;
        }
        browser.sees("document.querySelectorAll('#answers .reactions').length >= 3").await;
        browser.sees(&count("#messages .message", claimed)).await;
        has_the_shortcuts_of_the_app(&browser, language).await;
        browser.run("document.querySelector('#answers').scrollTop = 1e6").await;
        keep(&browser, &format!("agents-ticket.{language}"), Some("#slack"), "#slack").await;
        browser.clicks("#side .to-home").await;
        browser.sees("document.querySelector('#home .b-header')").await;
        let home = ".home-page";
        keep(&browser, &format!("agents-home.{language}"), Some(home), home).await;
        browser.clicks("#side .to-channel").await;
        browser.clicks("#messages [data-press*=close]").await;
        browser.types("#dialog textarea", texts[3]).await;
        keep(&browser, &format!("agents-close.{language}"), Some("#dialog"), "#dialog").await;
        browser.clicks("#dialog [type=submit]").await;
        browser.sees(&count("#said .theirs", texts[3])).await;
        browser.sees("document.querySelector('#said .ended')").await;
        finish(&browser).await;
        // Before the demo ends: the page would complain.
        browser.goes_to("about:blank").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_looks_as_in_the_readme() {
    let Some(browser) = Browser::open(1440, 900).await else { return };
    for (language, reply) in
        [("pt-BR", "Oi, Maria! Vou ver isso agora"), ("en", "Hi, Maria! I am looking into it")]
    {
        let (_demo, url) = Demo::start();
        browser.goes_to(&format!("{url}#tour=off")).await;
        speak(&browser, language).await;
        open_a_ticket(&browser, &url).await;
        answer_in_the_thread(&browser, reply).await;
        browser.sees(&count("#said .theirs", reply)).await;
        send_from_the_phone(&browser, "photo").await;
        browser.sees("document.querySelector('#answers .file img')?.naturalWidth").await;
        browser.sees("document.querySelector('#answers .reactions')").await;
        // The calls are others each time, in number and in order.
        keep(&browser, &format!("demo.{language}"), None, "#phone, #slack").await;
        finish(&browser).await;
        browser.goes_to("about:blank").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_has_each_text_in_each_language() {
    let Some(browser) = Browser::open(900, 700).await else { return };
    let (_demo, url) = Demo::start();
    browser.goes_to(&url).await;
    browser.run("import('/demo/texts.js').then((it) => { window.TEXTS = it.TEXTS; })").await;
    browser.sees("window.TEXTS").await;
    let keys = "const keys = (of) => Object.keys(of).sort().join(' '); \
        return Object.values(TEXTS).map((it) => [keys(it), it.steps.length, it.openers.length]\
        .join(' / '))";
    let keys = browser.run(keys).await;
    let keys = keys.as_array().unwrap();
    assert!(keys.len() == 3 && keys.iter().all(|it| *it == keys[0]), "{keys:#?}");
    let keys = browser.run("return Object.keys(TEXTS.en)").await;
    let page = sources_of_the_page();
    for key in keys.as_array().unwrap().iter().map(|key| key.as_str().unwrap()) {
        let uses = ["words.", "data-text=\"", "data-label=\"", "tell(\""]
            .map(|use_of| format!("{use_of}{key}"));
        assert!(uses.iter().any(|use_of| is_word_of(&page, use_of)), "{key} is shown nowhere");
    }
    let missing = "return [...document.querySelectorAll('[data-text], [data-label]')].filter((it) => \
        !TEXTS.en[it.dataset.text ?? it.dataset.label]).map((it) => it.outerHTML)";
    assert_eq!(browser.run(missing).await, json!([]));
}

/// The files of the page, but for its texts.
fn sources_of_the_page() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/demo/page");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|file| !file.ends_with("texts.js"));
    files.map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

/// Whether this stands there, with no letter behind it.
fn is_word_of(text: &str, word: &str) -> bool {
    text.split(word).skip(1).any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
}

/// Every list of blocks that there is in something.
fn collect_blocks(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("blocks").filter(|blocks| blocks.is_array()).cloned());
            fields.values().for_each(|inner| collect_blocks(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_blocks(item, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_draws_every_block_of_every_snapshot() {
    let Some(browser) = Browser::open(900, 700).await else { return };
    let (_demo, url) = Demo::start();
    browser.goes_to(&url).await;
    let mut drawn = Vec::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/snapshots");
    for snapshot in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(snapshot.unwrap().path()).unwrap();
        // After what insta says of it; those that are not JSON hold words only.
        let body = text.splitn(3, "---\n").nth(2).unwrap();
        collect_blocks(&serde_json::from_str(body).unwrap_or_default(), &mut drawn);
    }
    assert!(drawn.len() > 25, "{}", drawn.len());
    // Each text without marks, in what is drawn: as words, as a hint in a field, as a value.
    let script = "const context = { user: (it) => it, channel: (it) => it, group: (it) => it, \
        emoji: (it) => it, locale: 'en', search: '', optional: '', more: '', press() {}, choose() {}, \
        options: async () => [], follow: () => true }; \
        const texts = (it) => typeof it !== 'object' || !it ? [] : \
            it.type === 'plain_text' ? [it.text] : Object.values(it).flatMap(texts); \
        const shown = (node) => [node.textContent, ...[...node.querySelectorAll('*')].flatMap((it) => \
            [it.value ?? '', ...[...it.attributes].map((it) => it.value)])].join(' | '); \
        import('/demo/blocks.js').then(({ renderBlocks }) => done(DRAWN.flatMap((blocks, at) => { \
            const box = document.createElement('div'); box.append(...renderBlocks(blocks, context)); \
            const words = shown(box); \
            const lost = texts(blocks).filter((it) => !words.includes(it.trim())); \
            return [...box.querySelectorAll('.b-unknown')].map((it) => `${at}: ${it.textContent}`) \
                .concat(lost.map((it) => `${at}: ${it}`)); \
        })), (error) => done([String(error)]))";
    let faults = browser.run_until_done(&format!("const DRAWN = {}; {script}", json!(drawn))).await;
    assert_eq!(faults, json!([]));
}
