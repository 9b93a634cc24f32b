//! `obdumper`: `data/DATABASE/TABLE/NAME-schema.sql` with the definition, `NAME.csv` or `NAME.sql` with the rows.

use std::path::Path;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, Value};

use super::Refused;
use super::csv::{self, Fields};
use super::options::{Format, Options};
use super::report::{Line, Report};
use super::table::{columns, insert, prepare, quoted};

/// Writes everything. The folder must be absent or empty.
pub(crate) async fn run(options: &Options) -> Result<Report, Refused> {
    let folder = &options.folder;
    match std::fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(Refused::Folder(format!("The target directory is not empty: {}", folder.display())));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let mut conn = options.connect().await?;
    prepare(&mut conn).await?;
    let data = folder.join("data");
    let below = data.join(&options.database);
    std::fs::create_dir_all(below.join("TABLE"))?;
    std::fs::create_dir_all(below.join("VIEW"))?;
    let objects: Vec<(String, String)> = conn.query("show full tables").await?;
    let mut report = Report::default();
    for (name, kind) in objects {
        let line = if kind.eq_ignore_ascii_case("VIEW") {
            view(&mut conn, options, &below.join("VIEW"), &name).await
        } else {
            table(&mut conn, options, &below.join("TABLE"), &name).await
        };
        report.0.push(line?);
    }
    std::fs::write(data.join("MANIFEST.bin"), options.database.as_bytes())?;
    conn.disconnect().await?;
    Ok(report)
}

async fn view(conn: &mut Conn, options: &Options, folder: &Path, name: &str) -> Result<Line, Refused> {
    if options.ddl {
        let row: Option<Row> = conn.query_first(format!("show create view {}", quoted(name))).await?;
        let create: String = row.and_then(|row| row.get(1)).unwrap_or_default();
        std::fs::write(folder.join(format!("{name}-schema.sql")), format!("{create};\n"))?;
    }
    Ok(Line { kind: "VIEW", name: name.to_owned(), count: 1, error: None })
}

async fn table(conn: &mut Conn, options: &Options, folder: &Path, name: &str) -> Result<Line, Refused> {
    let mut line = Line { kind: "TABLE", name: name.to_owned(), count: 0, error: None };
    if options.ddl {
        let row: Option<Row> = conn.query_first(format!("show create table {}", quoted(name))).await?;
        let create: String = row.and_then(|row| row.get(1)).unwrap_or_default();
        // So the real one writes it; a table that is there already stays as it is.
        let create = create.replacen("CREATE TABLE ", "create table if not exists ", 1);
        std::fs::write(folder.join(format!("{name}-schema.sql")), format!("{create};\n"))?;
    }
    let Some(format) = options.format else { return Ok(line) };
    if options.fail.as_deref() == Some(name) {
        line.error = Some("Connection is not available, request timed out".to_owned());
        return Ok(line);
    }
    let columns = columns(conn, &options.database, name).await?;
    let list: Vec<String> = columns.iter().map(super::table::Column::expression).collect();
    let rows: Vec<Row> = conn.query(format!("select {} from {}", list.join(", "), quoted(name))).await?;
    line.count = rows.len() as u64;
    if rows.is_empty() && !options.retain_empty_files {
        return Ok(line);
    }
    let mut text = Vec::new();
    if format == Format::Csv {
        csv::write(&mut text, &columns.iter().map(|column| Some(column.name.clone().into_bytes())).collect());
    }
    for row in rows {
        let fields = row.unwrap().into_iter().map(bytes).collect::<Fields>();
        match format {
            Format::Csv => csv::write(&mut text, &fields),
            Format::Sql => {
                text.extend(insert(name, &columns, &[fields]));
                text.extend_from_slice(b";\n");
            }
        }
    }
    let end = if format == Format::Csv { "csv" } else { "sql" };
    std::fs::write(folder.join(format!("{name}.{end}")), text)?;
    Ok(line)
}

/// In the text protocol every value is bytes.
fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(bytes),
        other => Some(other.as_sql(true).into_bytes()),
    }
}
