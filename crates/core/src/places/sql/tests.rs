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
        "select '◊\\n'",
        "select @◊",
    ] {
        assert!(of(text).is_err(), "{text}");
    }
}
