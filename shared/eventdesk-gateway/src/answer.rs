//! What a function answers, as an HTTP response.

use aws_lambda_events::{apigw::ApiGatewayV2httpResponse, encodings::Body};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

/// Why an answer cannot be sent; its caller gets a 500, as from the service.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("{0} is no status of a final answer")]
    Status(i64),
    #[error("the body is not what it says it is")]
    Body,
}

/// Turns payload format 2.0 into a response.
pub(crate) fn response(answer: ApiGatewayV2httpResponse) -> Result<Response<Full<Bytes>>, Malformed> {
    let status = u16::try_from(answer.status_code).ok().and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.filter(|status| !status.is_informational()).ok_or(Malformed::Status(answer.status_code))?;
    let body = match answer.body {
        None | Some(Body::Empty) => Bytes::new(),
        Some(Body::Text(text)) if answer.is_base64_encoded => {
            STANDARD.decode(text).map_err(|_| Malformed::Body)?.into()
        }
        Some(Body::Text(text)) => text.into(),
        // Becomes base64 only where it is written as JSON.
        Some(Body::Binary(bytes)) => bytes.into(),
        // The type keeps the right to grow.
        Some(_) => return Err(Malformed::Body),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers(answer.headers, &answer.multi_value_headers, &answer.cookies);
    Ok(response)
}

fn headers(mut single: HeaderMap, multiple: &HeaderMap, cookies: &[String]) -> HeaderMap {
    for (name, value) in multiple {
        single.append(name, value.clone());
    }
    for cookie in cookies {
        if let Ok(value) = HeaderValue::from_str(cookie) {
            single.append(header::SET_COOKIE, value);
        }
    }
    // The connection is the gateway's own affair.
    for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        single.remove(name);
    }
    single
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: i64) -> ApiGatewayV2httpResponse {
        let mut answer = ApiGatewayV2httpResponse::default();
        answer.status_code = status;
        answer
    }

    #[test]
    fn a_status_that_ends_nothing_is_malformed() {
        for status in [0, 99, 100, 101, 1000, -1] {
            assert_eq!(response(answer(status)).err(), Some(Malformed::Status(status)));
        }
    }

    #[test]
    fn a_body_that_is_not_its_base64_is_malformed() {
        let mut answer = answer(200);
        answer.body = Some(Body::Text("no base64!".to_owned()));
        answer.is_base64_encoded = true;
        assert_eq!(response(answer).err(), Some(Malformed::Body));
    }
}
