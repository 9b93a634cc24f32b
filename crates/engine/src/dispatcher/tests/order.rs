use runbook_core::record::{Record, RunEnd};

use super::bench::Bench;

#[tokio::test(start_paused = true)]
async fn checks_then_steps_then_verify_in_the_order_of_the_file() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            [[check]]
            id = "c1"
            try.look = { name = "c1" }
            [[step]]
            id = "s1"
            try.once = { name = "s1", takes = 5 }
            leaves = "nothing that matters"
            [[step]]
            id = "s2"
            try.once = { name = "s2" }
            leaves = "nothing that matters"
            [[verify]]
            id = "v1"
            try.look = { name = "v1" }
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Done);
    assert_eq!(bench.world.log(), ["c1", "s1", "s1 ended", "s2", "v1"]);
    assert_eq!(
        ran.story(),
        ["started c1.check", "ended c1.check", "started s1", "ended s1", "started s2", "ended s2", "started v1.verify", "ended v1.verify"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_chain_costs_one_line_a_step() {
    let mut bench = Bench::new();
    let step = |n: u32| format!("[[step]]\nid = \"s{n}\"\ntry.once = {{ name = \"s{n}\" }}\nleaves = \"nothing\"\n");
    let steps = (0..50).map(step).collect::<Vec<_>>().concat();
    let ran = bench.run(&steps).await;
    assert_eq!(ran.end, RunEnd::Done);
    // The opening, fifty starts (each with the end before it), and the close.
    assert!(ran.journal.lines().count() <= 53, "{}", ran.journal.lines().count());
}

#[tokio::test(start_paused = true)]
async fn steps_with_needs_run_side_by_side() {
    let mut bench = Bench::new();
    let ran = bench
        .run(
            r#"
            [[step]]
            id = "a"
            needs = []
            try.once = { name = "a", takes = 10 }
            leaves = "x"
            [[step]]
            id = "b"
            needs = []
            try.once = { name = "b", takes = 4 }
            leaves = "x"
            [[step]]
            id = "c"
            needs = ["b"]
            try.once = { name = "c", takes = 4 }
            leaves = "x"
            [[step]]
            id = "last"
            try.once = { name = "last" }
            leaves = "x"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Done);
    let timed = bench.world.timed();
    let at = |name: &str| timed.iter().find(|(_, text)| text == name).unwrap().0;
    assert_eq!((at("a"), at("b"), at("c"), at("last")), (0, 0, 4, 10));
}

#[tokio::test(start_paused = true)]
async fn outputs_reach_later_steps_and_expressions() {
    let mut bench = Bench::new();
    bench.vars = vec![("who", "world")];
    let ran = bench
        .run(
            r#"
            [vars.who]
            type = "string"
            description = "x"
            [[step]]
            id = "first"
            try.once = { name = "first", value = "hello {{vars.who}}" }
            outputs = { twice = 'concat value "!"' }
            expect = ['eq value "hello world"']
            leaves = "x"
            [[step]]
            id = "second"
            when = 'eq steps.first.count 1'
            try.once = { name = "{{steps.first.twice}}" }
            leaves = "x"
            [[step]]
            id = "third"
            when = 'eq steps.first.count 2'
            try.once = { name = "third" }
            leaves = "x"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Done);
    assert_eq!(bench.world.log(), ["first", "hello world!"]);
    let skipped = ran.records.iter().find_map(|stamped| match &stamped.record {
        Record::Skipped(skipped) => Some(skipped.clone()),
        _ => None,
    });
    assert_eq!(
        serde_json::to_value(skipped.unwrap()).unwrap(),
        serde_json::json!({
            "path": [{ "step": "third" }], "role": "do",
            "why": { "when": { "text": "eq steps.first.count 2", "actuals": [["steps.first.count", 1]] } }
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_loop_runs_for_each_of_its_items() {
    let mut bench = Bench::new();
    bench.vars = vec![("nodes", r#"["n1", "n2", "n3"]"#)];
    let ran = bench
        .run(
            r#"
            [vars.nodes]
            type = "list"
            description = "x"
            [[step]]
            id = "each"
            for_each = "vars.nodes"
            parallel = 2
            try.once = { name = "on {{item}}", takes = 5, value = "{{item}}" }
            leaves = "x"
            [[step]]
            id = "after"
            try.once = { name = "after {{steps.each.items.n2.value}}" }
            leaves = "x"
            "#,
        )
        .await;
    assert_eq!(ran.end, RunEnd::Done);
    let timed = bench.world.timed();
    let at = |name: &str| timed.iter().find(|(_, text)| text == name).unwrap_or_else(|| panic!("{timed:?}")).0;
    assert_eq!((at("on n1"), at("on n2"), at("on n3"), at("after n2")), (0, 0, 5, 10));
    ran.ended("each[n3]");
}
