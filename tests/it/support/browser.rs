//! A real browser, as a person sits before it: Chromium, by the `WebDriver` protocol.

use std::process::Stdio;
use std::time::{Duration, Instant};

use reqwest::{Client, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// How long anything may take to be seen.
const PATIENCE: Duration = Duration::from_secs(40);
/// What the protocol calls the id of an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// What the protocol calls the key that goes on to the next element.
const TAB: &str = "\u{e004}";
/// What the protocol calls the key with the arrow down.
pub const DOWN: &str = "\u{e015}";
/// What the protocol calls the Enter key.
pub const ENTER: &str = "\u{e007}";

type Said = Lines<BufReader<ChildStdout>>;

/// A browser with one window.
pub struct Browser {
    client: Client,
    session: String,
    _driver: Child,
    /// It ends if nobody reads what it says.
    _said: Said,
    _profile: TempDir,
}

impl Browser {
    /// Opens a window; none, with a line that says so, where no browser is installed, unless
    /// `TEST_BROWSER` wants one.
    pub async fn open(width: u32, height: u32) -> Option<Self> {
        let mut driver = Command::new("chromedriver");
        driver.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut driver) = driver.kill_on_drop(true).spawn() else {
            let lacks = "no browser here (apt-get install chromium chromium-driver)";
            assert!(super::wish("TEST_BROWSER").is_none(), "{lacks}");
            super::note(&format!("skipped: {lacks}"));
            return None;
        };
        let mut said = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = port(&mut said).await;
        let profile = tempfile::tempdir().unwrap();
        let folder = format!("--user-data-dir={}", profile.path().display());
        let window = format!("--window-size={width},{height}");
        let args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
        let args: Vec<&str> = args.into_iter().chain([window.as_str(), folder.as_str()]).collect();
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": args }, "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let url = format!("http://127.0.0.1:{port}/session");
        // Needed to build any client; whoever came first may have done it already.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let session =
            send(&client, &url, &wanted).await.unwrap_or_else(|why| panic!("no session: {why}"));
        let session = format!("{url}/{}", session["sessionId"].as_str().unwrap());
        Some(Self { client, session, _driver: driver, _said: said, _profile: profile })
    }

    /// Goes to an address.
    pub async fn goes_to(&self, url: &str) {
        self.post("/url", &json!({ "url": url })).await.unwrap();
    }

    /// Clicks with the mouse on the first that can be clicked, once there is one.
    pub async fn clicks(&self, selector: &str) {
        let click = |id: String| async move {
            self.post(&format!("/element/{id}/click"), &json!({})).await.map(drop)
        };
        self.until_done(selector, click).await;
    }

    /// Types into an element.
    pub async fn types(&self, selector: &str, text: &str) {
        let value = json!({ "text": text });
        let write = |id: String| {
            let value = &value;
            async move { self.post(&format!("/element/{id}/value"), value).await.map(drop) }
        };
        self.until_done(selector, write).await;
    }

    /// Presses keys wherever the keyboard is.
    pub async fn presses(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|what| json!({ "type": what, "value": key })))
            .collect();
        let keyboard =
            json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] });
        self.post("/actions", &keyboard).await.unwrap();
    }

    /// Goes on by Tab until the keyboard is there.
    pub async fn tabs_to(&self, selector: &str) {
        self.sees(&format!("!!document.querySelector({})", json!(selector))).await;
        let is_there = format!("return document.activeElement.matches({})", json!(selector));
        for _ in 0..150 {
            if self.run(&is_there).await == json!(true) {
                return;
            }
            self.presses(TAB).await;
        }
        panic!("Tab does not lead to {selector}");
    }

    /// Waits until an expression of the page is true.
    pub async fn sees(&self, expression: &str) {
        self.sees_or(expression, "not seen").await;
    }

    /// Waits until an expression of the page is true, and says this if it does not become so.
    pub async fn sees_or(&self, expression: &str, hint: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.run(&format!("return !!({expression})")).await != json!(true) {
            let shown = "return document.body.innerText";
            assert!(Instant::now() < deadline, "{hint}: {expression}\n{}", self.run(shown).await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What a script in the page returns.
    pub async fn run(&self, script: &str) -> Value {
        let script = json!({ "script": script, "args": [] });
        self.post("/execute/sync", &script).await.unwrap_or_else(|why| panic!("{script}: {why}"))
    }

    /// What a script in the page hands to `done`, sooner or later.
    pub async fn run_until_done(&self, script: &str) -> Value {
        let script = format!("const done = arguments[0]; {script}");
        let script = json!({ "script": script, "args": [] });
        self.post("/execute/async", &script).await.unwrap()
    }

    /// A picture of the window, as PNG in Base64.
    pub async fn picture(&self) -> String {
        self.picture_at("/screenshot").await
    }

    /// A picture of one element, as PNG in Base64.
    pub async fn picture_of(&self, selector: &str) -> String {
        let find = json!({ "using": "css selector", "value": selector });
        let found = self.post("/element", &find).await.unwrap();
        self.picture_at(&format!("/element/{}/screenshot", found[ELEMENT].as_str().unwrap())).await
    }

    async fn picture_at(&self, path: &str) -> String {
        let answer = self.client.get(format!("{}{path}", self.session)).send().await.unwrap();
        read(answer).await.unwrap().as_str().unwrap().to_owned()
    }

    /// Shows the page as a person has it who likes it light or dark, without motion, on a screen of
    /// this width.
    pub async fn looks(&self, scheme: &str, width: u32) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    async fn devtools(&self, command: &str, params: Value) {
        let body = json!({ "cmd": command, "params": params });
        self.post("/goog/cdp/execute", &body).await.unwrap();
    }

    /// What the page has complained of since it was asked last.
    pub async fn complaints(&self) -> Vec<String> {
        let said = self.post("/se/log", &json!({ "type": "browser" })).await.unwrap();
        let said = said.as_array().unwrap().iter();
        said.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }

    async fn until_done<F: Future<Output = Result<(), String>>>(
        &self,
        selector: &str,
        act: impl Fn(String) -> F,
    ) {
        let deadline = Instant::now() + PATIENCE;
        let find = json!({ "using": "css selector", "value": selector });
        loop {
            let done = match self.post("/element", &find).await {
                Ok(found) => act(found[ELEMENT].as_str().unwrap().to_owned()).await,
                Err(why) => Err(why),
            };
            let Err(why) = done else { return };
            assert!(Instant::now() < deadline, "{selector}: {why}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        send(&self.client, &format!("{}{path}", self.session), body).await
    }
}

async fn send(client: &Client, url: &str, body: &Value) -> Result<Value, String> {
    let answer = client.post(url).json(body).send().await.map_err(|error| error.to_string())?;
    read(answer).await
}

async fn read(answer: Response) -> Result<Value, String> {
    let is_good = answer.status().is_success();
    let mut body: Value = answer.json().await.map_err(|error| error.to_string())?;
    let value = body["value"].take();
    if is_good { Ok(value) } else { Err(value["message"].to_string()) }
}

/// The port that the driver has chosen.
async fn port(said: &mut Said) -> u16 {
    while let Some(line) = said.next_line().await.unwrap() {
        let port = line.strip_prefix("ChromeDriver was started successfully on port ");
        if let Some(port) = port {
            return port.trim_end_matches('.').parse().unwrap();
        }
    }
    panic!("the driver did not start");
}
