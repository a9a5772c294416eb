//! Prints the page of what the files of a run hold: `cargo run -p wattpool-report --example dictionary > docs/data-dictionary.md`.

fn main() {
    print!("{}", wattpool_report::dictionary::markdown());
}
