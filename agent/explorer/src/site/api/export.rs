//! Tables of what is indexed, and the auditor's signature of them.

use super::{read, Shared};
use crate::export::{digest, file, Form, Signed, What};
use axum::extract::State;
use axum::http::{header, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::Json;
use schemars::JsonSchema;
use serde::Deserialize;
use wattpool_web::answer::{Answer, Asked as Question, Refusal};

/// What is wanted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// What a row is.
    what: What,
    /// How it is written [default: csv].
    form: Option<Form>,
}

async fn made(shared: &Shared, what: What, form: Form) -> Result<Vec<u8>, Refusal> {
    let Ok(_one) = shared.files.try_acquire() else {
        let mut refusal = Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "another file is being written",
        );
        refusal.retry_after = Some(2);
        return Err(refusal);
    };
    read(shared, move |_, reader| file(reader, what, form)).await
}

const fn name(what: What) -> &'static str {
    match what {
        What::Trades => "trades",
        What::Windows => "windows",
        What::Meters => "meters",
        What::Fees => "fees",
    }
}

pub async fn export(
    State(shared): State<Shared>,
    Question(asked): Question<Asked>,
) -> Result<Response, Refusal> {
    let form = asked.form.unwrap_or_default();
    let bytes = made(&shared, asked.what, form).await?;
    let (kind, end) = match form {
        Form::Csv => ("text/csv; charset=utf-8", "csv"),
        Form::Json => ("application/json", "json"),
    };
    let file = format!(
        "attachment; filename=\"wattpool-{}.{end}\"",
        name(asked.what)
    );
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, file),
    ];
    Ok((headers, bytes).into_response())
}

pub async fn signature(
    State(shared): State<Shared>,
    Question(asked): Question<Asked>,
) -> Answer<Signed> {
    let Some(signer) = shared.explorer.signer.clone() else {
        let why = "nobody signs here: the explorer was started without --from";
        return Err(Refusal::new(StatusCode::NOT_FOUND, why));
    };
    let bytes = made(&shared, asked.what, asked.form.unwrap_or_default()).await?;
    let sha256 = digest(&bytes);
    let signature = (signer.sign)(sha256.as_bytes()).map_err(Refusal::broken)?;
    Ok(Json(Signed {
        sha256,
        address: signer.address,
        signature,
    }))
}
