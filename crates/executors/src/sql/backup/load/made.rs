//! The tables that are there already, while others are still being made.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Who has made what.
pub(super) struct Made {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    /// Names, quoted.
    tables: HashSet<Vec<u8>>,
    /// Connections that still make tables.
    makers: usize,
}

/// A connection that makes tables, as long as it does.
pub(super) struct Maker<'m>(&'m Made);

impl Made {
    /// Nothing yet; so many connections make tables.
    pub(super) fn by(makers: usize) -> Self {
        Self { state: Mutex::new(State { tables: HashSet::new(), makers }), changed: Notify::new() }
    }

    /// One of them begins.
    pub(super) fn maker(&self) -> Maker<'_> {
        Maker(self)
    }

    /// A table is there, where the statement made one.
    pub(super) fn add(&self, table: Option<Vec<u8>>) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).tables.extend(table);
        self.changed.notify_waiters();
    }

    /// Waits until the table is there, or until there will be no more of them: then the server says what is missing.
    pub(super) async fn wait_for(&self, table: &[u8]) {
        loop {
            let changed = self.changed.notified();
            {
                let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                if state.makers == 0 || state.tables.contains(table) {
                    return;
                }
            }
            changed.await;
        }
    }
}

impl Drop for Maker<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).makers -= 1;
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
        let made = Made::by(1);
        let maker = made.maker();
        let waiting = async { tokio::join!(made.wait_for(b"`a`"), made.wait_for(b"`never`")) };
        tokio::join!(waiting, async {
            made.add(Some(b"`a`".to_vec()));
            tokio::task::yield_now().await;
            drop(maker);
        });
    }
}
