//! `io.jwt.decode`, which the engine does not bring along.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use regorus::Value;

/// Its name in policies.
pub(super) const DECODE: &str = "io.jwt.decode";

/// `[header, payload, signature]` of a token in compact form (RFC 7515): two objects and hexadecimal text. Undefined
/// for whatever is none. Nothing is verified.
#[expect(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "the engine calls it like this")]
pub(super) fn decode<E>(arguments: Vec<Value>) -> Result<Value, E> {
    let token = arguments.first().and_then(|value| value.as_string().ok());
    Ok(token.and_then(|token| parts(token)).unwrap_or(Value::Undefined))
}

fn parts(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let signature = signature.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    Some(Value::from(vec![object(header)?, object(payload)?, Value::from(signature)]))
}

fn object(part: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    let value = Value::from_json_str(std::str::from_utf8(&bytes).ok()?).ok()?;
    value.as_object().is_ok().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(token: &str) -> Value {
        decode::<()>(vec![Value::from(token)]).unwrap()
    }

    #[test]
    fn a_token_is_its_three_parts() {
        // {"alg":"RS256"} . {"scp":["a"]} . ab cd
        let value = decoded("eyJhbGciOiJSUzI1NiJ9.eyJzY3AiOlsiYSJdfQ.q80");
        assert_eq!(value, Value::from_json_str(r#"[{"alg":"RS256"},{"scp":["a"]},"abcd"]"#).unwrap());
    }

    #[test]
    fn what_is_no_token_is_undefined() {
        for token in
            ["", "a", "a.b", "e30.e30", "e30.e30.q80.q80", "e30.W10.q80", "e30.e30.!", "e30.{}.q80", "e30.InR4dCI.q80"]
        {
            assert_eq!(decoded(token), Value::Undefined, "{token}");
        }
        assert_eq!(decode::<()>(vec![Value::from(7_u64)]).unwrap(), Value::Undefined);
        assert_eq!(decode::<()>(vec![]).unwrap(), Value::Undefined);
    }

    #[test]
    fn deep_json_is_no_token() {
        let deep = URL_SAFE_NO_PAD.encode(format!("{}{}", "[".repeat(20_000), "]".repeat(20_000)));
        assert_eq!(decoded(&format!("e30.{deep}.q80")), Value::Undefined);
    }
}
