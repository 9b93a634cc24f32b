//! The databases that are dumped: made by statements alone, the same on both servers and in every run.

use super::Size;
use super::tools::Tools;
use crate::error::TaskError;
use std::fmt::Write as _;

/// What a database is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One table, with two keys besides the primary one.
    Large,
    /// Two hundred tables with as many rows together.
    Many,
    /// Like ODC's own: 172 tables of a few rows, 43 foreign keys, 4 views, two tables without a primary key.
    Metadb,
}

/// Rows of about 250 bytes that are made first; the rest are copies of them with other values.
const BASE: u64 = 1 << 17;
/// Tables of the database with many.
const TABLES: u64 = 200;
/// What a table has besides its primary key.
const KEYS: &str = "key by_user (user_id), key by_created (created, state)";

const COLUMNS: &str = "user_id, state, name, amount, ratio, created, note, extra";

impl Shape {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Large => "one large table",
            Self::Many => "200 tables",
            Self::Metadb => "a metadb",
        }
    }

    /// The database's name.
    pub(super) fn database(self) -> &'static str {
        match self {
            Self::Large => "bench_large",
            Self::Many => "bench_many",
            Self::Metadb => "bench_metadb",
        }
    }

    /// Makes the database, and returns its name.
    pub(super) fn make(self, tools: &Tools<'_>, size: Size) -> Result<String, TaskError> {
        let name = self.database();
        tools.drop(name)?;
        tools.sql(None, &format!("create database {name} default character set utf8mb4 collate utf8mb4_bin"))?;
        let slices = match size {
            Size::Usual => 6,
            Size::Large => 60,
        };
        match self {
            Self::Large => tools.sql(Some(name), &large(slices))?,
            Self::Many => tools.sql(Some(name), &many(slices * BASE))?,
            Self::Metadb => tools.sql(Some(name), &metadb())?,
        }
        Ok(name.to_owned())
    }
}

fn table(name: &str, keys: &str) -> String {
    format!(
        "create table {name} (id bigint not null auto_increment primary key, user_id int not null, \
         state enum('new','paid','sent','gone') not null, name varchar(60) not null, amount decimal(14,2) not null, ratio double, \
         created datetime(3) not null, note varchar(400), extra json{keys});\n"
    )
}

fn large(slices: u64) -> String {
    // A server copies rows of a table into the same table by way of a temporary one: so the first rows stand in one of their own.
    let mut text = table("base", "") + &table("t", "");
    let _ = writeln!(
        text,
        "insert into base ({COLUMNS}) values (1, 'new', 'customer one', 10.5, 0.1, '2024-01-01 10:00:00.123', repeat('lorem ipsum ', 10), '{{\"a\":1}}'), \
         (2, 'paid', 'it''s two', 100.5, 1.5e10, '2024-02-01 10:00:00.123', repeat('dolor sit amet ', 8), '{{\"k\":[1,2,3]}}'), \
         (3, 'sent', '名前 three', 1000.25, null, '2024-03-01 10:00:00.5', null, null), \
         (4, 'gone', 'four', 3, 3.14159, '2024-03-04 10:00:00', repeat('line\\nline\\\\ ', 12), '{{\"z\":null}}');"
    );
    let other_values = "floor(rand() * 100000), state, concat(left(name, 40), floor(rand() * 1000)), amount + floor(rand() * 1000), ratio * rand(), \
                        date_add(created, interval floor(rand() * 10000000) second), concat(left(note, 130), md5(rand())), extra";
    for _ in 0..(BASE / 4).ilog2() {
        let _ = writeln!(text, "insert into base ({COLUMNS}) select {other_values} from base;");
    }
    for _ in 0..slices {
        let _ = writeln!(text, "insert into t ({COLUMNS}) select {other_values} from base;");
    }
    text.push_str("drop table base;\n");
    // Built at the end: row by row, with more of them than a server has in memory, they take longer than all that is measured. And MariaDB forgets
    // numbers that an `INSERT … SELECT` took in advance once it has put the table away: a number of its own is the same before and after that.
    let _ = writeln!(text, "alter table t {};", KEYS.replace("key ", "add key "));
    let _ = writeln!(text, "alter table t auto_increment = {};", 4 * slices * BASE);
    text
}

fn many(rows: u64) -> String {
    let (each, source) = (rows / TABLES, Shape::Large.database());
    // By their keys, in which there are gaps: counted off, the last of them would be found behind all others.
    let mut text = format!("set @most = (select max(id) from {source}.t);\n");
    for at in 0..TABLES {
        text.push_str(&table(&format!("t{at:03}"), &format!(", {KEYS}")));
        let _ = writeln!(
            text,
            "insert into t{at:03} ({COLUMNS}) select {COLUMNS} from {source}.t where id > @most * {at} div {TABLES} and id <= @most * {} div {TABLES};",
            at + 1
        );
        let _ = writeln!(text, "alter table t{at:03} auto_increment = {};", 4 * each);
    }
    text
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn metadb() -> String {
    const TABLES: u64 = 172;
    const KINDS: [&str; 6] = [
        "varchar(128) default null comment 'a name'",
        "bigint default null",
        "datetime not null default current_timestamp comment 'when'",
        "tinyint(1) not null default '0'",
        "mediumtext",
        "varchar(64) not null default ''",
    ];
    let mut numbers = Numbers(7);
    let mut text = String::new();
    for at in 0..TABLES {
        let _ = write!(text, "create table m{at:03} (id bigint not null");
        if at > 1 {
            text.push_str(" auto_increment primary key");
        }
        text.push_str(", org bigint default null");
        for column in 0..4 + numbers.below(10) {
            let kind = KINDS[usize::try_from(numbers.below(6)).unwrap_or_default()];
            let _ = write!(text, ", c{column} {kind}");
        }
        if numbers.below(10) < 6 {
            text.push_str(", unique key by_both (id, org)");
        }
        if numbers.below(10) < 4 {
            text.push_str(", key by_org (org)");
        }
        let _ = writeln!(text, ") comment = 'table {at}';");
        let rows: Vec<String> = (1..=1 + numbers.below(40)).map(|id| format!("({id}, {})", if id == 1 { "null" } else { "1" })).collect();
        let _ = writeln!(text, "insert into m{at:03} (id, org) values {};", rows.join(", "));
    }
    for key in 0..43 {
        let child = 3 + numbers.below(TABLES - 3);
        let parent = 2 + numbers.below(child - 2);
        let _ = writeln!(text, "alter table m{child:03} add constraint fk_{key} foreign key (org) references m{parent:03} (id);");
    }
    for view in 0..4 {
        let _ = writeln!(
            text,
            "create view v{view} as select m002.id, m{:03}.org from m002 join m{:03} on m002.id = m{:03}.org;",
            view + 3,
            view + 3,
            view + 3
        );
    }
    text
}
