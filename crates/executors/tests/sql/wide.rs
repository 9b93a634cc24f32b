//! Round trips of what servers can hold: each type at its edges, many tables, random tables; the servers themselves are the oracle.

use std::fmt::Write as _;

use runbook_core::action::Residue;
use serde_json::json;

use crate::corpus::{WIDE_ROWS, WIDE_TABLES, three_hundred_columns};
use crate::lab::{Server, servers};
use crate::oracle::{client, everything};
use crate::support::{TestContext, failed, succeeded};

/// Dumps `source` and restores it under another name; both have to be the same to us and to another program.
async fn round_trip(server: &Server, source: &str, copy: &str, connections: u8) {
    let cx = TestContext::new("trip");
    let to = cx.folder().join("backup");
    let dump = server.action("dump", json!({ "database": source, "to": to, "connections": connections }));
    let (dumped, _) = succeeded(cx.run(&*dump).await);
    let restore = server.action("restore", json!({ "manifest": to, "into": copy, "connections": connections }));
    let (restored, _) = succeeded(cx.run(&*restore).await);
    assert_eq!((&dumped["tables"], &dumped["rows"]), (&restored["tables"], &restored["rows"]), "{}", server.name);
    let compare = server.action("compare", json!({ "database": copy, "with_database": source }));
    assert_eq!(succeeded(cx.run(&*compare).await).0["differences"], json!([]), "{}", server.name);
    assert!(everything(server, source).await == everything(server, copy).await, "{}: the rows differ", server.name);
}

#[tokio::test]
async fn every_type_and_name_comes_back() {
    for server in servers().await.iter() {
        let source = server.database("wide").await;
        let copy = server.no_database("wide_copy").await;
        client(server, &source.name, format!("{WIDE_TABLES}{WIDE_ROWS}{}", three_hundred_columns()).as_bytes());
        round_trip(server, &source.name, &copy.name, 3).await;
        source.drop().await;
        copy.drop().await;
    }
}

#[tokio::test]
async fn rows_of_one_server_are_the_same_on_the_other() {
    let lab = servers().await;
    for (from, to) in [(&lab[0], &lab[1]), (&lab[1], &lab[0])] {
        let source = from.database("cross").await;
        let copy = to.database("cross_copy").await;
        client(from, &source.name, format!("{WIDE_TABLES}{WIDE_ROWS}").as_bytes());
        client(to, &copy.name, WIDE_TABLES.as_bytes());
        let cx = TestContext::new("cross");
        let backup = cx.folder().join("backup");
        let dump = from.action("dump", json!({ "database": source.name, "to": backup }));
        succeeded(cx.run(&*dump).await);
        // Definitions are each server's own; the rows are plain SQL.
        let mut names: Vec<_> = std::fs::read_dir(&backup).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("30-data"));
        names.sort();
        let text: Vec<u8> = names.iter().flat_map(|path| std::fs::read(path).unwrap()).collect();
        client(to, &copy.name, &text);
        let compare = to.action("compare", json!({ "database": copy.name, "manifest": backup }));
        assert_eq!(succeeded(cx.run(&*compare).await).0["differences"], json!([]), "from {} to {}", from.name, to.name);
        assert!(everything(from, &source.name).await == everything(to, &copy.name).await, "from {} to {}", from.name, to.name);
        source.drop().await;
        copy.drop().await;
    }
}

#[tokio::test]
async fn definitions_of_oceanbase_are_refused_by_others_before_anything_is_made() {
    let lab = servers().await;
    let source = lab[0].database("elsewhere").await;
    lab[0].script(&source, "create table t (id int primary key)").await;
    let cx = TestContext::new("elsewhere");
    let backup = cx.folder().join("backup");
    succeeded(cx.run(&*lab[0].action("dump", json!({ "database": source.name, "to": backup }))).await);
    let (failure, residue) = failed(cx.run(&*lab[1].action("restore", json!({ "manifest": backup, "into": source.name }))).await);
    assert_eq!(residue, Residue::None);
    assert_eq!(failure.field.as_deref(), Some("manifest"));
    assert!(failure.message.ends_with("was made of OceanBase, and its definitions of tables are OceanBase's own"), "{failure}");
    let there = format!("select count(*) from information_schema.schemata where schema_name = '{}'", source.name);
    assert_eq!(lab[1].value("information_schema", &there).await, json!(0));
    source.drop().await;
}

/// `RUNBOOK_TABLES` says how many, such as 3000.
#[tokio::test]
async fn many_tables_come_back() {
    let count: usize = std::env::var("RUNBOOK_TABLES").ok().map_or(100, |count| count.parse().unwrap());
    for server in servers().await.iter() {
        let source = server.database("many").await;
        let copy = server.no_database("many_copy").await;
        let mut text = String::new();
        for at in 0..count {
            let _ = writeln!(
                text,
                "create table t{at} (id int primary key auto_increment, v varchar(20) comment '第 {at}', up int, unique key by_v (v));"
            );
            if at % 3 > 0 {
                let _ = writeln!(text, "insert into t{at} (v) values ('a'), (null), ('{at}');");
            }
        }
        for at in (1..count).step_by(9) {
            let _ = writeln!(text, "alter table t{at} add constraint fk{at} foreign key (up) references t{} (id);", at - 1);
        }
        client(server, &source.name, text.as_bytes());
        round_trip(server, &source.name, &copy.name, 4).await;
        source.drop().await;
        copy.drop().await;
    }
}

/// Numbers that look random and are the same in every run of one seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one_of<'l>(&mut self, list: &[&'l str]) -> &'l str {
        list[usize::try_from(self.below(list.len() as u64)).unwrap()]
    }

    /// With everything in it that is written in a special way.
    fn text(&mut self, longest: u64) -> String {
        let letters = ["a", "Z", " ", "'", "\\", "\n", "\0", "\u{1a}", "名", "😀", "%", "_", "`", "\"", ";", "--", "/*", "é", "#", "\t"];
        (0..self.below(longest + 1)).map(|_| self.one_of(&letters)).collect()
    }

    /// A value as a literal that both servers take for this type.
    fn value(&mut self, kind: &str) -> String {
        if self.below(6) == 0 {
            return "null".to_owned();
        }
        let number = self.below(1 << 31);
        match kind.split('(').next().unwrap() {
            "int" => format!("{}", i64::try_from(number).unwrap() - (1 << 30)),
            "bigint" => format!("-{number}{number}").chars().take(18).collect(),
            "decimal" => format!("{number}.{}", self.below(1_000_000)),
            "double" => format!("{number}.{}e{}", self.below(1000), i64::try_from(self.below(500)).unwrap() - 250),
            "float" => format!("{}.5e-3", self.below(1000)),
            "bit" => format!("{}", self.below(8192)),
            "datetime" => format!(
                "'20{:02}-{:02}-{:02} {:02}:00:00.{:03}'",
                self.below(100),
                1 + self.below(12),
                1 + self.below(28),
                self.below(24),
                self.below(1000)
            ),
            "date" => format!("'{:04}-01-01'", 1000 + self.below(9000)),
            "time" => format!("'-{:02}:59:01.{:02}'", self.below(800), self.below(100)),
            "json" => format!("json_array({number}, 'x{number}', null, json_object('k', {number}))"),
            "varbinary" | "blob" => format!("x'{}'", "00ff27".repeat(usize::try_from(self.below(6)).unwrap())),
            _ => {
                let text = self
                    .text(18)
                    .replace('\\', "\\\\")
                    .replace('\'', "''")
                    .replace('\n', "\\n")
                    .replace('\0', "\\0")
                    .replace('\u{1a}', "\\Z");
                format!("'{text}'")
            }
        }
    }
}

/// `RUNBOOK_CASES` says how many databases of each server, `RUNBOOK_SEED` where to begin.
#[tokio::test]
async fn random_tables_come_back() {
    const KINDS: [&str; 15] = [
        "int",
        "bigint",
        "decimal(30,8)",
        "double",
        "float",
        "bit(13)",
        "datetime(3)",
        "date",
        "time(2)",
        "json",
        "varbinary(40)",
        "blob",
        "varchar(80)",
        "text",
        "char(40)",
    ];
    let number = |name: &str, usual| std::env::var(name).ok().map_or(usual, |text| text.parse::<u64>().unwrap());
    let (cases, seed) = (number("RUNBOOK_CASES", 2), number("RUNBOOK_SEED", 1));
    for server in servers().await.iter() {
        for seed in seed..seed + cases {
            let mut numbers = Numbers(seed);
            let source = server.database(&format!("random{seed}")).await;
            let copy = server.no_database(&format!("random{seed}_copy")).await;
            let mut text = String::new();
            for table in 0..6 {
                let kinds: Vec<&str> = (0..=numbers.below(8)).map(|_| numbers.one_of(&KINDS)).collect();
                let columns: Vec<String> = kinds.iter().enumerate().map(|(at, kind)| format!("`c`` {at}` {kind}")).collect();
                let key = numbers.one_of(&[
                    "id int primary key auto_increment, ",
                    "id varchar(40) primary key, ",
                    "id int, n int, primary key (n, id), ",
                    "",
                ]);
                let _ = writeln!(
                    text,
                    "create table `t {table}` ({key}{}) default character set utf8mb4 collate utf8mb4_bin;",
                    columns.join(", ")
                );
                for row in 0..numbers.below(40) {
                    let mut values: Vec<String> = match key.split(' ').nth(1) {
                        None | Some("") => Vec::new(),
                        Some("int,") => vec![row.to_string(), (row % 3).to_string()],
                        Some("int") => vec![(row * 3 + 1).to_string()],
                        Some(_) => vec![format!("'k{row}'")],
                    };
                    values.extend(kinds.iter().map(|kind| numbers.value(kind)));
                    let _ = writeln!(text, "insert into `t {table}` values ({});", values.join(", "));
                }
            }
            client(server, &source.name, text.as_bytes());
            eprintln!("{}: seed {seed}", server.name);
            round_trip(server, &source.name, &copy.name, 2).await;
            source.drop().await;
            copy.drop().await;
        }
    }
}
