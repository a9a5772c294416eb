//! How a file is written: keys that several tables share.

/// A table with the keys that say how its file is written: a table may not be flattened into one that refuses
/// unknown keys.
macro_rules! with_keys {
    ($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* }) => {
        $(#[$meta])*
        pub struct $name {
            $($body)*
            /// Character between columns; `,` when nothing is said.
            pub delimiter: Option<char>,
            /// Character before the fraction; `.` when nothing is said.
            pub decimal: Option<char>,
            /// Character between groups of three digits; none when nothing is said.
            pub thousands: Option<char>,
            /// Encoding of the text, such as `windows-1252`; UTF-8, or what the file's first bytes say.
            pub encoding: Option<String>,
            /// Lines that start with this character are skipped.
            pub comment: Option<char>,
            /// Lines before the header; 0 when nothing is said.
            pub skip: Option<u32>,
            /// Lines after the last row (blank ones do not count); 0 when nothing is said.
            pub footer: Option<u32>,
            /// Names of the columns of a file without a header.
            pub header: Option<Vec<String>>,
            /// Sheet of a workbook; the first when nothing is said.
            pub sheet: Option<String>,
            /// Words and numbers that stand for a missing value, besides the usual ones.
            pub markers: Option<Vec<String>>,
        }
    };
}
pub(crate) use with_keys;

/// A table with these keys, and what it says by them.
macro_rules! with_written {
    ($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* }) => {
        $crate::file::written::with_keys! {
            $(#[$meta])*
            pub struct $name { $($body)* }
        }

        impl $name {
            /// How the table says that its file is written.
            pub(crate) fn written(&self) -> $crate::file::Written {
                $crate::file::Written {
                    delimiter: self.delimiter,
                    decimal: self.decimal,
                    thousands: self.thousands,
                    encoding: self.encoding.clone(),
                    comment: self.comment,
                    skip: self.skip,
                    footer: self.footer,
                    header: self.header.clone(),
                    sheet: self.sheet.clone(),
                    markers: self.markers.clone(),
                }
            }
        }
    };
}
pub(crate) use with_written;

with_keys! {
/// How a file is written, as far as one table says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {}
}
