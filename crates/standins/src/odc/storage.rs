//! Files in the data folder that rows of the metadb refer to. A container without its mounts has the rows and not the files.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};
use std::path::Path;

const CONTENT: &str = "select 1; -- a worksheet that a user has saved: 你好 👋\n";

/// On the first start only: a file, and the row that refers to it.
pub(crate) async fn seed(conn: &mut Conn, data_dir: &Path) -> Result<(), Error> {
    let rows: Option<u64> = conn.query_first("select count(*) from objectstorage_object_metadata").await?;
    if rows.unwrap_or_default() > 0 {
        return Ok(());
    }
    let name = "worksheet.sql";
    let written = std::fs::create_dir_all(data_dir.join("files")).and_then(|()| std::fs::write(data_dir.join("files").join(name), CONTENT));
    if let Err(error) = written {
        return Err(Error::Io(error.into()));
    }
    conn.exec_drop("insert into objectstorage_object_metadata values ('5f6f27c0-0001', ?, ?)", (name, CONTENT.len())).await
}

/// The names of the files that rows refer to and that are not there in their full length.
pub(crate) async fn missing(conn: &mut Conn, data_dir: &Path) -> Result<Vec<String>, Error> {
    let rows: Vec<(String, u64)> =
        conn.query("select object_name, total_length from objectstorage_object_metadata order by object_id").await?;
    let lost = |(name, length): &(String, u64)| {
        let found = std::fs::metadata(data_dir.join("files").join(name));
        found.map_or(true, |file| file.len() != *length)
    };
    Ok(rows.into_iter().filter(lost).map(|(name, _)| name).collect())
}
