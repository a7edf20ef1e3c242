//! The look of a page at which a payment is decided: whose, how much, and a button for each way to go.

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

/// What the page shows. All of it is escaped here.
pub(crate) struct Till<'a> {
    /// Who asks for the money.
    pub(crate) shop: &'a str,
    /// For example `100,00 ₽`.
    pub(crate) amount: String,
    pub(crate) description: &'a str,
    /// One sentence above the buttons.
    pub(crate) says: &'a str,
    /// Fields that go with whichever button is pressed.
    pub(crate) hidden: (&'a str, &'a str),
    /// Values of `action` and labels; the first is the one to press.
    pub(crate) buttons: &'a [(&'a str, &'a str)],
    /// Where "back to the shop" leads.
    pub(crate) back: Option<&'a str>,
}

const STYLE: &str = include_str!("till.css");

impl Till<'_> {
    pub(crate) fn page(&self) -> Response {
        let (name, value) = self.hidden;
        let mut form = String::new();
        if !self.buttons.is_empty() {
            form = format!(
                "<form method=\"post\"><input type=\"hidden\" name=\"{name}\" value=\"{}\">",
                escaped(value)
            );
            for (action, label) in self.buttons {
                form.push_str(&format!(
                    "<button name=\"action\" value=\"{action}\">{label}</button>"
                ));
            }
            form.push_str("</form>");
        }
        let back = self
            .back
            .map(|url| format!("<p><a href=\"{}\">Вернуться в магазин</a></p>", escaped(url)));
        let page = format!(
            "<!DOCTYPE html><html lang=\"ru\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Оплата</title>\
             <style>{STYLE}</style></head><body><main><h1>{}</h1><div class=\"amount\">{}</div><p>{}</p><p>{}</p>{form}{}\
             <small>Песочница: настоящие деньги не списываются.</small></main></body></html>",
            escaped(self.shop),
            escaped(&self.amount),
            escaped(self.description),
            escaped(self.says),
            back.unwrap_or_default(),
        );
        let headers = [
            (header::CACHE_CONTROL, "no-store"),
            (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
            ),
        ];
        (headers, Html(page)).into_response()
    }
}

/// The page of a payment that is not there.
pub(crate) fn absent() -> Response {
    let page = "<!DOCTYPE html><html lang=\"ru\"><meta charset=\"utf-8\"><title>Оплата</title><p>Такого платежа нет.</p>";
    (StatusCode::NOT_FOUND, Html(page)).into_response()
}

/// `1234,50 ₽` of hundredths.
pub(crate) fn money(kopecks: i64, currency: &str) -> String {
    let sign = if currency == "RUB" { "₽" } else { currency };
    format!("{},{:02} {sign}", kopecks / 100, kopecks % 100)
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}
