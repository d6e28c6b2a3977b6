//! The demo's page in a real browser: a whole ticket by mouse and by keyboard, with a real kill in
//! the middle, and no word of complaint from the browser.
//!
//! `PICTURES=folder` keeps a picture of the page there.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::browser::{Browser, DOWN, ENTER};
use crate::support::wish;

/// The whole demo as it is started.
struct Demo(Child);

impl Demo {
    /// Starts it; with its address.
    fn start() -> (Self, String) {
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

async fn keep(browser: &Browser, name: &str) {
    if let Some(folder) = wish("PICTURES") {
        // What has just come fades in.
        browser.sees("document.getAnimations().every(it => it.playState === 'finished')").await;
        let picture = STANDARD.decode(browser.picture().await).unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), picture).unwrap();
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
    browser.clicks("#openers button").await;
    browser.clicks("#messages [data-press*=claim]").await;
    browser.clicks("#messages .answers").await;
    browser.types("#answer textarea", "Oi, Maria! Vou ver isso agora").await;
    browser.clicks("#answer .send").await;
    browser.sees(&count("#said .theirs", "Vou ver isso agora")).await;
    browser.clicks("#phone-menu summary").await;
    browser.clicks("[data-send=photo]").await;
    browser.sees("document.querySelector('#answers .file img')?.naturalWidth").await;
    keep(&browser, "demo").await;

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
    keep(&browser, "demo-telephone").await;
    browser.tabs_to("#close-thread").await;
    browser.presses(ENTER).await;
    for selector in ["#messages .tools summary", "#messages .faces button:nth-child(2)"] {
        browser.tabs_to(selector).await;
        browser.presses(ENTER).await;
    }
    browser.sees("document.querySelector('#said .ended')").await;
    finish(&browser).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_has_each_text_in_each_language() {
    let Some(browser) = Browser::open(900, 700).await else { return };
    let (_demo, url) = Demo::start();
    browser.goes_to(&url).await;
    browser.run("import('/demo/texts.js').then((it) => { window.TEXTS = it.TEXTS; })").await;
    browser.sees("window.TEXTS").await;
    let keys = "const keys = (of) => Object.keys(of).sort().join(' '); \
        return Object.values(TEXTS).map((it) => [keys(it), keys(it.shortcuts), it.steps.length, \
        it.openers.length].join(' / '))";
    let keys = browser.run(keys).await;
    let keys = keys.as_array().unwrap();
    assert!(keys.len() == 3 && keys.iter().all(|it| *it == keys[0]), "{keys:#?}");
    let missing = "return [...document.querySelectorAll('[data-text], [data-label]')].filter((it) => \
        !TEXTS.en[it.dataset.text ?? it.dataset.label]).map((it) => it.outerHTML)";
    assert_eq!(browser.run(missing).await, json!([]));
}
