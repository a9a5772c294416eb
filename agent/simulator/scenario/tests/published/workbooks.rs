//! Workbooks as spreadsheet programs write them. `files/make_workbook.py` made the one that is read here.

use super::*;

const BOOK: &[u8] = include_bytes!("files/homes.xlsx");

fn of_book(keys: &str, columns: &str, time: &str) -> Result<Neighbourhood, ScenarioError> {
    let scenario = hourly(keys, columns, time).replace("a.csv", "homes.xlsx");
    attempt(&scenario, &[("homes.xlsx", BOOK)])
}

#[test]
fn dates_numbers_and_formulas_of_a_sheet() {
    let keys = "sheet = \"Stamped\"\nskip = 2\nfooter = 1";
    let columns = "load = [{ column = \"House 1\", unit = \"kWh\" }]\n\
         generation = [{ column = \"Roof 1\", unit = \"kWh\" }]";
    let time = "column = \"Time\"\nzone = \"UTC\"";
    let n = of_book(keys, columns, time).unwrap();
    // Four quarters of 100 Wh and of the row's number in Wh.
    let hours: Vec<u32> = (0..24).map(|h| 400 + 16 * h + 6).collect();
    assert_eq!((n.start().get(), demand(&n)), (MAY, hours));
    let sun = &n.homes[0].generation_wh;
    assert_eq!(sun.iter().sum::<u32>(), 10_000);
    assert_eq!((sun[9], sun[10], sun[14], sun[15]), (0, 2_000, 2_000, 0));
    // Rows are counted as the program shows them.
    let said = of_book("sheet = \"Stamped\"\nskip = 2", columns, time);
    let said = said.map(|n| n.notes).unwrap_err().to_string();
    assert!(
        said.contains("homes.xlsx:100:") && said.contains("footer = 1"),
        "{said}"
    );
}

#[test]
fn dates_and_times_in_two_columns_of_a_sheet() {
    let n = of_book(
        "sheet = \"Date and time\"",
        "load = [{ column = \"House 1\", unit = \"Wh\" }]",
        "columns = [\"Date\", \"Time\"]\nzone = \"UTC\"\nstamp = \"end\"",
    )
    .unwrap();
    assert_eq!((n.start().get(), demand(&n)), (MAY, (1..=24).collect()));
}

#[test]
fn sheets_and_columns_that_are_not_there() {
    let load = "load = [{ column = \"House 1\", unit = \"Wh\" }]";
    for (keys, says) in [
        (
            "sheet = \"Homes\"",
            "there is no sheet 'Homes'); expected sheet = one of: Notes, Stamped, Date and time",
        ),
        // The first sheet holds notes.
        ("", "is missing; expected one of: Measured by hand"),
    ] {
        let said = of_book(keys, load, "column = \"Time\"\nzone = \"UTC\"");
        let said = said.map(|n| n.notes).unwrap_err().to_string();
        assert!(said.contains(says), "{said}");
    }
}
