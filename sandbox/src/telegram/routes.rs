//! The HTTP side: token, planned failures, dispatch by method name, the record of calls.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, Request, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use serde_json::json;

use super::api::{Answer, ApiError, Call};
use super::failure::Failure;
use super::params::{BODY_LIMIT, Params};
use super::{TOKEN, World};
use crate::server;

const CALLS_KEPT: usize = 10_000;

pub(super) fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/{bot}/{method}", any(method))
        .route("/file/{bot}/{*path}", get(download))
        .fallback(|| async { answer(Err(not_found())) })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(world)
}

fn not_found() -> ApiError {
    ApiError::new(404, "Not Found")
}

fn is_ours(bot: &str) -> bool {
    bot.strip_prefix("bot") == Some(TOKEN)
}

async fn method(
    Shared(world): Shared<Arc<World>>,
    Path((bot, name)): Path<(String, String)>,
    request: Request,
) -> Response {
    if !is_ours(&bot) {
        return answer(Err(ApiError::new(401, "Unauthorized")));
    }
    let method = name.to_lowercase();
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(error) => return answer(Err(error)),
    };
    if method == "getupdates" {
        let planned = world.state().meet(&method);
        if let Some(failure) = planned {
            return match fail(failure).await {
                Ok(response) => response,
                Err(AfterWork) => server::drop_connection(),
            };
        }
        return answer(world.get_updates(&params).await);
    }
    let planned = world.state().meet(&method);
    let mut call = Call {
        method: name,
        chat_id: params.int("chat_id").unwrap_or_default(),
        params: params.shown(),
        error: None,
    };
    if let Some(failure) = planned
        && failure != Failure::DropAfter
    {
        call.error = Some(code(failure));
        world.record(call);
        return match fail(failure).await {
            Ok(response) => response,
            Err(AfterWork) => server::drop_connection(),
        };
    }
    let result = world.run(&method, &params);
    call.error = result.as_ref().err().map(|error| error.code);
    world.record(call);
    if planned == Some(Failure::DropAfter) {
        server::drop_connection();
    }
    answer(result)
}

/// The connection is to be closed.
struct AfterWork;

async fn fail(failure: Failure) -> Result<Response, AfterWork> {
    match failure {
        Failure::TooManyRequests { retry_after } => {
            Ok(answer(Err(ApiError::too_many(retry_after))))
        }
        Failure::ServerError => Ok(answer(Err(ApiError::internal()))),
        Failure::BadGateway => {
            let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body></body>\r\n</html>\r\n";
            Ok((StatusCode::BAD_GATEWAY, axum::response::Html(page)).into_response())
        }
        Failure::Hang => {
            server::hang().await;
            Err(AfterWork)
        }
        Failure::DropBefore | Failure::DropAfter => Err(AfterWork),
    }
}

fn code(failure: Failure) -> u16 {
    match failure {
        Failure::TooManyRequests { .. } => 429,
        Failure::ServerError => 500,
        Failure::BadGateway => 502,
        Failure::Hang | Failure::DropBefore | Failure::DropAfter => 0,
    }
}

fn answer(result: Answer) -> Response {
    match result {
        Ok(result) => Json(json!({"ok": true, "result": result})).into_response(),
        Err(error) => {
            let mut body =
                json!({"ok": false, "error_code": error.code, "description": error.description});
            if let Some(seconds) = error.retry_after {
                body["parameters"] = json!({ "retry_after": seconds });
            }
            let status = StatusCode::from_u16(error.code).unwrap_or(StatusCode::BAD_REQUEST);
            (status, Json(body)).into_response()
        }
    }
}

async fn download(
    Shared(world): Shared<Arc<World>>,
    Path((bot, path)): Path<(String, String)>,
) -> Response {
    if !is_ours(&bot) {
        return answer(Err(ApiError::new(401, "Unauthorized")));
    }
    match world.file_at(&path) {
        Some((mime_type, bytes)) => ([(header::CONTENT_TYPE, mime_type)], bytes).into_response(),
        None => answer(Err(not_found())),
    }
}

impl World {
    fn record(&self, call: Call) {
        self.change(|state| {
            state.calls.push_back(call);
            if state.calls.len() > CALLS_KEPT {
                state.calls.pop_front();
            }
        });
    }

    /// Every method but getUpdates, its name in lower case.
    fn run(&self, method: &str, params: &Params) -> Answer {
        match method {
            "getme" => Ok(Self::get_me()),
            "setwebhook" => self.set_webhook(params),
            "deletewebhook" => Ok(self.delete_webhook(params)),
            "getwebhookinfo" => Ok(self.webhook_info()),
            "sendmessage" => self.send_message(params),
            "sendphoto" => self.send_photo(params),
            "senddocument" => self.send_document(params),
            "sendmediagroup" => self.send_media_group(params),
            "sendchataction" => self.send_chat_action(params),
            "editmessagetext" => self.edit_message_text(params),
            "editmessagecaption" => self.edit_message_caption(params),
            "editmessagemedia" => self.edit_message_media(params),
            "editmessagereplymarkup" => self.edit_message_reply_markup(params),
            "deletemessage" => self.delete_message(params),
            "sendinvoice" => self.send_invoice(params),
            "createinvoicelink" => self.create_invoice_link(params),
            "answerprecheckoutquery" => self.answer_pre_checkout_query(params),
            "getstartransactions" => self.get_star_transactions(params),
            "refundstarpayment" => self.refund_star_payment(params),
            "answercallbackquery" => self.answer_callback_query(params),
            "getfile" => self.get_file(&params.text("file_id").unwrap_or_default()),
            "getchat" => self.get_chat(params),
            "setmycommands" => self.set_my_commands(params),
            "deletemycommands" => Ok(self.delete_my_commands(params)),
            "getmycommands" => {
                let language = params.text("language_code").unwrap_or_default();
                Ok(self.state().commands.get(&language).cloned().unwrap_or_else(|| json!([])))
            }
            "setmydescription"
            | "setmyshortdescription"
            | "setmyname"
            | "setchatmenubutton"
            | "logout"
            | "close" => Ok(json!(true)),
            _ => Err(not_found()),
        }
    }
}
