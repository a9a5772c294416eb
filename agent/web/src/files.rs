//! A page's files, which are part of the program: nothing is asked of anybody else.
//!
//! The page itself is asked for each time. All that it names has a digest of all files in its name, so that a browser keeps it and never asks again:
//! a load of a page is one file and what it shows.

use axum::body::Bytes;
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

/// The folder that files name each other by.
const FOLDER: &str = "/page/";

/// Where files are: a page at its path, the others below `/page/` in a folder named by the digest of all.
pub fn router<S: Clone + Send + Sync + 'static>(
    files: impl IntoIterator<Item = &'static File>,
) -> Router<S> {
    let files: Vec<&File> = files.into_iter().collect();
    // The version, too: what this program makes of the files is kept as long as they are.
    let begun = Sha256::new().chain_update(env!("CARGO_PKG_VERSION"));
    let digest = files.iter().fold(begun, |digest, (path, kind, text)| {
        digest
            .chain_update(path)
            .chain_update(kind)
            .chain_update(text)
    });
    let digest = hex::encode(digest.finalize());
    let digest = digest.get(..16).unwrap_or_default();
    let folder = format!("{FOLDER}{digest}/");
    let renamed = |text: &str| text.replace(FOLDER, &folder);
    // A browser finds out what scripts import when it has read them: told before, it fetches all at once.
    let scripts = files.iter().filter(|(_, kind, _)| *kind == SCRIPT);
    let ahead: String = scripts
        .map(|(path, ..)| format!("<link rel=\"modulepreload\" href=\"{}\">\n", renamed(path)))
        .collect();
    files
        .iter()
        .fold(Router::new(), |router, (path, kind, text)| {
            let (path, kind) = (renamed(path), *kind);
            let mut text = renamed(text);
            if kind == HTML {
                text = text.replacen("</head>", &format!("{ahead}</head>"), 1);
            }
            let tag = hex::encode(Sha256::digest(text.as_bytes()));
            let tag = format!("\"{}\"", tag.get(..16).unwrap_or_default());
            let text = Bytes::from(text);
            router.route(
                &path,
                get(move |headers: HeaderMap| {
                    std::future::ready(file_of(&headers, kind, &text, &tag))
                }),
            )
        })
}

/// A file, unless the browser has this very one.
fn file_of(headers: &HeaderMap, kind: &'static str, text: &Bytes, tag: &str) -> Response {
    let has = headers.get(header::IF_NONE_MATCH);
    let has = has.is_some_and(|has| has.as_bytes() == tag.as_bytes());
    let mut response = if has {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, kind)], text.clone()).into_response()
    };
    let headers = response.headers_mut();
    let kept = if kind == HTML {
        "no-cache"
    } else {
        "public, max-age=31536000, immutable"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
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
