//! Someone who talks to a desk over HTTP.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::Answer;

/// A client with its token and headers; cheap to clone and to vary.
#[derive(Clone, Debug)]
pub struct Caller {
    http: reqwest::Client,
    base: String,
    prefix: String,
    headers: Vec<(String, String)>,
    /// The access token, if logged in.
    pub bearer: Option<String>,
}

/// What a request carries.
enum Load {
    Nothing,
    Json(Value),
    Text(String),
    Form(Vec<(String, String)>),
}

impl Caller {
    pub(crate) fn new(base: &str) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(40))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a plain client needs nothing");
        Self { http, base: base.to_owned(), prefix: "/api/v1".into(), headers: Vec::new(), bearer: None }
    }

    /// Logs in by password.
    pub async fn login(&self, username: &str, password: &str) -> Self {
        let fields = [("grant_type", "password"), ("username", username), ("password", password)];
        let answer = self.anonymous().form("/token", &fields).await.is(200);
        self.bearing(&answer.str("access_token"))
    }

    /// The same caller with another access token.
    #[must_use]
    pub fn bearing(&self, token: &str) -> Self {
        Self { bearer: Some(token.to_owned()), ..self.clone() }
    }

    /// The same caller without a token.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self { bearer: None, ..self.clone() }
    }

    /// The same caller, sending one more header.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.push((name.to_owned(), value.to_owned()));
        other
    }

    /// The same caller, demanding to see at least what `answer` wrote.
    #[must_use]
    pub fn after(&self, answer: &Answer) -> Self {
        let mut other = self.clone();
        match other.headers.iter_mut().find(|(name, _)| name == "Consistency-Token") {
            Some((_, tokens)) => *tokens = format!("{tokens},{}", answer.token()),
            None => other.headers.push(("Consistency-Token".into(), answer.token())),
        }
        other
    }

    /// The same caller on root paths, without `/api/v1`.
    #[must_use]
    pub fn at_root(&self) -> Self {
        Self { prefix: String::new(), ..self.clone() }
    }

    /// The same caller on a connection pool of its own.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { http: Self::new(&self.base).http, ..self.clone() }
    }

    /// `http://address:port`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, Load::Nothing).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, Load::Nothing).await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Load::Json(body)).await
    }

    /// PUT of JSON.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, Load::Json(body)).await
    }

    /// PUT without a body.
    pub async fn put_empty(&self, path: &str) -> Answer {
        self.send("PUT", path, Load::Nothing).await
    }

    /// PATCH of JSON.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, Load::Json(body)).await
    }

    /// POST of a form.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.send("POST", path, Load::Form(fields)).await
    }

    /// Any method with a body as it is; the media type comes by [`Caller::with`].
    pub async fn raw(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(method, path, Load::Text(body.to_owned())).await
    }

    /// Any method, with JSON or nothing.
    pub async fn request(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.send(method, path, body.map_or(Load::Nothing, Load::Json)).await
    }

    /// As [`Caller::request`], for servers that may die meanwhile.
    ///
    /// # Errors
    /// When no whole answer came back.
    pub async fn attempt(&self, method: &str, path: &str, body: Option<Value>) -> Result<Answer, reqwest::Error> {
        self.exchange(method, path, body.map_or(Load::Nothing, Load::Json)).await
    }

    /// Reads what `answer` wrote: a GET with its token that waits out a lagging read model, whatever the status then.
    pub async fn look(&self, answer: &Answer, path: &str) -> Answer {
        let caller = self.after(answer);
        let start = Instant::now();
        loop {
            let seen = caller.get(path).await;
            if seen.status != 503 {
                return seen;
            }
            assert!(seen.header("retry-after").is_some(), "503 without Retry-After: {seen}");
            assert!(start.elapsed() < Duration::from_secs(30), "the read model never caught up: {seen}");
        }
    }

    /// As [`Caller::look`], and it must be there.
    pub async fn see(&self, answer: &Answer, path: &str) -> Answer {
        self.look(answer, path).await.is(200)
    }

    async fn send(&self, method: &str, path: &str, load: Load) -> Answer {
        match self.exchange(method, path, load).await {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {path} got no answer: {error:?}"),
        }
    }

    async fn exchange(&self, method: &str, path: &str, load: Load) -> Result<Answer, reqwest::Error> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method's name");
        let target =
            if path.starts_with("http://") { path.to_owned() } else { format!("{}{}{path}", self.base, self.prefix) };
        let asked = format!("{method} {}", target.trim_start_matches(&self.base));
        let mut request = self.http.request(method, target);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(token) = &self.bearer {
            request = request.bearer_auth(token);
        }
        request = match load {
            Load::Nothing => request,
            Load::Json(body) if self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) => {
                request.body(body.to_string())
            }
            Load::Json(body) => request.json(&body),
            Load::Text(body) => request.body(body),
            Load::Form(fields) => request.form(&fields),
        };
        Answer::read(asked, request.send().await?).await
    }
}
