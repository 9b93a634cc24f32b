//! Backups against their peers: `sql.dump` and `sql.restore` beside mydumper, myloader, mariadb-dump and the client reading a file, on both servers of
//! the lab, in one run. What is printed are ratios; the times behind them stand beside.

mod data;
mod peers;
mod tools;

use super::measure::{Ran, median};
use super::{Server, Wish};
use crate::checkout::Checkout;
use crate::error::TaskError;
use crate::lab;
use data::Shape;
use std::path::Path;
use std::time::Duration;
use tools::Tools;

/// How much data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// About 200 MB, in minutes.
    Usual,
    /// About 2 GB.
    Large,
}

impl Size {
    /// A metadb is as large as it is.
    fn shapes(self) -> &'static [Shape] {
        match self {
            Self::Usual => &[Shape::Metadb, Shape::Large, Shape::Many],
            Self::Large => &[Shape::Large, Shape::Many],
        }
    }

    /// How often each tool is measured. What takes minutes is disturbed less by what else the machine does.
    fn runs(self, shape: Shape) -> usize {
        match (self, shape) {
            (Self::Large, _) => 1,
            (Self::Usual, Shape::Metadb) => 5,
            (Self::Usual, _) => 3,
        }
    }
}

/// Connections of every tool that can have several.
const CONNECTIONS: usize = 4;

/// One line of the table.
struct Line {
    what: String,
    measured: String,
    limit: &'static str,
    about: String,
}

/// Measures and prints. A lab that was up stays up.
pub(super) fn run(checkout: &Checkout, program: &Path, dir: &Path, wish: Wish) -> Result<(), TaskError> {
    let peers = peers::Peers::provide(&checkout.cache)?;
    let lab = lab::up(checkout)?;
    println!("\n{:58} {:>10} {:>8}", "", "measured", "limit");
    let measured = all(lab.environment(), &peers, program, dir, wish);
    let down = lab.finish(checkout);
    measured.and(down)
}

/// Prints each line as soon as it is known: the whole takes long, and what was measured before a failure counts as well.
fn all(environment: &lab::Environment, peers: &peers::Peers, program: &Path, dir: &Path, wish: Wish) -> Result<(), TaskError> {
    let size = if wish.large { Size::Large } else { Size::Usual };
    for which in Server::ALL.into_iter().filter(|which| wish.only.is_none_or(|only| only == *which)) {
        let server = match which {
            Server::Seekdb => &environment.seekdb,
            Server::MariaDb => &environment.mariadb,
        };
        let tools = Tools { environment, server, seekdb: which == Server::Seekdb, peers, program, dir };
        if size == Size::Large {
            tools.grow()?;
        }
        for shape in size.shapes() {
            let database = shape.make(&tools, size)?;
            let title = format!("{}, {}", which.name(), shape.title());
            let measured = measure(&tools, &database, &title, size.runs(*shape));
            // The large table is what the many small ones are filled from.
            if *shape != Shape::Large {
                tools.drop(&database)?;
            }
            measured?;
        }
        tools.drop(Shape::Large.database())?;
    }
    Ok(())
}

fn print(line: &Line) {
    println!("{:58} {:>10} {:>8}  {}", line.what, line.measured, line.limit, line.about);
}

fn measure(tools: &Tools<'_>, database: &str, title: &str, runs: usize) -> Result<(), TaskError> {
    let line = |what: &str, ours: &[Ran], peer: Vec<Result<Duration, TaskError>>, limit| {
        print(&against(&format!("{title}: {what}"), ours, peer, limit));
    };
    // Who reads first what was just written waits for the server, which still puts it in order: nobody's time.
    let _ = tools.mariadb_dump(database);
    let mut ours = Vec::new();
    let (mut mydumper, mut mariadb_dump, mut compare) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        // One after the other in each round: what disturbs the machine disturbs all of them.
        ours.push(tools.dump(database)?);
        mydumper.push(tools.mydumper(database));
        mariadb_dump.push(tools.mariadb_dump(database));
        compare.push(tools.compare(database)?);
    }
    line("mydumper / dump", &ours, mydumper, "1.0");
    line("mariadb-dump / dump", &ours, mariadb_dump, "1.5");
    print(&Line {
        what: format!("{title}: checksums and definitions alone"),
        measured: seconds(median(compare.iter().map(|ran| ran.time).collect())),
        limit: "",
        about: String::new(),
    });
    let (mut restore, mut client, mut myloader) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        restore.push(tools.restore(database)?);
        client.push(tools.client(database));
        myloader.push(tools.myloader(database));
    }
    line("mysql < / restore", &restore, client, "2.0");
    line("myloader / restore", &restore, myloader, "");
    let peak = |ran: &[Ran]| ran.iter().map(|ran| ran.peak).max().unwrap_or_default();
    print(&Line {
        what: format!("{title}: memory"),
        measured: format!("{} MiB", peak(&ours).max(peak(&restore)) >> 20),
        limit: "64",
        about: format!("dump {} MiB, restore {} MiB", peak(&ours) >> 20, peak(&restore) >> 20),
    });
    Ok(())
}

/// How many times as long as we a peer took.
fn against(what: &str, ours: &[Ran], peer: Vec<Result<Duration, TaskError>>, limit: &'static str) -> Line {
    let ours = median(ours.iter().map(|ran| ran.time).collect());
    match peer.into_iter().collect::<Result<Vec<_>, _>>() {
        Ok(peer) => {
            let peer = median(peer);
            let ratio = peer.as_secs_f64() / ours.as_secs_f64().max(f64::MIN_POSITIVE);
            Line {
                what: what.to_owned(),
                measured: format!("{ratio:.2}"),
                limit,
                about: format!("{} and {}", seconds(peer), seconds(ours)),
            }
        }
        // A peer that cannot do it is told of, and no reason to end.
        Err(error) => {
            Line { what: what.to_owned(), measured: "fails".to_owned(), limit, about: format!("{} alone: {error}", seconds(ours)) }
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
