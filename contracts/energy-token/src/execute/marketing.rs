//! `UpdateMarketing` and `UploadLogo`: what wallets show.

use super::Call;
use crate::state;
use cosmwasm_std::Response;
use wattpool_schema::cw20::{EmbeddedLogo, Logo, LogoInfo, MarketingInfoResponse};
use wattpool_schema::error::MarketError;

/// Largest embedded logo, in bytes (as in cw20-base).
const MAX_LOGO: usize = 5 * 1024;
const PNG_HEADER: &[u8] = &[0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];

/// Changes what is given; an empty text takes the field away. Without a marketing account nobody can change it back.
pub fn update_marketing(
    call: Call,
    project: Option<String>,
    description: Option<String>,
    marketing: Option<String>,
) -> Result<Response, MarketError> {
    let storage = &mut *call.deps.storage;
    let mut info = state::marketing(storage)?.unwrap_or_default();
    let field = |new: Option<String>, old: Option<String>| match new {
        None => old,
        Some(text) if text.is_empty() => None,
        Some(text) => Some(text),
    };
    info.project = field(project, info.project);
    info.description = field(description, info.description);
    info.marketing = match marketing {
        None => info.marketing,
        Some(text) if text.is_empty() => None,
        Some(text) => Some(call.deps.api.addr_validate(&text)?),
    };
    state::save_marketing(storage, &info)?;
    Ok(Response::new().add_attribute("action", "update_marketing"))
}

/// Sets the logo: a link, or an embedded SVG or PNG of at most 5 KiB.
pub fn upload_logo(call: Call, logo: Logo) -> Result<Response, MarketError> {
    let shown = match &logo {
        Logo::Url(url) => LogoInfo::Url(url.clone()),
        Logo::Embedded(image) => {
            check_image(image)?;
            LogoInfo::Embedded
        }
    };
    let storage = &mut *call.deps.storage;
    let info = MarketingInfoResponse {
        logo: Some(shown),
        ..state::marketing(storage)?.unwrap_or_default()
    };
    state::save_marketing(storage, &info)?;
    let image = match &logo {
        Logo::Embedded(image) => Some(image),
        Logo::Url(_) => None,
    };
    state::save_logo(storage, image)?;
    Ok(Response::new().add_attribute("action", "upload_logo"))
}

fn check_image(image: &EmbeddedLogo) -> Result<(), MarketError> {
    let (bytes, header, kind) = match image {
        EmbeddedLogo::Svg(bytes) => (bytes, b"<?xml ".as_slice(), "SVG"),
        EmbeddedLogo::Png(bytes) => (bytes, PNG_HEADER, "PNG"),
    };
    if bytes.len() <= MAX_LOGO && bytes.starts_with(header) {
        return Ok(());
    }
    Err(MarketError::BadInput {
        field: "logo".into(),
        expected: format!("{kind} of at most {MAX_LOGO} bytes"),
    })
}
