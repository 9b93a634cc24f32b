//! The tables that are there already, while others are still being made.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Who has made what.
#[derive(Default)]
pub(super) struct Made {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Names, quoted.
    tables: HashSet<Vec<u8>>,
    /// The names of those that are being made.
    begun: HashSet<Vec<u8>>,
    /// Connections that still make tables.
    makers: usize,
}

/// A connection that makes tables, as long as it does.
pub(super) struct Maker<'m>(&'m Made);

/// A table that is being made, as long as it is.
pub(super) struct Making<'m> {
    made: &'m Made,
    table: Option<Vec<u8>>,
}

impl Made {
    /// So many connections are about to make tables, besides those that are there.
    pub(super) fn expect(&self, makers: usize) {
        self.state().makers = makers;
    }

    /// One of them begins.
    pub(super) fn maker(&self) -> Maker<'_> {
        Maker(self)
    }

    /// A table is about to be made, where the statement makes one.
    pub(super) fn begin(&self, table: Option<Vec<u8>>) -> Making<'_> {
        self.state().begun.extend(table.clone());
        Making { made: self, table }
    }

    /// Waits while the table is being made. One that nobody has begun to make is not waited for: the server says what is missing.
    pub(super) async fn settled(&self, table: &[u8]) {
        self.until(|state| !state.begun.contains(table)).await;
    }

    /// Waits until the table is there, or until there will be no more of them: then the server says what is missing.
    pub(super) async fn wait_for(&self, table: &[u8]) {
        self.until(|state| state.makers == 0 || state.tables.contains(table)).await;
    }

    async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            if holds(&self.state()) {
                return;
            }
            changed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Making<'_> {
    /// The table is there.
    pub(super) fn succeeded(self) {
        self.made.state().tables.extend(self.table.clone());
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        if let Some(table) = &self.table {
            self.made.state().begun.remove(table);
        }
        self.made.changed.notify_waiters();
    }
}

impl Drop for Maker<'_> {
    fn drop(&mut self) {
        self.0.state().makers -= 1;
        self.0.changed.notify_waiters();
    }
}

/// The first name in back-quotes, as it stands there: of `CREATE TABLE` and `INSERT INTO` it is the table's. None in a `SET`, which has no such name.
pub(super) fn first_name(sql: &[u8]) -> Option<&[u8]> {
    // Only the beginning: the values of an `INSERT` are long, and may hold anything.
    let from = sql.iter().take(64).position(|byte| *byte == b'`')?;
    let is_plain = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b' ';
    if !sql.get(..from)?.iter().all(is_plain) {
        return None;
    }
    let mut at = from + 1;
    loop {
        match (sql.get(at)?, sql.get(at + 1)) {
            (b'`', Some(b'`')) => at += 2,
            (b'`', _) => return sql.get(from..=at),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statements_table_is_known() {
        assert_eq!(first_name(b"CREATE TABLE `a``b` (\n  `c` int)"), Some(b"`a``b`".as_slice()));
        assert_eq!(first_name(b"INSERT INTO `t` (`c`) VALUES\n('`')"), Some(b"`t`".as_slice()));
        assert_eq!(first_name(b"SET @runbook_1 = REPEAT('`x`', 1)"), None);
        assert_eq!(first_name(b"INSERT INTO `t"), None);
        assert_eq!(first_name(b""), None);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_table_that_does_not_come() {
        let made = Made::default();
        made.expect(1);
        let maker = made.maker();
        let waiting = async { tokio::join!(made.wait_for(b"`a`"), made.wait_for(b"`never`")) };
        tokio::join!(waiting, async {
            made.begin(Some(b"`a`".to_vec())).succeeded();
            tokio::task::yield_now().await;
            drop(maker);
        });
    }

    #[tokio::test]
    async fn a_table_is_waited_for_while_it_is_made() {
        let made = Made::default();
        made.settled(b"`a`").await;
        let making = made.begin(Some(b"`a`".to_vec()));
        let mut waiting = std::pin::pin!(made.settled(b"`a`"));
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        // Also where it failed.
        drop(making);
        waiting.await;
    }
}
