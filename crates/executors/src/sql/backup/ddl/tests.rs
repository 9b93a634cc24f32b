use super::*;

const OCEANBASE: &str = "CREATE TABLE `c` (
  `id` int(11) NOT NULL AUTO_INCREMENT COMMENT 'it\\'s ), FOREIGN KEY (`x`)',
  `pid` bigint(20) DEFAULT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `fk2` FOREIGN KEY (`pid`) REFERENCES `shop`.`p`(`id`) ON UPDATE RESTRICT ON DELETE RESTRICT ,
  CONSTRAINT `fk1` FOREIGN KEY (`pid`) REFERENCES `other`.`p`(`id`) ON UPDATE RESTRICT ON DELETE CASCADE 
) ORGANIZATION INDEX AUTO_INCREMENT = 101 DEFAULT CHARSET = utf8mb4 COMMENT = 'AUTO_INCREMENT = 5'
 partition by hash(id)
(partition `p0`,
partition `p1`)";

#[test]
fn foreign_keys_are_set_apart_and_sorted() {
    let ddl = table(OCEANBASE, "shop").unwrap();
    assert_eq!(
        ddl.create,
        "CREATE TABLE `c` (
  `id` int(11) NOT NULL AUTO_INCREMENT COMMENT 'it\\'s ), FOREIGN KEY (`x`)',
  `pid` bigint(20) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ORGANIZATION INDEX AUTO_INCREMENT = 101 DEFAULT CHARSET = utf8mb4 COMMENT = 'AUTO_INCREMENT = 5'
 partition by hash(id)
(partition `p0`,
partition `p1`)"
    );
    assert_eq!(
        ddl.foreign_keys,
        [
            "CONSTRAINT `fk1` FOREIGN KEY (`pid`) REFERENCES `other`.`p`(`id`) ON UPDATE RESTRICT ON DELETE CASCADE",
            "CONSTRAINT `fk2` FOREIGN KEY (`pid`) REFERENCES `p`(`id`) ON UPDATE RESTRICT ON DELETE RESTRICT"
        ]
    );
    assert_eq!(ddl.auto_increment, Some(101));
    assert!(ddl.bare.contains("ORGANIZATION INDEX DEFAULT CHARSET = utf8mb4 COMMENT = 'AUTO_INCREMENT = 5'"), "{}", ddl.bare);
}

#[test]
fn foreign_keys_come_back_behind_the_other_items() {
    let ddl = table(OCEANBASE, "shop").unwrap();
    let [elsewhere, here] = ddl.foreign_keys.as_slice() else { panic!("two keys") };
    assert_eq!(referred_to(here), BTreeSet::from(["p".to_owned()]));
    assert_eq!(referred_to(elsewhere), BTreeSet::new());
    let whole = ddl.create_with(&[here]);
    assert!(whole.contains(&format!("PRIMARY KEY (`id`),\n  {here}\n) ORGANIZATION INDEX")), "{whole}");
    assert_eq!(referred_to(&whole), BTreeSet::from(["p".to_owned()]));
    assert_eq!(table(&whole, "shop").unwrap().create, ddl.create);
    assert_eq!(ddl.create_with(&[]), ddl.create);
}

#[test]
fn a_definition_that_its_server_did_not_escape_is_refused() {
    let sql = "CREATE TABLE `p` (\n  `e` enum('a','b'c','d'e') DEFAULT NULL\n)";
    assert_eq!(table(sql, "shop"), Err("the server writes the members of an ENUM or SET without escaping their quotes"));
    assert_eq!(table("CREATE TABLE `p` (\n  `e` enum('a','b'c')\n)", "shop"), Err("a quote in it is not closed"));
    assert!(table("CREATE TABLE `p` (\n  `e` set('a','b''c') DEFAULT 'a'\n)", "shop").is_ok());
}

#[test]
fn the_databases_own_name_goes_and_nothing_else() {
    let none = BTreeSet::new();
    let strip = |sql: &str| strip_database(sql, "shop", &none);
    assert_eq!(
        strip(
            "select `shop`.`v1`.`id` AS `id`,'shop.' AS `txt` from (`shop`.`v1` join `other`.`c` on (`shop`.`f`(1) = `other`.`c`.`shop`))"
        ),
        "select `v1`.`id` AS `id`,'shop.' AS `txt` from (`v1` join `other`.`c` on (`f`(1) = `other`.`c`.`shop`))"
    );
    assert_eq!(strip("create trigger shop.t before insert on shop . x for each row"), "create trigger t before insert on x for each row");
}

#[test]
fn a_table_with_the_databases_name_keeps_its_columns() {
    let objects = BTreeSet::from(["shop".to_owned()]);
    assert_eq!(
        strip_database("select `shop`.`a` AS `a`, `shop`.`shop`.`b` from `shop`.`shop` where `shop`.`b` > 1", "shop", &objects),
        "select `shop`.`a` AS `a`, `shop`.`b` from `shop` where `shop`.`b` > 1"
    );
    let none = BTreeSet::new();
    assert_eq!(strip_database("select `shop`.`a` from `t` `shop`", "shop", &none), "select `shop`.`a` from `t` `shop`");
}

#[test]
fn views_come_after_those_they_read() {
    let views = [("a", "select * from `b`"), ("b", "select * from `c` join `t`"), ("c", "select 'a' from `t`")];
    let order = in_order(views.map(|(name, sql)| (name.to_owned(), sql.to_owned())).into());
    assert_eq!(order.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);
}

#[test]
fn a_delimiter_does_not_occur_in_the_body() {
    assert_eq!(delimiter_for("select 1;"), "$$");
    assert_eq!(delimiter_for("select '$$'"), "//");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\PC|[`'\"\\\\().,;/*#\n-]|create table |enum\\(|constraint |foreign key ){0,40}") {
        let _ = table(&text, "shop");
        let _ = strip_database(&text, "shop", &BTreeSet::new());
        let _ = in_order(BTreeMap::from([("a".to_owned(), text)]));
    }
}

#[test]
fn what_a_view_reads_is_known() {
    let read = |sql: &str| tables_read(sql, "db").into_iter().collect::<Vec<_>>();
    let mariadb =
        "CREATE VIEW `v` AS select `a`.`x` AS `b` from ((`a` join `c d` on(`a`.`x` = `c d`.`x`)) left join `e` on(1)) where 'from f' <> ''";
    assert_eq!(read(mariadb), ["a", "c d", "e"]);
    assert_eq!(read("CREATE VIEW `v` AS select 1 AS `a` from `db`.`a` join `other`.`c` union select 1 from `db`.`e`"), ["a", "e"]);
    assert_eq!(read("CREATE VIEW `v` AS select 1 AS `1`"), Vec::<String>::new());
}

#[test]
fn a_collation_says_its_character_set_as_well() {
    let written = "CREATE TABLE `t` (\n  `a` varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT 'CHARACTER SET x COLLATE y',\n  `b` text CHARACTER SET latin1,\n  \
                   `c` text COLLATE utf8mb4_bin\n) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin";
    assert_eq!(collations_alone(written), written.replace("CHARACTER SET utf8mb4 ", ""));
}
