//! Definitions as servers write them, made fit to be loaded anywhere: without the database's own name, foreign keys apart.
//!
//! They are taken apart by their tokens, never by lines or patterns: comments, defaults and names may hold anything.

use std::collections::{BTreeMap, BTreeSet};

/// A piece of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token<'a> {
    kind: TokenKind,
    text: &'a str,
    /// Where it begins.
    at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenKind {
    /// A key word, an unquoted name or a number.
    Word,
    /// A name in back-quotes.
    Name,
    /// A text in quotes.
    Text,
    /// One character of anything else.
    Mark,
}

impl Token<'_> {
    fn is(&self, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(word)
    }

    fn is_mark(&self, mark: &str) -> bool {
        self.kind == TokenKind::Mark && self.text == mark
    }

    /// The name that it is, if it can be one.
    fn name(&self) -> Option<String> {
        match self.kind {
            TokenKind::Word => Some(self.text.to_owned()),
            TokenKind::Name => self.text.strip_prefix('`')?.strip_suffix('`').map(|name| name.replace("``", "`")),
            TokenKind::Text | TokenKind::Mark => None,
        }
    }

    fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

/// Why a definition cannot be taken apart.
pub(in crate::sql) type Broken = &'static str;

/// Cuts a definition; blanks and comments are left out. None where a quote is not closed.
fn tokens(sql: &str) -> Option<Vec<Token<'_>>> {
    let bytes = sql.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = sql.get(at..)?;
        let (kind, length) = match byte {
            b'`' | b'\'' | b'"' => (if byte == b'`' { TokenKind::Name } else { TokenKind::Text }, quoted(bytes, at)? - at),
            _ if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'/' if rest.starts_with("/*") && !rest.starts_with("/*!") => {
                at += rest.find("*/")? + 2;
                continue;
            }
            b'#' => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            b'-' if rest.starts_with("--") && bytes.get(at + 2).is_none_or(u8::is_ascii_whitespace) => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            _ if is_word(byte) => (TokenKind::Word, rest.bytes().position(|b| !is_word(b)).unwrap_or(rest.len())),
            _ => (TokenKind::Mark, 1),
        };
        tokens.push(Token { kind, text: rest.get(..length)?, at });
        at += length;
    }
    Some(tokens)
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'@') || byte >= 0x80
}

/// One past the end of the quoted piece that begins at `start`.
fn quoted(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = *bytes.get(start)?;
    let mut at = start + 1;
    loop {
        match *bytes.get(at)? {
            b'\\' if quote != b'`' => at += 2,
            byte if byte == quote && bytes.get(at + 1) == Some(&quote) => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// A table's definition in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sql) struct TableDdl {
    /// The definition without foreign keys.
    pub(in crate::sql) create: String,
    /// Where the list of columns and keys ends in it.
    end: usize,
    /// The same without the next automatic key: two tables are alike when these are equal.
    pub(in crate::sql) bare: String,
    /// The foreign keys as `CONSTRAINT … FOREIGN KEY …`, sorted: servers list them in any order.
    pub(in crate::sql) foreign_keys: Vec<String>,
    /// The next automatic key.
    pub(in crate::sql) auto_increment: Option<u64>,
    /// The names of the primary key's columns; none where it has only the beginnings of some, or is sorted backwards.
    pub(in crate::sql) primary: Vec<String>,
    /// The same table without its other keys, where these can be added later and it is the same table then.
    pub(in crate::sql) keyless: Option<Keyless>,
}

impl TableDdl {
    /// The definition with these foreign keys.
    pub(in crate::sql) fn create_with(&self, foreign_keys: &[&str]) -> String {
        let (before, after) = self.create.split_at_checked(self.end).unwrap_or((&self.create, ""));
        foreign_keys.iter().fold(before.to_owned(), |text, key| text + ",\n  " + key) + after
    }
}

/// A table without its other keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sql) struct Keyless {
    /// Its definition.
    pub(in crate::sql) create: String,
    /// Its other keys in their order.
    pub(in crate::sql) keys: Vec<String>,
}

/// Takes a `CREATE TABLE` apart.
pub(in crate::sql) fn table(sql: &str, database: &str) -> Result<TableDdl, Broken> {
    let tokens = tokens(sql).ok_or("a quote in it is not closed")?;
    let open = tokens.iter().position(|token| token.is_mark("(")).ok_or("it has no list of columns")?;
    let (items, close) = items(&tokens, open).ok_or("its parentheses do not match")?;
    let text = |from: usize, to: usize| sql.get(from..to).unwrap_or_default();
    let mut kept = Vec::new();
    let (mut keys, mut fixed, mut automatic) = (BTreeSet::new(), false, None);
    let mut foreign_keys = Vec::new();
    let mut primary = Vec::new();
    for item in items {
        let part = tokens.get(item.0..item.1).unwrap_or_default();
        let (Some(first), Some(last)) = (part.first(), part.last()) else { return Err("it has an empty column") };
        let source = text(first.at, last.end());
        members(part)?;
        if let [word, key, list @ ..] = part
            && word.is("primary")
            && key.is("key")
        {
            primary = plain_names(list).unwrap_or_default();
        }
        match part {
            [key, ..] if key.is("key") => drop(keys.insert(kept.len())),
            [unique, key, ..] if unique.is("unique") && key.is("key") => drop(keys.insert(kept.len())),
            // Keys of other kinds are sorted in among them.
            [kind, ..] if ["fulltext", "spatial", "vector"].iter().any(|word| kind.is(word)) => fixed = true,
            [column, ..] if part.iter().any(|token| token.is("auto_increment")) => automatic = column.name(),
            _ => {}
        }
        if is_foreign_key(part) {
            foreign_keys.push(strip_database(source, database, &BTreeSet::new()));
        } else {
            kept.push(source.to_owned());
        }
    }
    foreign_keys.sort_unstable();
    let open_at = tokens.get(open).map_or(0, Token::end);
    let close_at = tokens.get(close).map_or(0, |token| token.at);
    let table = |items: &[&str]| format!("{}\n  {}\n{}", text(0, open_at), items.join(",\n  "), text(close_at, sql.len()));
    let create = table(&kept.iter().map(String::as_str).collect::<Vec<_>>());
    let end = create.len() - (sql.len() - close_at) - 1;
    // An automatic column has to be the beginning of a key from the start.
    let later = !keys.is_empty() && !fixed && (automatic.is_none() || automatic.as_ref() == primary.first());
    let keyless = later.then(|| {
        let (keys, rest): (Vec<_>, Vec<_>) = kept.iter().enumerate().partition(|(at, _)| keys.contains(at));
        let rest: Vec<&str> = rest.into_iter().map(|(_, item)| item.as_str()).collect();
        Keyless { create: table(&rest), keys: keys.into_iter().map(|(_, key)| key.clone()).collect() }
    });
    let (bare, auto_increment) = without_auto_increment(&create);
    Ok(TableDdl { create, end, bare, foreign_keys, auto_increment, primary, keyless })
}

/// Takes `CHARACTER SET a` away from in front of `COLLATE b`, which says it as well: MySQL 8 writes it for a column that was made by such a definition,
/// and not for one that has the collation from its table.
pub(in crate::sql) fn collations_alone(sql: &str) -> String {
    let Some(tokens) = tokens(sql) else { return sql.to_owned() };
    let mut out = String::with_capacity(sql.len());
    let mut from = 0;
    for four in tokens.windows(4) {
        if let [character, set, _, collate] = four
            && character.is("character")
            && set.is("set")
            && collate.is("collate")
        {
            out.push_str(sql.get(from..character.at).unwrap_or_default());
            from = collate.at;
        }
    }
    out.push_str(sql.get(from..).unwrap_or_default());
    out
}

/// The top-level items of a list in parentheses, as ranges of tokens, and the token that closes it.
fn items(tokens: &[Token<'_>], open: usize) -> Option<(Vec<(usize, usize)>, usize)> {
    let mut items = Vec::new();
    let mut depth = 0_u32;
    let mut start = open + 1;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.is_mark("(") {
            depth += 1;
        } else if token.is_mark(")") {
            depth -= 1;
            if depth == 0 {
                items.push((start, at));
                return Some((items, at));
            }
        } else if depth == 1 && token.is_mark(",") {
            items.push((start, at));
            start = at + 1;
        }
    }
    None
}

/// The names of a list in parentheses that holds nothing but names.
fn plain_names(list: &[Token<'_>]) -> Option<Vec<String>> {
    let open = list.iter().position(|token| token.is_mark("("))?;
    let close = list.iter().position(|token| token.is_mark(")"))?;
    list.get(open + 1..close)?
        .chunks(2)
        .map(|pair| match pair {
            [name, mark] if mark.is_mark(",") => name.name(),
            [name] => name.name(),
            _ => None,
        })
        .collect()
}

fn is_foreign_key(part: &[Token<'_>]) -> bool {
    let after = match part {
        [constraint, _, rest @ ..] if constraint.is("constraint") => rest,
        other => other,
    };
    matches!(after, [foreign, key, ..] if foreign.is("foreign") && key.is("key"))
}

/// The table of its own database that a foreign key, or a definition with some, refers to; nothing of what stands in another one.
pub(in crate::sql) fn referred_to(sql: &str) -> BTreeSet<String> {
    let tokens = tokens(sql).unwrap_or_default();
    let behind = |at: usize| tokens.get(at + 2).is_some_and(|token| token.is_mark("."));
    let references = tokens.iter().enumerate().filter(|(at, token)| token.is("references") && !behind(*at));
    references.filter_map(|(at, _)| tokens.get(at + 1)?.name()).collect()
}

/// The members of an `ENUM` or `SET` have to be a list of texts: seekdb 1.4 writes `enum('a','b'c')` for the member `b'c`.
fn members(part: &[Token<'_>]) -> Result<(), Broken> {
    let [name, kind, open, rest @ ..] = part else { return Ok(()) };
    if name.kind != TokenKind::Name || !(kind.is("enum") || kind.is("set")) || !open.is_mark("(") {
        return Ok(());
    }
    for pair in rest.chunks(2) {
        match pair {
            [text, mark] if text.kind == TokenKind::Text && mark.is_mark(",") => {}
            [text, mark] if text.kind == TokenKind::Text && mark.is_mark(")") => return Ok(()),
            _ => break,
        }
    }
    Err("the server writes the members of an ENUM or SET without escaping their quotes")
}

/// Takes `AUTO_INCREMENT = n` out of a table's options.
fn without_auto_increment(create: &str) -> (String, Option<u64>) {
    let Some(tokens) = tokens(create) else { return (create.to_owned(), None) };
    // A column's AUTO_INCREMENT has no `=` behind it.
    let found = tokens.windows(3).find_map(|three| match three {
        [word, equals, number] if word.is("auto_increment") && equals.is_mark("=") => {
            Some((word.at, number.end(), number.text.parse::<u64>().ok()?))
        }
        _ => None,
    });
    match found {
        Some((from, to, number)) => {
            let before = create.get(..from).unwrap_or_default();
            let after = create.get(to..).unwrap_or_default();
            (format!("{before}{}", after.trim_start_matches(' ')), Some(number))
        }
        None => (create.to_owned(), None),
    }
}

/// Takes the database's own name away from in front of what it holds, so that the definition works in another database as well.
///
/// In `a.b.c` the first is a database. `a.b` may also be a column of a table or alias `a`: where the database has such a namesake, it is taken for one
/// unless a key word in front says that a table or routine is meant. `objects` are the names of what the database holds.
pub(in crate::sql) fn strip_database(sql: &str, database: &str, objects: &BTreeSet<String>) -> String {
    let Some(tokens) = tokens(sql) else { return sql.to_owned() };
    let is_database = |token: &Token<'_>| token.name().is_some_and(|name| name == database);
    let dot = |at: usize| tokens.get(at).is_some_and(|token| token.is_mark("."));
    let namesake = objects.contains(database)
        || tokens.iter().enumerate().any(|(at, token)| is_database(token) && !dot(at + 1) && (at == 0 || !dot(at - 1)));
    let mut out = String::with_capacity(sql.len());
    let mut from = 0;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let starts = is_database(token) && dot(at + 1) && (at == 0 || !dot(at - 1));
        if starts && tokens.get(at + 2).is_some_and(|next| next.name().is_some()) {
            let called = tokens.get(at + 3).is_some_and(|token| token.is_mark("("));
            let meant = at.checked_sub(1).and_then(|before| tokens.get(before)).is_some_and(names_follow);
            if dot(at + 3) || called || meant || !namesake {
                out.push_str(sql.get(from..token.at).unwrap_or_default());
                from = tokens.get(at + 2).map_or(sql.len(), |next| next.at);
                at += 2;
            }
        }
        at += 1;
    }
    out.push_str(sql.get(from..).unwrap_or_default());
    out
}

/// Words behind which a table, view or routine stands.
fn names_follow(token: &Token<'_>) -> bool {
    [
        "from",
        "join",
        "into",
        "update",
        "table",
        "references",
        "on",
        "view",
        "trigger",
        "procedure",
        "function",
        "event",
        "call",
        "straight_join",
    ]
    .iter()
    .any(|word| token.is(word))
}

/// Sorts definitions so that each comes after those whose names it mentions; where they mention each other, by name.
pub(in crate::sql) fn in_order(mut definitions: BTreeMap<String, String>) -> Vec<(String, String)> {
    let names: BTreeSet<String> = definitions.keys().cloned().collect();
    let mut waiting: BTreeMap<String, BTreeSet<String>> = definitions
        .iter()
        .map(|(name, sql)| {
            let mentioned =
                tokens(sql).unwrap_or_default().iter().filter_map(Token::name).filter(|m| m != name && names.contains(m)).collect();
            (name.clone(), mentioned)
        })
        .collect();
    let mut out = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.iter().find(|(_, needs)| needs.is_empty()).or_else(|| waiting.iter().next()).map(|(name, _)| name.clone());
        let Some(name) = ready else { break };
        waiting.remove(&name);
        for needs in waiting.values_mut() {
            needs.remove(&name);
        }
        if let Some(sql) = definitions.remove(&name) {
            out.push((name, sql));
        }
    }
    out
}

/// The tables and views of a database that a view's definition reads: what stands behind `FROM` and `JOIN`, parentheses aside. Servers write lists
/// of tables as joins. May name a column too (`TRIM(… FROM c)`).
pub(in crate::sql) fn tables_read(definition: &str, database: &str) -> BTreeSet<String> {
    let tokens = tokens(definition).unwrap_or_default();
    let mut read = BTreeSet::new();
    let mut expected = false;
    let mut rest = tokens.iter().peekable();
    while let Some(token) = rest.next() {
        if ["from", "join", "straight_join"].iter().any(|word| token.is(word)) {
            expected = true;
        } else if expected && !token.is_mark("(") {
            expected = false;
            let Some(first) = token.name() else { continue };
            if rest.next_if(|next| next.is_mark(".")).is_none() {
                read.insert(first);
            } else if first == database {
                read.extend(rest.next().and_then(Token::name));
            }
        }
    }
    read
}

/// A delimiter that does not occur in a body.
pub(in crate::sql) fn delimiter_for(body: &str) -> &'static str {
    ["$$", "//", ";;", "|||", "~~~~", "@@@@@"].into_iter().find(|delimiter| !body.contains(delimiter)).unwrap_or("#~#~#~#~#")
}

#[cfg(test)]
#[path = "ddl/tests.rs"]
mod tests;
