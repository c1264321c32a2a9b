//! What a server answered, with the questions tests ask of it.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// One HTTP answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The request, for messages: `GET /api/v1/tickets`.
    pub asked: String,
    /// Status code.
    pub status: u16,
    /// Headers as received.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

#[expect(clippy::return_self_not_must_use, reason = "a demand is often all a test wants of an answer")]
impl Answer {
    /// Reads `response` to its end.
    ///
    /// # Errors
    /// When the connection breaks before the body is complete.
    pub async fn read(asked: String, response: reqwest::Response) -> Result<Self, reqwest::Error> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Self { asked, status, headers, text, body })
    }

    /// Demands this status and hands the answer on.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// Demands one of these statuses and hands the answer on.
    #[track_caller]
    pub fn is_one_of(self, statuses: &[u16]) -> Self {
        assert!(statuses.contains(&self.status), "wanted one of {statuses:?}: {self}");
        self
    }

    /// Demands a problem document of this status, whole and without internals, and hands the answer on.
    #[track_caller]
    pub fn problem(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        let kind = self.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("application/problem+json"), "not a problem document ({kind}): {self}");
        assert_eq!(self.body["status"], status, "status member: {self}");
        let code = self.body["code"].as_str().unwrap_or_default();
        assert!(!code.is_empty(), "no code: {self}");
        assert!(self.body["type"].as_str().is_some_and(|uri| uri.ends_with(code)), "type ends in the code: {self}");
        assert!(self.body["title"].as_str().is_some_and(|title| !title.is_empty()), "no title: {self}");
        let request_id = self.header("x-request-id").unwrap_or_default();
        assert!(!request_id.is_empty(), "no X-Request-Id: {self}");
        assert!(
            self.body["instance"].as_str().is_some_and(|instance| instance.contains(&request_id)),
            "instance names the request: {self}"
        );
        for inside in
            ["SELECT ", "INSERT ", "rusqlite", "sqlite", "panicked", ".rs:", "stack backtrace", "/home/", "/tmp/"]
        {
            assert!(!self.text.contains(inside), "an inside ({inside}) shows: {self}");
        }
        self
    }

    /// Demands a problem document of this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        let answer = self.problem(status);
        assert_eq!(answer.body["code"], code, "{answer}");
        answer
    }

    /// Demands a 422 whose `errors` name this pointer, and hands back the code given for it.
    #[track_caller]
    pub fn invalid(self, pointer: &str) -> String {
        let answer = self.problem(422);
        let errors = answer.body["errors"].as_array().cloned().unwrap_or_default();
        let found = errors.iter().find(|error| error["pointer"] == pointer);
        let Some(error) = found else { panic!("no error for {pointer}: {answer}") };
        assert!(error["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "no detail: {answer}");
        let code = error["code"].as_str().unwrap_or_default().to_owned();
        assert!(!code.is_empty(), "no code: {answer}");
        code
    }

    /// A header's text, or none.
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// The `ETag`.
    #[track_caller]
    pub fn etag(&self) -> String {
        self.header("etag").unwrap_or_else(|| panic!("no ETag: {self}"))
    }

    /// The part of the `ETag` before the dot: the aggregate's version.
    #[track_caller]
    pub fn etag_version(&self) -> u64 {
        let etag = self.etag();
        let number = etag.trim_matches('"').split('.').next().unwrap_or_default().to_owned();
        number.parse().unwrap_or_else(|_| panic!("the ETag {etag} starts with no version: {self}"))
    }

    /// The `version` member.
    #[track_caller]
    pub fn version(&self) -> u64 {
        self.body["version"].as_u64().unwrap_or_else(|| panic!("no version: {self}"))
    }

    /// The `id` member.
    #[track_caller]
    pub fn id(&self) -> String {
        self.str("id")
    }

    /// A member that must be text.
    #[track_caller]
    pub fn str(&self, member: &str) -> String {
        self.body[member].as_str().unwrap_or_else(|| panic!("no text {member}: {self}")).to_owned()
    }

    /// The `Consistency-Token` of a command.
    #[track_caller]
    pub fn token(&self) -> String {
        self.header("consistency-token").unwrap_or_else(|| panic!("no Consistency-Token: {self}"))
    }

    /// The rows of a list.
    #[track_caller]
    pub fn rows(&self) -> Vec<Value> {
        self.body["data"].as_array().unwrap_or_else(|| panic!("no data: {self}")).clone()
    }

    /// One text member of each row of a list.
    #[track_caller]
    pub fn column(&self, member: &str) -> Vec<String> {
        let text =
            |row: &Value| row[member].as_str().unwrap_or_else(|| panic!("a row without {member}: {self}")).into();
        self.rows().iter().map(text).collect()
    }

    /// The cursor of the next page; none when there is no more.
    #[track_caller]
    pub fn next_cursor(&self) -> Option<String> {
        let more = self.body["page"]["has_more"].as_bool().unwrap_or_else(|| panic!("no page.has_more: {self}"));
        let cursor = self.body["page"]["next_cursor"].as_str().map(str::to_owned);
        assert_eq!(more, cursor.is_some(), "has_more and next_cursor disagree: {self}");
        cursor
    }

    /// Whether some text inside the JSON body equals `value`.
    pub fn mentions(&self, value: &str) -> bool {
        fn within(body: &Value, value: &str) -> bool {
            match body {
                Value::String(text) => text == value,
                Value::Array(items) => items.iter().any(|item| within(item, value)),
                Value::Object(members) => members.values().any(|member| within(member, value)),
                _ => false,
            }
        }
        within(&self.body, value)
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text: String = self.text.chars().take(1500).collect();
        write!(out, "{} -> {} {:?}\n{text}", self.asked, self.status, self.headers)
    }
}
