//! slack-morphism over our own `reqwest` client.
//!
//! Decision: the library's hyper connector would bring a second HTTP stack and has no timeouts;
//! this one shares our client, its timeouts and its TLS provider, and it insists on an answer that
//! says `"ok": true`. The library takes an HTML page or `{"ok":false}` without a code for success
//! (`slack.md` A.3).

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use slack_morphism::errors::{
    SlackClientApiError, SlackClientError, SlackClientHttpError, SlackClientHttpProtocolError,
    SlackClientProtocolError, SlackRateLimitError,
};
use slack_morphism::multipart_form::FileMultipartData;
use slack_morphism::{
    ClientResult, SlackClientApiCallContext, SlackClientHttpConnector, SlackClientId,
    SlackClientSecret,
};
use url::Url;

use super::health::ApiHealth;
use crate::breaker::parse_retry_after;

/// Carries the library's calls over our HTTP client.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    base: String,
    health: ApiHealth,
}

/// The part of every answer of Slack that says whether the call succeeded.
#[derive(Deserialize)]
struct AnswerStatus {
    ok: bool,
    error: Option<String>,
}

impl Transport {
    /// Calls go to `{base}/{method}`.
    pub(crate) fn new(http: reqwest::Client, base: &str, health: ApiHealth) -> Self {
        Self { http, base: base.trim_end_matches('/').to_owned(), health }
    }

    async fn send_request<RS: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
        context: SlackClientApiCallContext<'_>,
    ) -> ClientResult<RS> {
        let request = match context.token {
            Some(token) => request.bearer_auth(&token.token_value.0),
            None => request,
        };
        let response = request.send().await.map_err(connection_error)?;
        // Before the status is judged: refusals carry the scopes and the time as well.
        self.health.note_headers(response.headers());
        let status = response.status();
        if status == reqwest::StatusCode::TOO_MANY_REQUESTS {
            let mut limit = SlackRateLimitError::new();
            let after = response.headers().get(reqwest::header::RETRY_AFTER);
            limit.retry_after = after.and_then(|after| parse_retry_after(after.to_str().ok()?));
            return Err(SlackClientError::RateLimitError(limit));
        }
        if !status.is_success() {
            return Err(SlackClientError::HttpError(SlackClientHttpError::new(status)));
        }
        parse_answer(&response.bytes().await.map_err(connection_error)?)
    }
}

fn parse_answer<RS: DeserializeOwned>(body: &[u8]) -> ClientResult<RS> {
    let answer: AnswerStatus = serde_json::from_slice(body).map_err(unreadable_error)?;
    // Read twice, first only for its `ok`: what a refusal lacks of the typed answer must not hide
    // its code.
    if answer.ok {
        return serde_json::from_slice(body).map_err(unreadable_error);
    }
    match answer.error {
        Some(code) => Err(SlackClientError::ApiError(SlackClientApiError::new(code))),
        // It does not say that nothing has happened (`slack.md` A.3).
        None => Err(unreadable_error(serde::de::Error::missing_field("error"))),
    }
}

fn connection_error(error: reqwest::Error) -> SlackClientError {
    // Addresses of reads have their parameters in them, among them e-mail addresses of people.
    let error = SlackClientHttpProtocolError { cause: Some(Box::new(error.without_url())) };
    SlackClientError::HttpProtocolError(error)
}

fn unreadable_error(error: serde_json::Error) -> SlackClientError {
    SlackClientError::ProtocolError(SlackClientProtocolError::new(error))
}

#[expect(unused_lifetimes, reason = "the trait's signature has it")]
impl SlackClientHttpConnector for Transport {
    fn http_get_uri<'a, RS>(
        &'a self,
        full_uri: Url,
        context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        self.send_request(self.http.get(full_uri), context).boxed()
    }

    fn http_get_with_client_secret<'a, RS>(
        &'a self,
        full_uri: Url,
        client_id: &'a SlackClientId,
        client_secret: &'a SlackClientSecret,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        let request = self.http.get(full_uri).basic_auth(&client_id.0, Some(&client_secret.0));
        async move {
            let response = request.send().await.map_err(connection_error)?;
            parse_answer(&response.bytes().await.map_err(connection_error)?)
        }
        .boxed()
    }

    fn http_post_uri<'a, RQ, RS>(
        &'a self,
        full_uri: Url,
        request_body: &'a RQ,
        context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RQ: Serialize + Send + Sync,
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        self.send_request(self.http.post(full_uri).json(request_body), context).boxed()
    }

    fn http_post_uri_multipart_form<'a, 'p, RS, PT, TS>(
        &'a self,
        full_uri: Url,
        file: Option<FileMultipartData<'p>>,
        params: &'p PT,
        context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
        PT: IntoIterator<Item = (&'p str, Option<TS>)> + Clone,
        TS: AsRef<str> + 'p + Send,
    {
        let mut form = reqwest::multipart::Form::new();
        for (name, value) in params.clone() {
            if let Some(value) = value {
                form = form.text(name.to_owned(), value.as_ref().to_owned());
            }
        }
        if let Some(file) = file {
            let part = reqwest::multipart::Part::bytes(file.data.to_vec()).file_name(file.name);
            form = form.part("file", part);
        }
        self.send_request(self.http.post(full_uri).multipart(form), context).boxed()
    }

    fn http_post_uri_binary<'a, 'p, RS>(
        &'a self,
        full_uri: Url,
        content_type: String,
        data: &'a [u8],
        context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        let request = self
            .http
            .post(full_uri)
            .header(reqwest::header::CONTENT_TYPE, content_type)
            .body(data.to_vec());
        self.send_request(request, context).boxed()
    }

    fn create_method_uri_path(&self, method_relative_uri: &str) -> ClientResult<Url> {
        Ok(format!("{}/{method_relative_uri}", self.base).parse()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_no_without_a_reason_says_nothing_of_what_happened() {
        let answer = |body: &str| parse_answer::<serde_json::Value>(body.as_bytes()).unwrap_err();
        let named = answer(r#"{"ok":false,"error":"is_archived"}"#);
        assert!(matches!(named, SlackClientError::ApiError(_)));
        for body in [r#"{"ok":false}"#, r#"{"ok":"#, "[]"] {
            assert!(matches!(answer(body), SlackClientError::ProtocolError(_)), "{body}");
        }
    }
}
