//! One bounded HTTP call to an upstream: it answers in time, or it did not answer.

use futures_util::future::{Either, select};
use kindling_domain::order::Failure;
use kindling_domain::secret::Secret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::pin::pin;
use std::time::Duration;
use worker::wasm_bindgen::JsValue;
use worker::{
    AbortController, Delay, Fetch, Headers, Method, Request, RequestInit, RequestRedirect,
};

/// How long any upstream may take, body included.
const TIMEOUT: Duration = Duration::from_secs(15);

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

impl Call<'_> {
    /// Makes the call. Redirects are not followed: a token goes where the settings say, and nowhere else.
    pub async fn send(self) -> Result<Answer, NoAnswer> {
        let controller = AbortController::default();
        let signal = controller.signal();
        let call = pin!(self.exchange(&signal));
        let late = pin!(Delay::from(TIMEOUT));
        match select(call, late).await {
            Either::Left((answer, _)) => answer.map_err(|_| NoAnswer),
            Either::Right(((), _)) => {
                controller.abort();
                Err(NoAnswer)
            }
        }
    }

    async fn exchange(&self, signal: &worker::AbortSignal) -> worker::Result<Answer> {
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
            body: response.text().await?,
        })
    }
}
