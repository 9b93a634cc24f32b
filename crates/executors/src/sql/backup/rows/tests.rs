use super::*;

fn column(name: &str, data_type: &str) -> Column {
    Column {
        name: name.to_owned(),
        declared: data_type.to_owned(),
        kind: Kind::of(data_type),
        generated: false,
        nullable: true,
        charset: Some("utf8mb4".to_owned()),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what a row's value looks like")]
fn raw(bytes: &[u8]) -> Option<&[u8]> {
    Some(bytes)
}

fn text(batch: Option<(Vec<u8>, u64)>) -> (String, u64) {
    batch.map_or_else(Default::default, |(text, statements)| (String::from_utf8(text).unwrap(), statements))
}

#[test]
fn each_kind_is_written_without_loss() {
    let columns = [column("a", "int"), column("b`", "float"), column("c", "blob"), column("d", "varchar"), column("e", "double")];
    let mut writer = RowWriter::new("t", &columns);
    writer.push(&[raw(b"-7"), raw(b"-0"), raw(b"\x00\xff"), raw("it's\n\\ 名".as_bytes()), raw(b"1e300")]).unwrap();
    writer.push(&[None, None, raw(b""), raw(b""), None]).unwrap();
    assert_eq!(
        text(writer.finish()),
        (
            "INSERT INTO `t` (`a`, `b```, `c`, `d`, `e`) VALUES\n(-7, -0e0, 0x00FF, 'it''s\\n\\\\ 名', 1e300),\n(NULL, NULL, '', '', NULL);\n".to_owned(),
            1
        )
    );
    assert_eq!(writer.finish(), None);
}

#[test]
fn generated_columns_are_left_out() {
    let mut columns = [column("a", "int"), column("g", "int")];
    columns[1].generated = true;
    let mut writer = RowWriter::new("t", &columns);
    writer.push(&[raw(b"1")]).unwrap();
    assert_eq!(text(writer.finish()).0, "INSERT INTO `t` (`a`) VALUES\n(1);\n");
}

#[test]
fn statements_end_at_about_a_mebibyte() {
    let mut writer = RowWriter::new("t", &[column("a", "varchar")]);
    let mut sizes = Vec::new();
    for _ in 0..3_000 {
        writer.push(&[raw(&[b'x'; 1_000])]).unwrap();
        if let Some((text, statements)) = writer.full() {
            sizes.push((text.len(), statements));
        }
    }
    assert_eq!(sizes.len(), 2);
    assert!(sizes.iter().all(|(size, statements)| (1 << 20..(1 << 20) + 2_000).contains(size) && *statements == 1), "{sizes:?}");
    assert!(writer.finish().is_some());
}

#[test]
fn a_large_value_is_put_together_in_pieces() {
    let mut writer = RowWriter::new("t", &[column("id", "int"), column("a", "longtext")]);
    writer.push(&[raw(b"1"), raw(b"small")]).unwrap();
    // A character of three bytes across the border of a piece is not cut.
    let value = format!("xx{}", "名".repeat(PIECE / 3));
    writer.push(&[raw(b"2"), raw(value.as_bytes())]).unwrap();
    let (text, statements) = text(writer.full());
    assert_eq!(statements, 4);
    let parts: Vec<&str> = text.split_inclusive(";\n").collect();
    assert!(parts[0].ends_with("(1, 'small');\n"));
    assert!(parts[1].starts_with("SET @runbook_1 = REPEAT('xx名") && parts[1].ends_with("名', 1);\n"));
    assert_eq!(parts[2], "SET @runbook_1 = CONCAT(@runbook_1, REPEAT('名', 1));\n");
    assert_eq!(parts[3], "INSERT INTO `t` (`id`, `a`) VALUES\n(2, @runbook_1);\n");
}

#[test]
fn a_text_that_is_none_is_not_guessed_at() {
    let mut writer = RowWriter::new("t", &[column("a", "varchar")]);
    let failure = writer.push(&[raw(b"\xff")]).unwrap_err();
    assert_eq!(failure.message, "a value of `t`.`a` is not valid in its own character set");
}
