//! A real Chromium, driven through chromedriver, showing a whole system's chat page.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use sandbox::page::Page;
use sandbox::system::{Builder, System};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// How long anything may take to show.
const PATIENCE: Duration = Duration::from_secs(60);

pub const PHONE: (u32, u32) = (390, 844);
pub const WIDE: (u32, u32) = (1400, 900);

/// A system with its page open in a browser.
pub struct Visit {
    pub client: Client,
    pub system: System,
    driver: Child,
    _page: Page,
    _profile: TempDir,
}

impl Visit {
    pub async fn start(builder: Builder, screen: (u32, u32), language: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let back = format!("http://{}/", listener.local_addr().unwrap());
        let system = builder.setting("YOOKASSA_RETURN_URL", back).start().await.unwrap();
        system.telegram().user_named(5_000_000_001, "Первый", "ru");
        system.telegram().user_named(5_000_000_002, "Guest", "en");
        let page = Page::start(listener, system.stage());
        let (client, driver, profile) = open(screen, language).await;
        client.goto(page.url()).await.unwrap();
        Self { client, system, driver, _page: page, _profile: profile }
    }

    /// The element, once it is shown.
    pub async fn find(&self, css: &str) -> Element {
        let wait = self.client.wait().at_most(PATIENCE);
        let found = wait.for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("{css}: {error}"))
    }

    pub async fn click(&self, css: &str) {
        self.find(css).await;
        // What is out of view is scrolled to, as a person would.
        let script = "const node = document.querySelector(arguments[0]); node.scrollIntoView({block: 'center'});";
        self.client.execute(script, vec![json!(css)]).await.unwrap();
        self.find(css).await.click().await.unwrap();
    }

    /// Presses a button of the bot's newest message that has it.
    pub async fn press(&self, data: &str) {
        let selector = format!(".key[data-data=\"{data}\"]");
        self.find(&selector).await;
        let script = "[...document.querySelectorAll(arguments[0])].at(-1).click()";
        self.client.execute(script, vec![json!(selector)]).await.unwrap();
    }

    /// Presses the newest button of the chat that says this; a link as well.
    pub async fn push(&self, label: &str) {
        self.reads(".key", label).await;
        let script = "[...document.querySelectorAll('.key')].filter((key) => \
            key.textContent.replaceAll('\\u00a0', ' ').includes(arguments[0])).at(-1).click()";
        self.client.execute(script, vec![json!(label)]).await.unwrap();
    }

    /// Does this to the newest payment, as the panel's buttons can.
    pub async fn act(&self, act: &str) {
        self.click("#tab-payments").await;
        let button = format!("#payments li:first-child [data-act={act}]");
        let open = "document.querySelector('#payments li:first-child .acts').open = true";
        self.until("there is a payment", "document.querySelector('#payments .acts') !== null")
            .await;
        self.client.execute(open, Vec::new()).await.unwrap();
        self.until(
            &format!("{act} applies"),
            &format!("document.querySelector({})?.disabled === false", json!(button)),
        )
        .await;
        self.click(&button).await;
    }

    /// Types into the composer and presses Enter.
    pub async fn say(&self, text: &str) {
        let message = self.find("#message").await;
        message.send_keys(text).await.unwrap();
        message.send_keys(&Key::Enter.to_string()).await.unwrap();
    }

    /// Waits until a script answers `true`.
    pub async fn until(&self, what: &str, script: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if self.ask(script).await == Value::Bool(true) {
                return;
            }
            if tokio::time::Instant::now() > deadline {
                let shown = self.ask("document.body.innerText").await;
                panic!("waited in vain: {what}\n{}", shown.as_str().unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until an element's text contains a part.
    pub async fn reads(&self, css: &str, part: &str) {
        let script = format!(
            "[...document.querySelectorAll({})].some((node) => node.textContent.replaceAll('\\u00a0', ' ').includes({}))",
            json!(css),
            json!(part)
        );
        self.until(&format!("{css} reads {part:?}"), &script).await;
    }

    /// Writes into a field, in place of what is in it.
    pub async fn enter(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// The window that was opened beside `this`, once it is.
    pub async fn other_window(&self, this: &WindowHandle) -> WindowHandle {
        let opened = async {
            loop {
                let windows = self.client.windows().await.unwrap();
                if let Some(other) = windows.into_iter().find(|window| window != this) {
                    return other;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, opened).await.expect("no window was opened")
    }

    pub async fn choose(&self, css: &str, value: &str) {
        let select = self.find(css).await;
        select.select_by_value(value).await.unwrap();
    }

    /// The value of an expression in the page.
    pub async fn ask(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        self.client.execute(&script, Vec::new()).await.unwrap()
    }

    /// Nothing is wider than the screen.
    pub async fn fits(&self) {
        let wide = self
            .ask(
                "[...document.querySelectorAll('body *')].filter((node) => !node.closest('.people, .table, [hidden]') \
                 && node.getBoundingClientRect().width > 0 && node.getBoundingClientRect().right > innerWidth + 1) \
                 .map((node) => node.outerHTML.slice(0, 90))",
            )
            .await;
        assert_eq!(wide, json!([]), "wider than the screen");
        let scrolls = self.ask("document.documentElement.scrollWidth <= innerWidth").await;
        assert_eq!(scrolls, json!(true), "the page scrolls sideways");
    }

    /// Keeps a screenshot where KOPILKA_SCREENSHOTS names a folder.
    pub async fn picture(&self, name: &str) {
        let png = self.client.screenshot().await.unwrap();
        assert!(image::load_from_memory(&png).is_ok());
        if let Some(folder) = std::env::var_os("KOPILKA_SCREENSHOTS") {
            std::fs::write(PathBuf::from(folder).join(name), png).unwrap();
        }
    }

    /// Every visit ends with this.
    pub async fn end(mut self) {
        self.client.close().await.unwrap();
        self.driver.kill().await.unwrap();
        self.system.verify().await.unwrap();
        self.system.shutdown().await.unwrap();
    }
}

/// A browser with an empty profile; chromedriver ends with its handle.
pub async fn open(screen: (u32, u32), language: &str) -> (Client, Child, TempDir) {
    let (driver, url) = start_driver().await;
    let profile = tempfile::tempdir().unwrap();
    let client = ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities(profile.path(), screen, language))
        .connect(&url)
        .await
        .unwrap();
    (client, driver, profile)
}

/// chromedriver on a port of its own choice.
async fn start_driver() -> (Child, String) {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("chromedriver is missing: scripts/setup.sh test installs it");
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            let url = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
            return (driver, url);
        }
    }
    panic!("chromedriver ended without saying its port");
}

fn capabilities(
    profile: &Path,
    (width, height): (u32, u32),
    language: &str,
) -> serde_json::Map<String, Value> {
    let mut args = vec![
        "--headless".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        format!("--user-data-dir={}", profile.display()),
    ];
    if std::env::var_os("KOPILKA_DARK").is_some() {
        args.push("--force-dark-mode".to_owned());
    }
    let phone = width < 600;
    let options = json!({
        "binary": "/usr/bin/chromium",
        "args": args,
        "prefs": {"intl.accept_languages": language},
        "mobileEmulation": {"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1, "mobile": phone, "touch": phone}},
    });
    json!({"goog:chromeOptions": options}).as_object().cloned().unwrap()
}
