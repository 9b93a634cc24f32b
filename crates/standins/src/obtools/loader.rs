//! `obloader`: definitions first, then rows. It goes on after an error, and tables that are there already stay as they are.

use std::path::{Path, PathBuf};

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use super::Refused;
use super::csv::{self, Fields};
use super::options::{Format, Options};
use super::report::{Line, Report};
use super::table::{columns, insert, prepare, quoted};

/// Rows of one statement.
const BATCH: usize = 200;

/// Loads what a dump of the same database wrote.
pub(crate) async fn run(options: &Options) -> Result<Report, Refused> {
    let below = options.folder.join("data").join(&options.database);
    let (tables, views) = (named(&below.join("TABLE"))?, named(&below.join("VIEW"))?);
    if tables.is_empty() && views.is_empty() {
        return Err(Refused::Folder(format!("No subfiles are found in the path: {}", options.folder.display())));
    }
    let mut conn = options.connect().await?;
    prepare(&mut conn).await?;
    let mut report = Report::default();
    if options.ddl {
        definitions(&mut conn, options, ("TABLE", &tables), &mut report).await?;
    }
    if options.format.is_some() {
        for (name, _) in &tables {
            let line = rows(&mut conn, options, &below.join("TABLE"), name).await?;
            report.0.push(line);
        }
    }
    if options.ddl {
        definitions(&mut conn, options, ("VIEW", &views), &mut report).await?;
    }
    conn.disconnect().await?;
    Ok(report)
}

/// Objects with their definitions' files.
fn named(folder: &Path) -> Result<Vec<(String, PathBuf)>, Refused> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(name) = name.strip_suffix("-schema.sql") {
            found.push((name.to_owned(), entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// Creates what can be created, again and again until nothing more comes of it: a foreign key or a view may refer to a later one.
async fn definitions(
    conn: &mut Conn,
    options: &Options,
    (kind, objects): (&'static str, &[(String, PathBuf)]),
    report: &mut Report,
) -> Result<(), Refused> {
    let mut open: Vec<&(String, PathBuf)> = objects.iter().collect();
    if options.replace_object {
        for (name, _) in objects {
            conn.query_drop(format!("drop {kind} if exists {}", quoted(name))).await?;
        }
    }
    loop {
        let mut failed = Vec::new();
        let begun = open.len();
        for object in open {
            let sql = std::fs::read_to_string(&object.1)?;
            if let Err(error) = conn.query_drop(sql.trim_end().trim_end_matches(';')).await {
                failed.push((object, error.to_string()));
            } else if kind == "VIEW" {
                report.0.push(Line { kind, name: object.0.clone(), count: 1, error: None });
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        if failed.len() == begun {
            let lines = failed.into_iter().map(|(object, error)| Line { kind, name: object.0.clone(), count: 0, error: Some(error) });
            report.0.extend(lines);
            return Ok(());
        }
        open = failed.into_iter().map(|(object, _)| object).collect();
    }
}

async fn rows(conn: &mut Conn, options: &Options, folder: &Path, name: &str) -> Result<Line, Refused> {
    let mut line = Line { kind: "TABLE", name: name.to_owned(), count: 0, error: None };
    let format = options.format.unwrap_or(Format::Csv);
    let end = if format == Format::Csv { "csv" } else { "sql" };
    let text = match std::fs::read(folder.join(format!("{name}.{end}"))) {
        Ok(text) => text,
        // A table without rows has no file.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(line),
        Err(error) => return Err(error.into()),
    };
    let fails = options.fail.as_deref() == Some(name);
    let statements: Vec<(u64, Vec<u8>)> = match format {
        Format::Csv => {
            let columns = columns(conn, &options.database, name).await?;
            let mut rows: Vec<Fields> = csv::read(&text);
            if options.skip_header && !rows.is_empty() {
                rows.remove(0);
            }
            rows.chunks(BATCH).map(|rows| (rows.len() as u64, insert(name, &columns, rows))).collect()
        }
        // Line breaks in values are escaped.
        Format::Sql => text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| (1, line.to_vec())).collect(),
    };
    for (rows, statement) in statements {
        if fails {
            line.error = Some("Connection is not available, request timed out".to_owned());
            break;
        }
        match conn.query_drop(statement).await {
            Ok(()) => line.count += rows,
            Err(error) => line.error = Some(error.to_string()),
        }
    }
    Ok(line)
}
