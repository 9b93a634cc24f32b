//! What a database holds, read by another program than ours: the `mariadb` client, values in hexadecimal.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;

use crate::lab::Server;
use crate::support;

/// Runs the client with a text on its standard input and gives what it prints. Fails when the client does.
pub(crate) fn client(server: &Server, database: &str, input: &[u8]) -> String {
    let options = ["--batch", "--skip-column-names", "--no-auto-rehash"];
    String::from_utf8(run(server, "mariadb_client", database, &options, input)).unwrap()
}

/// What `mariadb-dump` writes.
pub(crate) fn dump(server: &Server, database: &str, options: &[&str]) -> Vec<u8> {
    run(server, "mariadb_dump", database, options, b"")
}

fn run(server: &Server, program: &str, database: &str, options: &[&str], input: &[u8]) -> Vec<u8> {
    let lab = support::lab();
    let program = lab[program].as_str().unwrap_or_else(|| panic!("env.json names no `{program}`"));
    // The lab unpacks Debian's packages into a folder of its own; libraries stand beside the program.
    let root = std::path::Path::new(program).ancestors().nth(3).unwrap();
    let libraries = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu"]
        .map(|path| root.join(path).display().to_string())
        .join(":");
    let text = |name: &str| match &server.settings[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut child = Command::new(program)
        .env("LD_LIBRARY_PATH", libraries)
        .env("MYSQL_PWD", text("password"))
        .args(["--no-defaults", "--default-character-set=utf8mb4"])
        .args(options)
        .args(["-h", &text("host"), "-P", &text("port"), "-u", &text("user"), database])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = std::io::Write::write_all(&mut stdin, &input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{}: {}", server.name, String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// All rows of all tables and views as text, sorted.
pub(crate) async fn everything(server: &Server, database: &str) -> String {
    let columns = server
        .rows(
            "information_schema",
            &format!("select table_name, column_name, data_type from columns where table_schema = '{database}' order by table_name, ordinal_position"),
        )
        .await;
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    for row in columns.as_array().unwrap() {
        let [table, column, kind] = [0, 1, 2].map(|at| row[at].as_str().unwrap());
        let quoted = format!("`{}`", column.replace('`', "``"));
        let expression = match kind {
            "float" | "double" => format!("hex(concat({quoted} * 1e0))"),
            "bit" => format!("hex(concat({quoted} + 0))"),
            "blob" | "longblob" | "binary" | "varbinary" | "geometry" => format!("hex({quoted})"),
            _ => format!("hex(concat({quoted}))"),
        };
        match tables.last_mut() {
            Some((name, list)) if name == table => list.push(expression),
            _ => tables.push((table.to_owned(), vec![expression])),
        }
    }
    let mut script = "set time_zone = '+00:00';\n".to_owned();
    if server.name == "mariadb" {
        // A row of hundreds of columns is sorted by all of them.
        script.push_str("set sort_buffer_size = 16777216;\n");
    }
    for (table, list) in &tables {
        let quoted = table.replace('`', "``");
        let order: Vec<String> = (1..=list.len()).map(|n| n.to_string()).collect();
        let (label, list, order) = (table.replace('\'', "''"), list.join(", "), order.join(", "));
        let _ = writeln!(script, "select 'table {label}';\nselect {list} from `{quoted}` order by {order};");
    }
    client(server, database, script.as_bytes())
}
