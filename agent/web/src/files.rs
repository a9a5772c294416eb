//! A page's files, which are part of the program: nothing is asked of anybody else.

use axum::http::{header, HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::Router;
use sha2::{Digest, Sha256};

/// Path, kind and content of a file.
pub type File = (&'static str, &'static str, &'static str);

/// A page.
pub const HTML: &str = "text/html; charset=utf-8";
/// A script.
pub const SCRIPT: &str = "text/javascript; charset=utf-8";
/// How things look.
pub const STYLE: &str = "text/css; charset=utf-8";
/// A drawing.
pub const DRAWING: &str = "image/svg+xml";
/// What a phone reads when a page is kept on it.
pub const MANIFEST: &str = "application/manifest+json";

/// The files that a page has beside [`crate::PAGE`], as `FILES`: path, kind and name, each from the folder `../page` of who lists them.
#[macro_export]
macro_rules! own_files {
    ($($path:literal = $kind:ident $file:literal;)*) => {
        /// Path, kind and content of each file that other pages have not.
        const FILES: &[$crate::files::File] = &[
            $(($path, $crate::files::$kind, include_str!(concat!("../page/", $file)))),*
        ];
    };
}

/// Where files are.
pub fn router<S: Clone + Send + Sync + 'static>(
    files: impl IntoIterator<Item = &'static File>,
) -> Router<S> {
    files.into_iter().fold(Router::new(), |router, file| {
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

/// What of a page's files is not of the page: names of files that are not there, other sites, scripts made of texts.
pub fn foreign(files: &[File]) -> Vec<String> {
    let paths: Vec<&str> = files.iter().map(|(path, _, _)| *path).collect();
    let mut found = Vec::new();
    for (path, _, text) in files {
        let own = text.replace("http://www.w3.org/", "");
        for word in [
            "http://",
            "https://",
            "eval(",
            "innerHTML",
            "document.write",
        ] {
            if own.contains(word) {
                found.push(format!("{path} has {word}"));
            }
        }
        for quote in ["from \"", "href=\"", "src=\"", "import(\""] {
            for piece in text.split(quote).skip(1) {
                let name = piece.split('"').next().unwrap_or_default();
                let elsewhere = !name.starts_with('#') && !name.is_empty();
                if elsewhere && !paths.contains(&name) {
                    found.push(format!("{path} names {name}"));
                }
            }
        }
    }
    found
}
