//! One bounded HTTP call to an upstream: it answers in time, or it did not answer.

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use kindling_domain::order::Failure;
use kindling_domain::secret::Secret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;
use worker::wasm_bindgen::JsValue;
use worker::{
    AbortController, Delay, Fetch, Headers, Method, Request, RequestInit, RequestRedirect,
    Response, ResponseBody,
};

/// The longest answer that is read of an upstream of the operator's choosing, in bytes: a full page of a list fits.
const MAX_ANSWER: usize = 4 << 20;
/// The same for a place that a customer named, or that matters little.
const MAX_STRANGERS_ANSWER: usize = 64 << 10;

thread_local! {
    /// How long any upstream may take, body included.
    static TIMEOUT: Cell<Duration> = const { Cell::new(Duration::from_secs(15)) };
}

/// Sets how long any upstream may take. An isolate has one set of settings, so it is kept here and not carried through every call.
pub fn set_timeout(timeout: Duration) {
    TIMEOUT.set(timeout);
}

/// What comes of `work` if it is done within this time; work that is late is dropped.
pub async fn in_time<T>(within: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(Delay::from(within))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// A call to be made.
pub struct Call<'a> {
    pub method: Method,
    pub url: String,
    /// A header that authenticates the call: its name, what stands before the secret, and the secret.
    pub auth: Option<(&'static str, &'static str, &'a Secret)>,
    pub body: Body,
}

/// What a call sends.
pub enum Body {
    None,
    /// Nothing but these headers.
    Empty(&'static [(&'static str, &'static str)]),
    Json(Value),
    Form(Secret),
}

/// An answer, whatever its status.
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<u64>,
    body: String,
}

/// No answer: refused, cut or too late. What happened at the other end is unknown.
pub struct NoAnswer;

impl Answer {
    /// The body as text; empty where it was too long or not UTF-8.
    pub fn text(&self) -> &str {
        &self.body
    }

    /// The body as JSON of this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.body).ok()
    }

    /// Whether the body says this, in any case.
    pub fn says(&self, text: &str) -> bool {
        self.body.to_ascii_lowercase().contains(text)
    }

    /// Try again later.
    pub fn later(&self) -> Failure {
        Failure::NotApplied {
            retry_after: self.retry_after,
        }
    }
}

/// Asks a place that a customer named: with nothing of ours in the call, no redirect followed, and little read of the answer.
pub async fn ask_stranger(url: &str) -> Result<Answer, NoAnswer> {
    let call = Call {
        method: Method::Get,
        url: url.to_owned(),
        auth: None,
        body: Body::None,
    };
    call.send_within(TIMEOUT.get(), MAX_STRANGERS_ANSWER).await
}

impl Call<'_> {
    /// Makes the call. Redirects are not followed: a token goes where the settings say, and nowhere else.
    pub async fn send(self) -> Result<Answer, NoAnswer> {
        self.send_within(TIMEOUT.get(), MAX_ANSWER).await
    }

    /// The same for what may not take so long, with little read of the answer.
    pub async fn send_in(self, patience: Duration) -> Result<Answer, NoAnswer> {
        let within = patience.min(TIMEOUT.get());
        self.send_within(within, MAX_STRANGERS_ANSWER).await
    }

    async fn send_within(self, within: Duration, limit: usize) -> Result<Answer, NoAnswer> {
        let controller = AbortController::default();
        let signal = controller.signal();
        match in_time(within, self.exchange(&signal, limit)).await {
            Some(answer) => answer.map_err(|_| NoAnswer),
            None => {
                controller.abort();
                Err(NoAnswer)
            }
        }
    }

    async fn exchange(&self, signal: &worker::AbortSignal, limit: usize) -> worker::Result<Answer> {
        let headers = Headers::new();
        headers.set("accept", "application/json")?;
        if let Some((name, before, secret)) = self.auth {
            // Opened to authenticate the call.
            headers.set(name, &[before, secret.expose()].concat())?;
        }
        let mut init = RequestInit::new();
        init.with_method(self.method.clone())
            .with_redirect(RequestRedirect::Manual);
        match &self.body {
            Body::None => {}
            Body::Empty(more) => {
                for (name, value) in *more {
                    headers.set(name, value)?;
                }
            }
            Body::Json(value) => {
                headers.set("content-type", "application/json")?;
                init.with_body(Some(JsValue::from_str(&value.to_string())));
            }
            Body::Form(text) => {
                headers.set("content-type", "application/x-www-form-urlencoded")?;
                // Opened to authenticate the call.
                init.with_body(Some(JsValue::from_str(text.expose())));
            }
        }
        init.with_headers(headers);
        let request = Request::new_with_init(&self.url, &init)?;
        let mut response = Fetch::Request(request).send_with_signal(signal).await?;
        let retry_after = response
            .headers()
            .get("retry-after")?
            .and_then(|text| text.parse().ok());
        let status = response.status_code();
        Ok(Answer {
            status,
            retry_after,
            body: bounded(&mut response, limit).await?,
        })
    }
}

/// The body as text. One that is over the limit, or no text, is as good as none: whoever reads it finds that it says nothing.
async fn bounded(response: &mut Response, limit: usize) -> worker::Result<String> {
    if matches!(response.body(), ResponseBody::Empty) {
        return Ok(String::new());
    }
    let mut stream = response.stream()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend(chunk?);
        if bytes.len() > limit {
            return Ok(String::new());
        }
    }
    Ok(String::from_utf8(bytes).unwrap_or_default())
}
