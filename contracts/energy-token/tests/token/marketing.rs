//! `UpdateMarketing` and `UploadLogo`.

use crate::token::*;
use cosmwasm_std::Binary;
use wattpool_schema::cw20::{
    DownloadLogoResponse, EmbeddedLogo, Logo, LogoInfo, MarketingInfoResponse,
};
use wattpool_schema::error::MarketError;
use wattpool_schema::token::{ExecuteMsg, QueryMsg};

fn update(project: Option<&str>, description: Option<&str>, marketing: Option<&str>) -> ExecuteMsg {
    ExecuteMsg::UpdateMarketing {
        project: project.map(Into::into),
        description: description.map(Into::into),
        marketing: marketing.map(Into::into),
    }
}

fn info(token: &Token) -> MarketingInfoResponse {
    token.ask(&QueryMsg::MarketingInfo {})
}

#[test]
fn changes_what_is_given() {
    let mut token = Token::new();
    token
        .run(
            "marketing",
            &update(Some("https://watt"), Some("energy"), None),
        )
        .unwrap();
    let expected = MarketingInfoResponse {
        project: Some("https://watt".into()),
        description: Some("energy".into()),
        logo: None,
        marketing: Some(addr("marketing")),
    };
    assert_eq!(info(&token), expected);
    token
        .run(
            "marketing",
            &update(Some(""), None, Some(addr("ann").as_str())),
        )
        .unwrap();
    let now = info(&token);
    assert_eq!(
        (now.project, now.description),
        (None, Some("energy".into()))
    );
    assert_eq!(now.marketing, Some(addr("ann")));
    token.run("ann", &update(None, None, Some(""))).unwrap();
    let needs = "marketing account".to_owned();
    let result = token.run("ann", &update(None, None, None));
    assert_eq!(result.unwrap_err(), MarketError::Unauthorized { needs });
}

#[test]
fn logos() {
    let mut token = Token::new();
    let url = Logo::Url("https://watt/logo".into());
    token
        .run("marketing", &ExecuteMsg::UploadLogo(url))
        .unwrap();
    assert_eq!(
        info(&token).logo,
        Some(LogoInfo::Url("https://watt/logo".into()))
    );
    let svg = Binary::from(b"<?xml version=\"1.0\"?><svg/>");
    let png = Binary::from(b"\x89PNG\r\n\x1a\nrest");
    for (logo, mime, data) in [
        (EmbeddedLogo::Svg(svg.clone()), "image/svg+xml", &svg),
        (EmbeddedLogo::Png(png.clone()), "image/png", &png),
    ] {
        let msg = ExecuteMsg::UploadLogo(Logo::Embedded(logo));
        token.run("marketing", &msg).unwrap();
        assert_eq!(info(&token).logo, Some(LogoInfo::Embedded));
        let shown: DownloadLogoResponse = token.ask(&QueryMsg::DownloadLogo {});
        assert_eq!((shown.mime_type.as_str(), &shown.data), (mime, data));
    }
    // A link afterwards takes the embedded one away.
    let url = Logo::Url("https://watt/logo".into());
    token
        .run("marketing", &ExecuteMsg::UploadLogo(url))
        .unwrap();
    let question = QueryMsg::DownloadLogo {};
    let query = token.app.wrap();
    let shown = query.query_wasm_smart::<DownloadLogoResponse>(&token.address, &question);
    assert!(shown
        .unwrap_err()
        .to_string()
        .contains("no logo is embedded"));
}

#[test]
fn bad_logos() {
    let mut token = Token::new();
    let mut large = b"<?xml ".to_vec();
    large.resize(5 * 1024 + 1, b' ');
    for (logo, kind) in [
        (EmbeddedLogo::Svg(Binary::from(b"<svg/>")), "SVG"),
        (EmbeddedLogo::Svg(Binary::from(large)), "SVG"),
        (EmbeddedLogo::Png(Binary::from(b"PNG")), "PNG"),
    ] {
        let msg = ExecuteMsg::UploadLogo(Logo::Embedded(logo));
        let refusal = MarketError::BadInput {
            field: "logo".into(),
            expected: format!("{kind} of at most 5120 bytes"),
        };
        assert_eq!(token.run("marketing", &msg).unwrap_err(), refusal);
    }
    assert_eq!(info(&token).logo, None);
}
