//! The page's files, which are part of the program: nothing is asked of anybody else.

use super::Shared;
use axum::Router;
use wattpool_web::files;
use wattpool_web::PAGE;

wattpool_web::own_files! {
    "/" = HTML "index.html";
    "/page/app.js" = SCRIPT "app.js";
    "/page/copy.js" = SCRIPT "copy.js";
    "/page/words.js" = SCRIPT "words.js";
    "/page/views/now.js" = SCRIPT "views/now.js";
    "/page/views/money.js" = SCRIPT "views/money.js";
    "/page/views/trades.js" = SCRIPT "views/trades.js";
    "/page/views/market.js" = SCRIPT "views/market.js";
    "/page/views/limits.js" = SCRIPT "views/limits.js";
    "/page/views/watch.js" = SCRIPT "views/watch.js";
    "/page/manifest.webmanifest" = MANIFEST "manifest.webmanifest";
}

/// Where the page's files are.
pub fn router() -> Router<Shared> {
    files::router(FILES.iter().chain(PAGE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wattpool_web::files::File;

    /// Whatever is refused is said in both languages.
    #[test]
    fn every_code_has_words() {
        let words = include_str!("../page/words.js");
        let of_statuses = crate::http::answer::CODES.iter().map(|(_, code)| code);
        for code in of_statuses.chain(crate::http::reason::ALL) {
            let said = words.matches(&format!(" error_{code}: \"")).count();
            assert_eq!(said, 2, "{code}");
        }
    }

    /// Nothing is loaded from elsewhere, and every file that a page or a script names is there.
    #[test]
    fn files_name_only_each_other() {
        let all: Vec<File> = FILES.iter().chain(PAGE).copied().collect();
        assert_eq!(files::foreign(&all), Vec::<String>::new());
    }
}
