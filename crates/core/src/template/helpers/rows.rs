//! Lists, and the rows of a query's result.

use serde_json::Value;

use super::argument::{any, index, list, text, unfit};
use super::compare::same;
use super::{Family, HelperError, eager, exactly};

pub(super) const FAMILY: Family = Family {
    title: "Lists and rows",
    about: "The rows of a query are lists of values; positions count from 0.",
    helpers: &[
        eager("first", "first LIST", exactly(1), "The first element. An empty list is an error.", ("first [7,8]", "7"), |a| {
            end(list(a, 0)?.first())
        }),
        eager("last", "last LIST", exactly(1), "The last element. An empty list is an error.", ("last [7,8]", "8"), |a| {
            end(list(a, 0)?.last())
        }),
        eager("count", "count LIST", exactly(1), "How many elements or rows there are.", ("count [7,8]", "2"), |a| {
            Ok(list(a, 0)?.len().into())
        }),
        eager(
            "column",
            "column ROWS POSITION",
            exactly(2),
            "The values of one column of all rows.",
            ("column [[1,\"a\"],[2,\"b\"]] 1", "[\"a\",\"b\"]"),
            |a| {
                let at = index(a, 1)?;
                list(a, 0)?.iter().map(|row| cell(row, at, 1)).collect()
            },
        ),
        eager("cell", "cell ROWS ROW COLUMN", exactly(3), "One value of one row.", ("cell [[1,\"a\"],[2,\"b\"]] 1 0", "2"), |a| {
            let (rows, row) = (list(a, 0)?, index(a, 1)?);
            let row = rows.get(row).ok_or_else(|| HelperError::of(1, format!("there is no row {row}: there are {}", rows.len())))?;
            cell(row, index(a, 2)?, 2)
        }),
        eager(
            "pluck",
            "pluck LIST KEY",
            exactly(2),
            "One member of each map in a list. A map without it is an error.",
            ("pluck [{\"id\":1},{\"id\":2}] \"id\"", "[1,2]"),
            |a| {
                let key = text(a, 1)?;
                list(a, 0)?.iter().map(|element| member(element, key)).collect()
            },
        ),
        eager(
            "where",
            "where LIST KEY VALUE",
            exactly(3),
            "The maps of a list whose member KEY is VALUE.",
            ("where [{\"id\":1},{\"id\":2}] \"id\" 2", "[{\"id\":2}]"),
            |a| {
                let (key, wanted) = (text(a, 1)?, any(a, 2)?);
                Ok(list(a, 0)?.iter().filter(|v| v.get(key).is_some_and(|v| same(v, wanted))).cloned().collect())
            },
        ),
        eager(
            "slice",
            "slice LIST START LENGTH",
            (2, Some(3)),
            "So many elements from START; without a length all of the rest.",
            ("slice [1,2,3,4] 1 2", "[2,3]"),
            |a| {
                let rest = list(a, 0)?.iter().skip(index(a, 1)?).cloned();
                Ok(if a.len() > 2 { rest.take(index(a, 2)?).collect() } else { rest.collect() })
            },
        ),
        eager("reverse", "reverse LIST", exactly(1), "The elements in the other order.", ("reverse [1,2]", "[2,1]"), |a| {
            Ok(list(a, 0)?.iter().rev().cloned().collect())
        }),
        eager("sum", "sum LIST", exactly(1), "The sum of a list of whole numbers.", ("sum [1,2,3]", "6"), |a| {
            list(a, 0)?
                .iter()
                .try_fold(0_i64, |total, element| {
                    let number = element.as_i64().ok_or_else(|| unfit(0, "a list of whole numbers", element))?;
                    total.checked_add(number).ok_or_else(|| HelperError::new("the result does not fit 64 bits"))
                })
                .map(Value::from)
        }),
    ],
};

fn end(element: Option<&Value>) -> Result<Value, HelperError> {
    element.cloned().ok_or_else(|| HelperError::of(0, "the list is empty").help("ask first: `gt (count LIST) 0`"))
}

/// One value of a row; `argument` is the one that says which.
fn cell(row: &Value, at: usize, argument: usize) -> Result<Value, HelperError> {
    let Value::Array(cells) = row else { return Err(unfit(0, "a list of rows", row)) };
    cells.get(at).cloned().ok_or_else(|| HelperError::of(argument, format!("there is no column {at}: a row has {}", cells.len())))
}

fn member(element: &Value, key: &str) -> Result<Value, HelperError> {
    let Value::Object(map) = element else { return Err(unfit(0, "a list of maps", element)) };
    map.get(key).cloned().ok_or_else(|| HelperError::of(1, format!("one of the maps has no `{key}`")))
}
