//! The Lambda authorizer: payload format 2.0 in, simple response out.

use std::time::Instant;

use aws_lambda_events::apigw::{ApiGatewayV2CustomAuthorizerSimpleResponse, ApiGatewayV2CustomAuthorizerV2Request};
use eventdesk_http::{AuthorizerContext, CallerResolver};
use eventdesk_identity::{Authorizer, Refusal};
use eventdesk_lambda::measure;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, to_value};

/// What is known of a request's token. The function behind tells the caller what is wrong with it, and looks at the
/// scopes: so one verdict serves every route, and the gateway may remember it.
pub(crate) async fn answer(
    authorizer: &Authorizer,
    callers: &CallerResolver,
    event: LambdaEvent<ApiGatewayV2CustomAuthorizerV2Request>,
) -> Result<ApiGatewayV2CustomAuthorizerSimpleResponse<Value>, Error> {
    let began = Instant::now();
    let given = event.payload.identity_source.as_deref().and_then(<[String]>::first);
    let context = match authorizer.authorize(given.map(String::as_str), &[]).await {
        Ok(verified) => AuthorizerContext::of_token(callers, verified.claims.as_ref().clone()).await,
        Err(Refusal::Unavailable) => AuthorizerContext::Unavailable {},
        Err(refusal) => AuthorizerContext::Refused {
            code: refusal.code().map(str::to_owned),
            description: refusal.description().to_owned(),
        },
    };
    measure(
        began,
        match &context {
            AuthorizerContext::Verified { .. } => 200,
            AuthorizerContext::Refused { .. } => 401,
            AuthorizerContext::Unavailable {} => 503,
        },
    );
    let mut verdict = ApiGatewayV2CustomAuthorizerSimpleResponse::default();
    verdict.is_authorized = true;
    verdict.context = to_value(context)?;
    Ok(verdict)
}
