//! Speed and size, as ratios within one run: machines differ, ratios do less. Nothing is asserted; a table is printed.

#[cfg(feature = "bench")]
mod backup;
#[cfg(feature = "bench")]
pub(crate) mod bare;
#[cfg(feature = "bench")]
mod masking;
#[cfg(feature = "bench")]
mod measure;
#[cfg(feature = "bench")]
mod numbers;
#[cfg(feature = "bench")]
mod runs;

use crate::checkout::Checkout;
use crate::error::TaskError;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The program by itself.
    Program,
    /// Backups, against other tools; wants the lab.
    Backup(Wish),
}

/// Which measures of backups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Whether with 2 GB of data, instead of 200 MB.
    large: bool,
    /// On one server of the lab only.
    only: Option<Server>,
}

/// A server of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Seekdb,
    MariaDb,
}

impl Server {
    const ALL: [Self; 2] = [Self::Seekdb, Self::MariaDb];

    fn name(self) -> &'static str {
        match self {
            Self::Seekdb => "seekdb",
            Self::MariaDb => "mariadb",
        }
    }
}

impl Wish {
    /// From the words behind `bench backup`.
    pub(crate) fn read(words: &[&str]) -> Result<Self, TaskError> {
        let mut wish = Self::default();
        let mut rest = words;
        loop {
            match rest {
                [] => return Ok(wish),
                ["--large", left @ ..] => (wish.large, rest) = (true, left),
                ["--only", name, left @ ..] => {
                    let server = Server::ALL.into_iter().find(|server| server.name() == *name);
                    wish.only = Some(server.ok_or_else(|| TaskError::usage("`--only` takes `seekdb` or `mariadb`"))?);
                    rest = left;
                }
                _ => return Err(TaskError::usage("`bench backup` takes `--large` and `--only seekdb` or `--only mariadb`")),
            }
        }
    }

    /// The words that say the same.
    #[cfg(not(feature = "bench"))]
    fn words(self) -> Vec<&'static str> {
        let large = self.large.then_some("--large");
        let only = self.only.map(|server| ["--only", server.name()]);
        large.into_iter().chain(only.into_iter().flatten()).collect()
    }
}

/// Without the feature this program is not optimised: it builds itself as it has to be, and starts again.
#[cfg(not(feature = "bench"))]
pub(crate) fn run(checkout: &Checkout, what: What) -> Result<(), TaskError> {
    let mut words = vec!["run", "--quiet", "--release", "--package", "xtask", "--features", "bench", "--", "bench"];
    if let What::Backup(wish) = what {
        words.push("backup");
        words.extend(wish.words());
    }
    crate::cargo::run(checkout, &words, &[])
}

/// Measures and prints.
#[cfg(feature = "bench")]
pub(crate) fn run(checkout: &Checkout, what: What) -> Result<(), TaskError> {
    // A program that is there already, where somebody has one to measure: the build takes minutes.
    let program = match std::env::var_os("RUNBOOK_BIN") {
        Some(program) => program.into(),
        None => crate::cargo::build_runbook(checkout, "release", crate::cargo::Points::None)?,
    };
    let dir = checkout.root.join("target").join("bench");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).map_err(|error| TaskError::file("create", &dir, error))?;
    let measured = match what {
        What::Program => numbers::all(checkout, &program, &dir).map(|rows| {
            println!("\n{:56} {:>12} {:>12}  ", "", "measured", "limit");
            for row in rows {
                println!("{:56} {:>12} {:>12}  {}", row.what, row.measured, row.limit, row.about);
            }
        }),
        What::Backup(wish) => backup::run(checkout, &program, &dir, wish),
    };
    let _ = std::fs::remove_dir_all(&dir);
    measured
}
