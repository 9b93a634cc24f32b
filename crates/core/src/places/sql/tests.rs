use super::*;

fn of(text: &str) -> Result<Vec<SqlPlace>, String> {
    let texts: Vec<&str> = text.split('◊').collect();
    places(&texts).map_err(|faults| faults.iter().map(|f| f.message.clone()).collect::<Vec<_>>().join("; "))
}

#[test]
fn values_texts_and_names_are_places() {
    assert_eq!(of("select count(*) from t where db = ◊"), Ok(vec![SqlPlace::Value]));
    assert_eq!(
        of("select * from `◊`.`t` where a = 'x-◊-y' and b in (◊, ◊)"),
        Ok(vec![SqlPlace::Identifier, SqlPlace::Quoted, SqlPlace::Value, SqlPlace::Value])
    );
    assert_eq!(of("select 1 where a in (◊) and b in ( ◊ ) and f(◊)"), Ok(vec![SqlPlace::List, SqlPlace::List, SqlPlace::Value]));
    assert_eq!(of("select /*+ parallel(◊) */ 1"), Ok(vec![SqlPlace::Number]));
    assert_eq!(of("select 'a\\nb', ◊, '\\d◊'"), Ok(vec![SqlPlace::Value, SqlPlace::Quoted]), "a backslash that decides nothing");
    for text in [
        "select executed_at, names from prepared where execute_time > ◊",
        "create table t (a int) default charset=utf8mb4 comment ◊",
        "select * from names where a = ◊",
        "select /*+ parallel(8) */ a from t where b = ◊",
        "insert into t values (◊,◊)",
        "select date ◊, a # rest\n, ◊ --\n, ◊",
        "set @a = ◊; select @@sql_mode",
    ] {
        assert!(of(text).is_ok_and(|places| places.iter().all(|place| *place == SqlPlace::Value)), "{text}");
    }
    assert_eq!(of("select 'it''s', \"a\" -- rest\n, ◊"), Ok(vec![SqlPlace::Value]));
    assert_eq!(of("select 'a\\b'"), Ok(vec![]), "a text without values may hold anything");
}

#[test]
fn what_is_not_certain_is_refused() {
    for text in [
        "select \"◊\"",
        "select 1 -- ◊",
        "select /* ◊ */ 1",
        "select /*! ◊ */ 1",
        "select x'◊'",
        "select a◊",
        "select ◊a",
        "select db.◊",
        "select 'a\\' , ◊, '",
        "select '◊",
        "prepare s from ◊",
        "set names ◊",
        "set sql_mode = ◊",
        "select '\\◊'",
        "select '\\', ◊, '\\'",
        "select /*+ parallel◊ */ 1",
        "select /*+ ◊x */ 1",
        "select \"a\\\", ◊, \"",
        "select @◊",
        // Each of these is read differently by different servers or modes.
        "select 1--'\n ◊ '",
        "select /*! ' */ ◊ '",
        "select /*M! ' */ ◊ '",
        "select /*+ set_var(a='*/ ◊') */ 1",
        "select _gbk ◊",
        "select _gbk '◊'",
        "set @@sql_mode = 'a', @x = ◊",
        "set @@session.sql_mode = ◊",
        "set character set ◊",
        "set charset ◊",
        "execute immediate ◊",
        "select -◊",
        "select ◊*/",
        "select 1 /◊",
        "select \"a\\\" , ◊",
        "select 1 -- a\n, \"◊\"",
    ] {
        assert!(of(text).is_err(), "{text}");
    }
}

#[test]
fn a_pattern_says_how_it_escapes() {
    let of = |text: &str| analyse(&text.split('◊').collect::<Vec<_>>(), &[Form::Like]).map_err(|faults| faults[0].help.clone());
    assert_eq!(of("select 1 where a like '◊%' ESCAPE  '|' and b = 1"), Ok(vec![SqlPlace::Quoted]));
    assert_eq!(of("select 1 where a like ◊ escape '|'"), Ok(vec![SqlPlace::Value]));
    for text in
        ["select 1 where a like '◊%'", "select 1 where a like '◊%'; select '' like '' escape '|'", "select 1 where a like '◊%' escape '!'"]
    {
        assert!(of(text).is_err_and(|help| help.contains("escape '|'")), "{text}");
    }
}
