//! The page's files, which are part of the program: nothing is asked of anybody else.

use super::Shared;
use axum::http::{header, HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::Router;
use sha2::{Digest, Sha256};

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const DRAWING: &str = "image/svg+xml";
const MANIFEST: &str = "application/manifest+json";

macro_rules! files {
    ($($path:literal = $kind:ident $file:literal;)*) => {
        /// Path, kind and content of each file.
        const FILES: &[(&str, &str, &str)] = &[
            $(($path, $kind, include_str!(concat!("../page/", $file)))),*
        ];
    };
}

files! {
    "/" = HTML "index.html";
    "/page/style.css" = STYLE "style.css";
    "/page/app.js" = SCRIPT "app.js";
    "/page/ask.js" = SCRIPT "ask.js";
    "/page/draw.js" = SCRIPT "draw.js";
    "/page/figures.js" = SCRIPT "figures.js";
    "/page/texts.js" = SCRIPT "texts.js";
    "/page/views/now.js" = SCRIPT "views/now.js";
    "/page/views/money.js" = SCRIPT "views/money.js";
    "/page/views/trades.js" = SCRIPT "views/trades.js";
    "/page/views/market.js" = SCRIPT "views/market.js";
    "/page/views/limits.js" = SCRIPT "views/limits.js";
    "/page/views/watch.js" = SCRIPT "views/watch.js";
    "/page/icon.svg" = DRAWING "icon.svg";
    "/page/manifest.webmanifest" = MANIFEST "manifest.webmanifest";
}

/// Where the page's files are.
pub fn router() -> Router<Shared> {
    FILES.iter().fold(Router::new(), |router, file| {
        let (path, kind, text) = *file;
        let digest = hex::encode(Sha256::digest(text.as_bytes()));
        let tag = format!("\"{}\"", digest.get(..32).unwrap_or_default());
        router.route(
            path,
            get(move |headers: HeaderMap| std::future::ready(file_of(&headers, kind, text, &tag))),
        )
    })
}

/// A file, unless the browser has this very one.
fn file_of(headers: &HeaderMap, kind: &'static str, text: &'static str, tag: &str) -> Response {
    let has = headers.get(header::IF_NONE_MATCH);
    let has = has.is_some_and(|has| has.as_bytes() == tag.as_bytes());
    let mut response = if has {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, kind)], text).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing is loaded from elsewhere, and every file that a page or a script names is there.
    #[test]
    fn files_name_only_each_other() {
        let paths: Vec<&str> = FILES.iter().map(|(path, _, _)| *path).collect();
        for (path, _, text) in FILES {
            for foreign in [
                "http://",
                "https://",
                "eval(",
                "innerHTML",
                "document.write",
            ] {
                let own = text.replace("http://www.w3.org/", "");
                assert!(!own.contains(foreign), "{path} has {foreign}");
            }
            for quote in ["from \"", "href=\"", "src=\"", "import(\""] {
                for piece in text.split(quote).skip(1) {
                    let name = piece.split('"').next().unwrap_or_default();
                    if name.starts_with('#') || name.is_empty() {
                        continue;
                    }
                    assert!(paths.contains(&name), "{path} names {name}");
                }
            }
        }
    }
}
