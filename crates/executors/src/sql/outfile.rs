//! Whether a question would write a file on the server's host: a read-only transaction does not keep MySQL and MariaDB from `into outfile`.

use runbook_sqltext::Mode;

/// Whether `into outfile` or `into dumpfile` stands in a statement, outside texts, names and comments. What stands in an executed comment counts.
pub(super) fn writes_file(sql: &str, mode: Mode) -> bool {
    let mut into = false;
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = comment(rest) {
            rest = after;
            continue;
        }
        if matches!(first, '\'' | '"' | '`') {
            rest = after_quote(rest, first, mode);
            into = false;
            continue;
        }
        let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(if end == 0 { first.len_utf8() } else { end });
        if into && ["outfile", "dumpfile"].iter().any(|file| word.eq_ignore_ascii_case(file)) {
            return true;
        }
        // Blanks and the end of an executed comment may stand between the two words.
        if !first.is_whitespace() && !matches!(first, '*' | '/') {
            into = word.eq_ignore_ascii_case("into");
        }
        rest = after;
    }
    false
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

/// What follows a comment that `sql` begins with. Of an executed one only its opening is passed over.
fn comment(sql: &str) -> Option<&str> {
    if let Some(code) = sql.strip_prefix("/*!").or_else(|| sql.strip_prefix("/*M!")) {
        return Some(code.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    if let Some(inner) = sql.strip_prefix("/*") {
        return Some(inner.split_once("*/").map_or("", |(_, after)| after));
    }
    let dashes = sql.strip_prefix("--").is_some_and(|after| after.chars().next().is_none_or(|c| c.is_whitespace() || c.is_control()));
    if sql.starts_with('#') || dashes {
        return Some(sql.split_once('\n').map_or("", |(_, after)| after));
    }
    None
}

/// What follows a quoted text or name. A doubled quote is two that touch.
fn after_quote(sql: &str, quote: char, mode: Mode) -> &str {
    let escapes = !mode.no_backslash_escapes && (quote == '\'' || (quote == '"' && !mode.ansi_quotes));
    let mut chars = sql.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == '\\' && escapes {
            chars.next();
        } else if c == quote {
            return sql.get(at + 1..).unwrap_or_default();
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(sql: &str) -> bool {
        writes_file(sql, Mode::default())
    }

    #[test]
    fn a_file_is_seen_however_it_is_written() {
        for sql in [
            "select 1 into outfile '/x'",
            "select 1 INTO  DumpFile '/x' from t",
            "select a from t into/* c */outfile'/x'",
            "select a from t into -- c\n outfile '/x'",
            "select 1 /*!50000 into outfile '/x' */",
            "select 1 /*M!100100 into*/ outfile '/x'",
            "select 1 into /*!outfile*/ '/x'",
            "select 'a\\'b' into outfile '/x'",
            "(select `a``b` from t) union select 1 into outfile '/x'",
        ] {
            assert!(plain(sql), "{sql}");
        }
        let mode = Mode { no_backslash_escapes: true, ansi_quotes: false };
        assert!(writes_file("select '\\' into outfile '/x'", mode));
    }

    #[test]
    fn texts_names_and_comments_write_nothing() {
        for sql in [
            "select 'into outfile'",
            "select \"into outfile '/x'\"",
            "select `into outfile` from t",
            "select 1 /* into outfile '/x' */",
            "select 1 -- into outfile '/x'",
            "select outfile, dumpfile from t where a = 'into'",
            "select 1 into @outfile",
            "select 1 into `outfile`",
            "select into_outfile from t",
            "",
        ] {
            assert!(!plain(sql), "{sql}");
        }
    }
}
